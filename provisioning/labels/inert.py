"""Makes anybody's text fit to be printed: one line, nothing in it invisible or in command, in fonts every viewer has.

Two fonts are enough for what shops here write, and neither is carried in the file: Helvetica, one of the 14 that every
PDF viewer has (ISO 32000-1, 9.6.2.2), for what Windows code page 1252 holds, and the Chinese STSong-Light of Adobe's
Asian fonts (Adobe-GB1, Technical Note 5079), which viewers replace by one they have, for what else GBK holds: Chinese,
Japanese kana, Greek, Cyrillic. Any other character is printed as its
number, U+202E between pointed quotes: seen, and without effect.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import Final

LATIN: Final = "Helvetica"
BOLD: Final = "Helvetica-Bold"
CHINESE: Final = "STSong-Light"
MOST_CHARACTERS: Final = 120
"""More is cut, and seen to be; no label is wider."""

_ASIDE: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs", "Mn", "Me", "Mc"))


def inert(text: str, most: int = MOST_CHARACTERS) -> str:
    """Give a text as it is printed. What is too long ends with "…" and how many characters there were."""
    shown = "".join(map(_seen, unicodedata.normalize("NFC", text[:most])))
    return shown if len(text) <= most else f"{shown}… ({len(text)} characters)"


def runs(shown: str, *, bold: bool = False) -> Iterator[tuple[str, str]]:
    """Part a text of `inert` into (font, text)."""
    for latin, characters in groupby(shown, _is_latin):
        yield (BOLD if bold else LATIN) if latin else CHINESE, "".join(characters)


def _seen(character: str) -> str:
    if character == " ":
        return character
    hidden = unicodedata.category(character) in _ASIDE
    if not hidden and (_is_latin(character) or _is_chinese(character)):
        return character
    return f"\u2039U+{ord(character):04X}\u203a"


def _is_latin(character: str) -> bool:
    return _encodes(character, "cp1252")


def _is_chinese(character: str) -> bool:
    return _encodes(character, "gbk")


def _encodes(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
