"""What a scanned code is: a GTIN whose check digit holds, or a text that only the shop's own links give a meaning.

A GTIN is 8, 12, 13 or 14 digits and told by 14, zeros before it (GS1 General Specifications, section 3.2 and
section 7.9 for the check digit), so UPC-A 036000291452 and EAN-13 0036000291452 are one code:

    position    N1 N2 N3 N4 N5 N6 N7 N8 N9 N10 N11 N12 N13 | N14
    weight       3  1  3  1  3  1  3  1  3   1   3   1   3 |  1      the weighted sum is a multiple of 10

The symbology identifier (ISO/IEC 15424), where the scanner sends one, decides before the digits do: eight digits
in a Code 39 label are a shop's own number and need no check digit; twelve digits in an ITF symbol are most likely
part of a longer one and are never taken for a UPC-A.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from protocol.errors import BadInput
from protocol.events import MAX_TEXT


class CodeKind(StrEnum):
    """How a code was written; what it means is in `ScannedCode.gtin` and `ScannedCode.lookup`."""

    EAN13 = "ean13"
    EAN8 = "ean8"
    UPCA = "upca"
    GTIN14 = "gtin14"
    OPAQUE = "opaque"


class ScannedCode(msgspec.Struct, frozen=True, gc=False):
    """A code understood.

    `gtin` is 14 digits, None for an opaque code. `lookup` is the key the catalogue is asked by: the 14 digits,
    or the opaque text as scanned. An opaque text of digits never has the length of a GTIN key unless it was
    printed so on purpose.
    """

    kind: CodeKind
    gtin: str | None
    lookup: str


_BY_LENGTH: Final = {8: CodeKind.EAN8, 12: CodeKind.UPCA, 13: CodeKind.EAN13, 14: CodeKind.GTIN14}
_ITF14: Final = {14: CodeKind.GTIN14}
_NEVER: Final[Mapping[int, CodeKind]] = {}
_GTIN_LENGTHS: Final[Mapping[str | None, Mapping[int, CodeKind]]] = {
    None: _BY_LENGTH,
    # ]E0 with 8 digits is a UPC-E sent unexpanded, not an EAN-8: it stays opaque, and so do the add-ons (]E1 to ]E3).
    "]E0": {12: CodeKind.UPCA, 13: CodeKind.EAN13},
    "]E4": {8: CodeKind.EAN8},
    "]I0": _ITF14,
    "]I1": _ITF14,
}
_FORBIDDEN = re.compile("[\x00-\x1c\x1e\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters but GS, which separates the elements of a GS1 string, and halves of surrogate pairs."""
# Each of the 14 digits comes as its ASCII code, 48 too much: 48 * (7 * 3 + 7 * 1) ends in 4.
_ASCII_EXCESS: Final = 48 * 28 % 10


def read_code(text: str, aim: str | None) -> ScannedCode:
    """Say what `text` is; `aim` is the symbology identifier ("]E0"), None if the scanner sent none.

    Raises `BadInput`: "empty-code", "code-too-long" (over 4,096 characters), "control-character", and
    "check-digit" where the length and the symbology make it a GTIN and the last digit is not the one due.
    """
    kind = _GTIN_LENGTHS.get(aim, _NEVER).get(len(text))
    if kind is not None and text.isdecimal() and text.isascii():
        gtin = text.zfill(14)
        digits = gtin.encode()
        if (3 * sum(digits[::2]) + sum(digits[1::2])) % 10 != _ASCII_EXCESS:
            raise BadInput("check-digit", f"{text} does not end with the digit due")
        return ScannedCode(kind, gtin, gtin)
    if not text:
        raise BadInput("empty-code", "no characters")
    if len(text) > MAX_TEXT:
        raise BadInput("code-too-long", f"{len(text)} characters, at most {MAX_TEXT}")
    found = _FORBIDDEN.search(text)
    if found is not None:
        raise BadInput("control-character", f"U+{ord(found[0]):04X} at character {found.start() + 1}")
    return ScannedCode(CodeKind.OPAQUE, None, text)
