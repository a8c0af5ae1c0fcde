"""Which price wins, and what a line costs: integers in minor units, the same answer at every till and at the hub."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from protocol.catalogue import WHOLE_MILLI, Price, Scope

# fmt: off
_MINOR_DIGITS: Final = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
    "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
    "CLF": 4, "UYW": 4,
}
# fmt: on


def winning_price(prices: Iterable[Price], at_us: int, qty_milli: int, scopes: Sequence[Scope]) -> Price | None:
    """Pick the price of an item at `at_us` (UTC) for `qty_milli` of it; None if none holds.

    `scopes` are those the asking station stands in, narrowest first: its own, its area's, the store's. A price
    of another scope does not count. The greatest priority wins, then the narrowest scope, then the latest valid-from,
    then the first id in code point order. What is taken back (`qty_milli` below 0) is priced as it was sold.

    The price is told for one unit of the item (`for_a_unit`), whatever unit it was given for.
    """
    asked_milli = abs(qty_milli)
    best: Price | None = None
    best_rank = (0, 0, 0)
    for price in prices:
        if (
            price.valid_from_us > at_us
            or (price.valid_to_us is not None and price.valid_to_us <= at_us)
            or price.min_qty_milli > asked_milli
            or price.scope not in scopes
        ):
            continue
        rank = (price.priority, -scopes.index(price.scope), price.valid_from_us)
        if best is None or rank > best_rank or (rank == best_rank and price.id < best.id):
            best, best_rank = price, rank
    return best if best is None or best.sell_factor_milli == WHOLE_MILLI else for_a_unit(best)


def for_a_unit(price: Price) -> Price:
    """Tell a price for one unit of the item: 1.99 for 100 g is 19.90 for a kilogram."""
    minor = price.minor * WHOLE_MILLI // price.sell_factor_milli
    return msgspec.structs.replace(price, minor=minor, sell_factor_milli=WHOLE_MILLI)


def line_total(minor: int, qty_milli: int) -> int:
    """Give what `qty_milli` milli-units cost at `minor` a unit, in minor units.

    Half a minor unit is rounded up, and a return to the same amount below zero, so that it pays back exactly
    what the sale took. A kilogram's milli-units are grams: 199 a kg times 250 g is 49.75, told as 50.
    """
    product = minor * qty_milli
    rounded = (2 * abs(product) + WHOLE_MILLI) // (2 * WHOLE_MILLI)
    return rounded if product >= 0 else -rounded


def minor_digits(currency: str) -> int:
    """Say how many decimal places a currency's minor unit has (ISO 4217, list one)."""
    return _MINOR_DIGITS.get(currency, 2)
