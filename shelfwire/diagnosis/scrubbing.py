"""Takes out of text whatever is secret, and whatever a terminal or a page would obey. Pure.

Two nets, for one may tear: settings lose the values of keys that ask for secrets; and every text, whatever it is, loses
what looks like one: keys in PEM, invitations, tokens, passwords in addresses and after words that announce them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from protocol.gs1.check_digits import has_check_digit
from protocol.invitation import INVITATION_DIGITS, ROW_DIGITS
from protocol.station_settings import is_secret

LEFT_OUT: Final = "(left out)"
_PEM_KEY: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"(?:.{0,16384}?-----END [A-Z ]*PRIVATE KEY-----|(?:(?:\s|\\n)+[A-Za-z0-9+/=]{16,})*)",
    re.DOTALL,
)
"""Whole, or as far as it was written: what follows half a key is not taken with it."""
_IN_URL: Final = re.compile(r"([a-z][a-z0-9+.-]*://)[^/@\s\"']*@", re.IGNORECASE)
_TOKEN: Final = re.compile(r"\bshelfwire_[A-Za-z0-9]+_[A-Za-z0-9_-]+")
_BEARER: Final = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{6,}", re.IGNORECASE)
_SAID: Final = re.compile(
    r"((?<![a-z])(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|psk|credentials?|(?:api|private)[_-]?key)[\"']?\s*[=:]\s*)"
    r"(?:\"[^\"\n]*\"?|'[^'\n]*'?|[^\s,;}\"']+)",
    re.IGNORECASE,
)
_DIGITS: Final = re.compile(r"\d(?:[ \t-]?\d){18,}")
_BASE64_LINE: Final = re.compile(r"^[A-Za-z0-9+/]{64}$", re.MULTILINE)


def scrubbed(text: str) -> str:
    """Leave out what looks like a secret. More is taken for one than is: who looks for a fault needs none of it."""
    text = _PEM_KEY.sub(LEFT_OUT, text)
    text = _BASE64_LINE.sub(LEFT_OUT, text)
    text = _IN_URL.sub(rf"\1{LEFT_OUT}@", text)
    text = _TOKEN.sub(LEFT_OUT, text)
    text = _BEARER.sub(rf"\1 {LEFT_OUT}", text)
    text = _SAID.sub(rf"\1{LEFT_OUT}", text)
    return _DIGITS.sub(_perhaps_invitation, text)


def inert(text: str) -> str:
    """Make what somebody else wrote harmless: line feeds stay, every other character that is not printable is named."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\u{{{ord(char):x}}}" for char in text)


def without_secrets(value: object, depth: int = 12) -> object:
    """Copy settings, or an answer in JSON, with the values of secret keys left out, and all texts scrubbed."""
    if depth == 0:
        return LEFT_OUT
    match value:
        case Mapping():
            return {
                inert(scrubbed(str(key))): LEFT_OUT if is_secret(str(key)) else without_secrets(each, depth - 1)
                for key, each in value.items()
            }
        case list() | tuple():
            return [without_secrets(each, depth - 1) for each in value]
        case bool() | int() | float() | None:
            return value
        case _:
            return inert(scrubbed(str(value)))


def _perhaps_invitation(found: re.Match[str]) -> str:
    digits = "".join(char for char in found[0] if char.isdigit())
    rows = (digits[at : at + ROW_DIGITS] for at in range(len(digits) - ROW_DIGITS + 1))
    whole = len(digits) >= INVITATION_DIGITS // 2
    # A row of an invitation by itself, or more of one than a code on goods ever has.
    return LEFT_OUT if whole or any(has_check_digit(row) for row in rows) else found[0]
