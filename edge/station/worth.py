"""How much of an item a scan is, as far as its label tells, and at which price."""

from __future__ import annotations

from collections.abc import Sequence

from edge.station.actions import Goods
from protocol.catalogue import WHOLE_MILLI, Price, Scope, Unit
from protocol.label_price import milli_of_label
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


def told_minor(goods: Goods, price: Price | None, scopes: Sequence[Scope]) -> int | None:
    """Give what a unit costs, in minor units: by its label if that is of pieces, else by the catalogue.

    None for a case with a price on its label, which is that of the whole case.
    """
    if goods.label_price is not None and not in_grams(goods):
        if goods.factor_milli != WHOLE_MILLI:
            return None
        return goods.label_price.minor * WHOLE_MILLI // (milli_on_label(goods, scopes) or WHOLE_MILLI)
    return None if price is None else price.minor


def milli_on_label(goods: Goods, scopes: Sequence[Scope]) -> int | None:
    """Give the thousandths of a unit that a label says there are; None where it does not, or goods are weighed here.

    A label that tells only its price was made at the catalogue's, so that tells how much there is.
    """
    if goods.weight_g is not None and in_grams(goods):
        return goods.weight_g
    if goods.item is None or goods.label_price is None or (goods.factor_milli != WHOLE_MILLI and not by_weight(goods)):
        return None
    return milli_of_label(goods.label_price, price_of(goods, WHOLE_MILLI, scopes), goods.item.unit)
