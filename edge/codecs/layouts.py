"""Which character a key types: the keyboard layouts that wedge scanners are set to.

Keys are Linux input codes (linux/input-event-codes.h), which name positions and not letters. The tables are
the layouts as PC keyboards print them and as scanners' manuals call them (US, UK, German, French, Spanish, Italian);
accents that wait for the next key are listed as dead, as Windows has them, because that is the host scanners assume.

Checked against xkeyboard-config 2.35.1 (symbols us, gb, de, fr, es and it, "basic") key by key, and where Windows
differs, against the layout tables of ReactOS (dll/keyboard/kbduk, kbdes, kbdit) and as Windows has it: the UK's AltGr
with a vowel or `, the euro on the 5 of Spanish and Italian, no tilde on the French ², which accents of AltGr are dead.
Italian braces are typed with Shift and AltGr (Windows); AltGr+7 and AltGr+0 (Linux) type them too, since nothing else.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Literal


class Level(IntEnum):
    """Which of a key's characters is meant."""

    PLAIN = 0
    SHIFT = 1
    ALTGR = 2
    SHIFT_ALTGR = 3
    """Where a key has nothing of its own there, it types as with AltGr alone."""


LayoutName = Literal["us", "uk", "de", "fr", "es", "it"]

KEY_BACKSLASH = 43
KEY_102ND = 86
KEY_SPACE = 57

_DIGIT_ROW = tuple(range(2, 14))
_TOP_ROW = tuple(range(16, 28))
_HOME_ROW = (*range(30, 42), KEY_BACKSLASH)
_BOTTOM_ROW = (KEY_102ND, *range(44, 54))
_KEYPAD = {71: "7", 72: "8", 73: "9", 75: "4", 76: "5", 77: "6", 79: "1", 80: "2", 81: "3", 82: "0"}
_KEYPAD_SIGNS = {55: "*", 74: "-", 78: "+", 98: "/", 117: "="}
_KEY_KPDOT = 83

KEYPAD_DIGITS: Mapping[int, str] = _KEYPAD
"""Keypad keys that type a digit whatever Num Lock says."""

_COMBINING = {"^": "\u0302", "\u00b4": "\u0301", "`": "\u0300", "¨": "\u0308", "~": "\u0303"}
_NONE = "\0"


@dataclass(frozen=True, slots=True)
class Layout:
    """One layout. `typed` has a character for each key and level that types one."""

    name: str
    typed: Mapping[tuple[int, Level], str]
    dead: frozenset[tuple[int, Level]]
    """Where the character is an accent that waits for the next key."""
    has_altgr: bool
    """Whether right Alt chooses a level; otherwise it is one more Alt."""
    digit_row_signs: frozenset[str]
    """What the digit keys type that is not a digit: a run of these betrays another layout."""

    def is_letter(self, key: int) -> bool:
        """Whether Caps Lock acts on this key: it types a letter and its capital."""
        plain = self.typed.get((key, Level.PLAIN), "")
        return plain.isalpha() and self.typed.get((key, Level.SHIFT)) == plain.upper()


def compose(accent: str, letter: str) -> str:
    """Type `letter` after the dead `accent`: "ê" for ("^", "e"), the bare accent before a space.

    What does not combine comes out as both characters.
    """
    if letter == " ":
        return accent
    joined = unicodedata.normalize("NFC", letter + _COMBINING[accent])
    return joined if len(joined) == 1 else accent + letter


def _layout(
    name: str,
    plain: tuple[str, str, str, str],
    shift: tuple[str, str, str, str],
    altgr: Mapping[int, str],
    dead: frozenset[tuple[int, Level]] = frozenset(),
    keypad_dot: str = ".",
    shift_altgr: Mapping[int, str] = MappingProxyType({}),
) -> Layout:
    rows = (_DIGIT_ROW, _TOP_ROW, _HOME_ROW, _BOTTOM_ROW)
    typed: dict[tuple[int, Level], str] = {}
    for level, texts in ((Level.PLAIN, plain), (Level.SHIFT, shift)):
        for keys, text in zip(rows, texts, strict=True):
            typed |= {(key, level): c for key, c in zip(keys, text, strict=True) if c != _NONE}
        typed |= {(key, level): c for key, c in (_KEYPAD | _KEYPAD_SIGNS).items()}
        typed[_KEY_KPDOT, level] = keypad_dot
        typed[KEY_SPACE, level] = " "
    typed |= {(key, Level.ALTGR): c for key, c in altgr.items()}
    typed |= {(key, Level.SHIFT_ALTGR): c for key, c in shift_altgr.items()}
    signs = frozenset(typed[key, level] for key in _DIGIT_ROW[:10] for level in (Level.PLAIN, Level.SHIFT)) - frozenset(
        "0123456789"
    )
    return Layout(name, typed, dead, bool(altgr), signs)


