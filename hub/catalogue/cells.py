"""What a cell of a catalogue file says: amounts, quantities, whole numbers. Pure."""

from __future__ import annotations

import re
from typing import Final

from protocol.catalogue import MAX_MINOR
from protocol.errors import BadInput
from protocol.pricing import minor_digits

_DECIMAL: Final = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,6}))?")
_MILLI_DIGITS: Final = 3
MAX_PACK_MILLI: Final = 10**9


def parse_minor(text: str, currency: str) -> int:
    """Read a decimal as minor units: "1.9" EUR is 190. Raises `BadInput` ("bad-price")."""
    minor = _scaled(text, minor_digits(currency), "bad-price", f"for {currency}")
    if minor > MAX_MINOR:
        raise BadInput("bad-price", f"{text[:40]!r} is beyond what a price may be")
    return minor


def parse_pack(text: str) -> int:
    """Read how much a pack holds as milli-units: "12" is 12,000, "0.1" is 100. Raises `BadInput` ("bad-quantity")."""
    milli = _scaled(text, _MILLI_DIGITS, "bad-quantity", "for a quantity")
    if not 1 <= milli <= MAX_PACK_MILLI:
        raise BadInput("bad-quantity", f"{text[:40]!r} is nothing, or more than a million")
    return milli


def parse_whole(text: str, least: int, most: int) -> int:
    """Read a whole number. Raises `BadInput` ("bad-number")."""
    if not re.fullmatch(r"-?[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise BadInput("bad-number", f"{text[:40]!r} is not a whole number from {least} to {most}")
    return int(text)


def parse_yes(text: str) -> bool:
    """Read "yes" or "no". Raises `BadInput` ("bad-answer")."""
    if text.lower() not in ("yes", "no"):
        raise BadInput("bad-answer", f"{text[:40]!r} is neither yes nor no")
    return text.lower() == "yes"


def _scaled(text: str, digits: int, name: str, what: str) -> int:
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise BadInput(name, f"{text[:40]!r} is not a number like 1234.50")
    fraction = (match[2] or "").rstrip("0")
    if len(fraction) > digits:
        raise BadInput(name, f"{text[:40]!r} has more than {digits} decimal places, too many {what}")
    return int(match[1] + fraction.ljust(digits, "0"))
