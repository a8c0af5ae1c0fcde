"""What elements say of a weight or price: whole grams and minor units, exactly or not at all.

    310n  net weight in kilograms   320n  in pounds      356n  in troy ounces     n: decimal places
    392n  price in the local currency                    393n  the same with the number of a currency before it

357n says ounces of weight or of volume and does not say which, so it is no weight here. 330n and 340n are a parcel's,
packing and all. GS1 General Specifications, section 3.6.
"""

from __future__ import annotations

from typing import Final

from protocol.errors import BadInput
from protocol.gs1.code_lists import CURRENCY_OF_NUMBER
from protocol.gs1.elements import Elements
from protocol.label_price import LabelPrice, label_price

_UNIT_E7: Final = {"310": 10**10, "320": 4_535_923_700, "356": 311_034_768}
"""Ten-millionths of a gram in a kilogram, a pound (453.59237 g) and a troy ounce (31.1034768 g), exact."""


def net_weight_g(elements: Elements) -> int | None:
    """Give the net weight in grams, None if none is told. Raises `BadInput` ("weight-too-fine")."""
    grams: int
    for ai, value in elements.items():
        unit_e7 = _UNIT_E7.get(ai[:3]) if len(ai) == 4 else None
        if unit_e7 is not None:
            grams, rest = divmod(int(value) * unit_e7, 10 ** (7 + int(ai[3])))
            if rest:
                raise BadInput("weight-too-fine", f"({ai}){value} is no whole number of grams")
            return grams
    return None


def goods_price(elements: Elements, currency: str | None) -> LabelPrice | None:
    """Give the price of the goods; `currency` is the store's, None if it is not known (then 392n tells no price).

    Raises `BadInput` ("price-too-fine").
    """
    for ai, value in elements.items():
        if ai.startswith("393"):
            return label_price(value[3:], int(ai[3]), CURRENCY_OF_NUMBER[value[:3]])
        if ai.startswith("392") and currency is not None:
            return label_price(value, int(ai[3]), currency)
    return None
