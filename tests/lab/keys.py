"""Which keys a keyboard of the US layout presses for a text, by QEMU's names for keys (qapi/ui.json, QKeyCode)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_PLAIN: Final = {
    " ": "spc", "-": "minus", "=": "equal", "[": "bracket_left", "]": "bracket_right", ";": "semicolon",
    "'": "apostrophe", "`": "grave_accent", "\\": "backslash", ",": "comma", ".": "dot", "/": "slash", "\t": "tab",
}  # fmt: skip
_SHIFTED: Final = dict(zip('!@#$%^&*()_+{}:"~|<>?', "1234567890-=[];'`\\,./", strict=True))


def strokes(text: str) -> Iterator[list[str]]:
    """Give the keys that go down together, character by character; `ValueError` for one that no key has."""
    for sign in text:
        if sign in _SHIFTED:
            yield ["shift", _key(_SHIFTED[sign])]
        elif sign.isascii() and sign.isupper():
            yield ["shift", sign.lower()]
        else:
            yield [_key(sign)]


def _key(sign: str) -> str:
    if sign in _PLAIN:
        return _PLAIN[sign]
    if sign.isascii() and sign.isalnum():
        return sign
    raise ValueError(f"no key for {sign!r}")
