"""How much of an item a scan is, as far as its label tells, and at which price."""

from __future__ import annotations

from collections.abc import Sequence

from edge.station.actions import Goods
from protocol.catalogue import WHOLE_MILLI, Price, Scope, Unit
from protocol.pricing import winning_price


def by_weight(goods: Goods) -> bool:
    """Tell whether the item is sold by weight."""
    return goods.item is not None and goods.item.unit is Unit.KG


def in_grams(goods: Goods) -> bool:
    """Tell whether thousandths of a scan are grams: it is sold by weight, or unknown and its label tells a weight."""
    return by_weight(goods) if goods.item is not None else goods.weight_g is not None


def price_of(goods: Goods, qty_milli: int, scopes: Sequence[Scope]) -> Price | None:
    """Give the price of a unit of the item, when so much of the code is taken at once."""
    of_item_milli = qty_milli * goods.factor_milli // WHOLE_MILLI
    return winning_price(goods.prices, goods.at_us, of_item_milli, scopes)


def told_minor(goods: Goods, price: Price | None) -> int | None:
    """Give what a unit costs, in minor units: by its label if that is of one piece, else by the catalogue.

    None for a case with a price on its label, which is that of the whole case.
    """
    if goods.label_price is not None and not in_grams(goods):
        return goods.label_price.minor if goods.factor_milli == WHOLE_MILLI else None
    return None if price is None else price.minor


def grams_on_label(goods: Goods, scopes: Sequence[Scope]) -> int | None:
    """Give the grams that a label says there are; None for what is sold by the piece, or to be weighed here.

    A label that tells only its price was made at the price of a kilogram, so that tells the grams.
    """
    if goods.item is not None and not by_weight(goods):
        return None
    if goods.weight_g is not None:
        return goods.weight_g
    price = price_of(goods, WHOLE_MILLI, scopes)
    if goods.label_price is None or price is None or price.minor == 0:
        return None
    if goods.label_price.currency != price.currency:
        return None
    return (2 * goods.label_price.minor * WHOLE_MILLI + price.minor) // (2 * price.minor)