US = _layout(
    "us",
    ("1234567890-=", "qwertyuiop[]", "asdfghjkl;'`\\", "\\zxcvbnm,./"),
    ("!@#$%^&*()_+", "QWERTYUIOP{}", 'ASDFGHJKL:"~|', "|ZXCVBNM<>?"),
    {},
)

UK = _layout(
    "uk",
    ("1234567890-=", "qwertyuiop[]", "asdfghjkl;'`#", "\\zxcvbnm,./"),
    ('!"£$%^&*()_+', "QWERTYUIOP{}", "ASDFGHJKL:@¬~", "|ZXCVBNM<>?"),
    {5: "€", 18: "é", 22: "ú", 23: "í", 24: "ó", 30: "á", 41: "¦"},
    shift_altgr={18: "É", 22: "Ú", 23: "Í", 24: "Ó", 30: "Á"},
)

DE = _layout(
    "de",
    ("1234567890ß\u00b4", "qwertzuiopü+", "asdfghjklöä^#", "<yxcvbnm,.-"),
    ('!"§$%&/()=?`', "QWERTZUIOPÜ*", "ASDFGHJKLÖÄ°'", ">YXCVBNM;:_"),
    {
        3: "²", 4: "³", 8: "{", 9: "[", 10: "]", 11: "}", 12: "\\",
        16: "@", 18: "€", 27: "~", 50: "µ", KEY_102ND: "|",
    },
    frozenset({(13, Level.PLAIN), (13, Level.SHIFT), (41, Level.PLAIN)}),
    keypad_dot=",",
)  # fmt: skip

FR = _layout(
    "fr",
    ("&é\"'(-è_çà)=", "azertyuiop^$", "qsdfghjklmù²*", "<wxcvbn,;:!"),
    ("1234567890°+", "AZERTYUIOP¨£", f"QSDFGHJKLM%{_NONE}µ", ">WXCVBN?./§"),
    {
        3: "~", 4: "#", 5: "{", 6: "[", 7: "|", 8: "`", 9: "\\", 10: "^", 11: "@", 12: "]", 13: "}",
        18: "€", 27: "¤",
    },
    frozenset({(26, Level.PLAIN), (26, Level.SHIFT), (3, Level.ALTGR), (8, Level.ALTGR)}),
)  # fmt: skip

ES = _layout(
    "es",
    ("1234567890'¡", "qwertyuiop`+", "asdfghjklñ\u00b4ºç", "<zxcvbnm,.-"),
    ('!"·$%&/()=?¿', "QWERTYUIOP^*", "ASDFGHJKLÑ¨ªÇ", ">ZXCVBNM;:_"),
    {2: "|", 3: "@", 4: "#", 5: "~", 6: "€", 7: "¬", 18: "€", 26: "[", 27: "]", 40: "{", 41: "\\", 43: "}"},
    frozenset({
        (26, Level.PLAIN), (26, Level.SHIFT), (40, Level.PLAIN), (40, Level.SHIFT), (5, Level.ALTGR),
    }),
)  # fmt: skip

IT = _layout(
    "it",
    ("1234567890'ì", "qwertyuiopè+", "asdfghjklòà\\ù", "<zxcvbnm,.-"),
    ('!"£$%&/()=?^', "QWERTYUIOPé*", "ASDFGHJKLç°|§", ">ZXCVBNM;:_"),
    {
        6: "€", 8: "{", 9: "[", 10: "]", 11: "}", 12: "`", 13: "~", 18: "€", 26: "[", 27: "]", 39: "@", 40: "#",
    },
    shift_altgr={26: "{", 27: "}"},
)  # fmt: skip

LAYOUTS: Mapping[LayoutName, Layout] = {"us": US, "uk": UK, "de": DE, "fr": FR, "es": ES, "it": IT}
