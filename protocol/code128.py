"""Code 128 of a card's text, as bars to draw on a page or a label: what a shop prints is what its scanners read. Pure.

ISO/IEC 15417: a symbol is a start character, one for each character of the text, a check character and the stop, each
eleven modules wide in three bars and three spaces (the stop thirteen, with a fourth bar). Code set B holds the
printable ASCII characters: a character's value is its code less 32.

    quiet zone | start B (104) | text ... | check | stop (106) | quiet zone
    10 modules   check = (104 + sum of position * value, from 1) mod 103
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol.errors import BadInput

QUIET_MODULES: Final = 10
_START_B: Final = 104
_STOP: Final = 106
_MODULUS: Final = 103
_TABLE: Final = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 "
    "123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 "
    "232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 "
    "313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 "
    "111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 "
    "111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 "
    "114311 411113 411311 113141 114131 311141 411131 211412 211214 211232 2331112"
)
_WIDTHS: Final = _TABLE.split()
"""By value: the widths of bar, space, bar, space, bar, space (the standard's table of symbol characters, 4.3.2)."""


@dataclass(frozen=True, slots=True)
class Barcode:
    """A symbol: `bars` as (where it begins, how wide), in modules, of `width` with the quiet zones."""

    text: str
    bars: tuple[tuple[int, int], ...]
    width: int


def code128(text: str) -> Barcode:
    """Draw a text of printable ASCII. Raises `BadInput` ("not-printable")."""
    if not text or not all(" " <= character <= "~" for character in text):
        raise BadInput("not-printable", f"{text[:80]!r} is not of printable ASCII characters")
    values = [ord(character) - 32 for character in text]
    check = (_START_B + sum(place * value for place, value in enumerate(values, 1))) % _MODULUS
    at = QUIET_MODULES
    bars: list[tuple[int, int]] = []
    for value in (_START_B, *values, check, _STOP):
        for number, width in enumerate(map(int, _WIDTHS[value])):
            if number % 2 == 0:
                bars.append((at, width))
            at += width
    return Barcode(text, tuple(bars), at + QUIET_MODULES)
