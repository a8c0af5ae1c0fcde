"""A price that is part of a code, in minor units exactly, and how much of an item it pays for.

A scale prints what was weighed times the price of a kilogram, rounded to a whole minor unit. Turned back into grams,
that is off by half a minor unit's worth and half a gram at the most: at 1.99 a kilogram, by 3 g. What is sold by the
piece is not rounded: a label at a whole multiple of a piece's price is of so many, and any other is the price of one.
"""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.catalogue import WHOLE_MILLI, Price, Unit
from protocol.errors import BadInput
from protocol.pricing import minor_digits

MOST_PIECES: Final = 99
"""No label is of more: goods listed at a cent, whose label says what they cost, are not hundreds of pieces."""


class LabelPrice(msgspec.Struct, frozen=True, gc=False):
    """What a label says the goods cost: `minor` minor units of `currency` (ISO 4217)."""

    minor: int
    currency: str


def label_price(digits: str, decimals: int, currency: str) -> LabelPrice:
    """Tell digits of which the last `decimals` stand behind the point. Raises `BadInput` ("price-too-fine")."""
    minor, rest = divmod(int(digits) * 10 ** minor_digits(currency), 10**decimals)
    if rest:
        raise BadInput("price-too-fine", f"{digits} with {decimals} decimals is no whole number of minor units")
    return LabelPrice(minor, currency)


def milli_of_label(label: LabelPrice, price: Price | None, unit: Unit) -> int | None:
    """Say how much a label's price pays for at `price` for one unit: grams, or thousandths of pieces.

    None if that tells nothing: no price, another currency, or less than half a gram or another price than that of 1 to
    `MOST_PIECES` pieces.
    """
    if price is None or price.minor == 0 or price.currency != label.currency:
        return None
    if unit is Unit.KG:
        return (2 * label.minor * WHOLE_MILLI + price.minor) // (2 * price.minor) or None
    pieces, rest = divmod(label.minor, price.minor)
    return pieces * WHOLE_MILLI if not rest and 1 <= pieces <= MOST_PIECES else None
