"""A price that is part of a code, in minor units exactly."""

from __future__ import annotations

import msgspec

from protocol.errors import BadInput
from protocol.pricing import minor_digits


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
