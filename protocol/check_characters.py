"""The two check characters that close what is printed of names (ISO/IEC 7064, MOD 1271-36, a hyphen counting 36)."""

from __future__ import annotations

import re

from protocol.errors import BadInput

_NO_HYPHEN = re.compile(r"[^A-Z0-9]")
_VALUES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-"
_MODULUS, _RADIX = 1271, 36


def check_characters(text: str) -> str:
    """Give the two check characters of a text of A-Z, 0-9 and hyphens. Raises `BadInput` ("bad-card") for any other.

    A pure system of ISO/IEC 7064: read as a number of base 36, text and check together leave 1 when divided by 1271.
    """
    number = 0
    for character in text:
        value = _VALUES.find(character)
        if value < 0:
            raise BadInput("bad-card", f"{text[:80]!r} is not of A-Z, 0-9 and hyphens")
        number = (number * _RADIX + value) % _MODULUS
    check = (1 - number * _RADIX * _RADIX) % _MODULUS
    return _VALUES[check // _RADIX] + _VALUES[check % _RADIX]


def joint_check(*words: str) -> str:
    """Give the check characters of several words, anything but letters and digits counting as hyphens."""
    return check_characters("-".join(_NO_HYPHEN.sub("-", word) for word in words))
