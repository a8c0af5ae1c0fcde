"""The keyboard layouts, told by what is printed on the keys."""

from __future__ import annotations

import pytest

from edge.codecs.layouts import DE, ES, FR, IT, LAYOUTS, UK, US, Layout, Level, compose

PRINTED = {
    "us": ("`1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"),
    "uk": ("`1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"),
    "de": ("^1234567890ß\u00b4", "qwertzuiopü+", "asdfghjklöä", "yxcvbnm,.-"),
    "fr": ("²&é\"'(-è_çà)=", "azertyuiop^$", "qsdfghjklmù", "wxcvbn,;:!"),
    "es": ("º1234567890'¡", "qwertyuiop`+", "asdfghjklñ\u00b4", "zxcvbnm,.-"),
    "it": ("\\1234567890'ì", "qwertyuiopè+", "asdfghjklòà", "zxcvbnm,.-"),
}
SHIFTED = {
    "us": ("~!@#$%^&*()_+", "QWERTYUIOP{}", 'ASDFGHJKL:"', "ZXCVBNM<>?"),
    "uk": ('¬!"£$%^&*()_+', "QWERTYUIOP{}", "ASDFGHJKL:@", "ZXCVBNM<>?"),
    "de": ('°!"§$%&/()=?`', "QWERTZUIOPÜ*", "ASDFGHJKLÖÄ", "YXCVBNM;:_"),
    "fr": ("1234567890°+", "AZERTYUIOP¨£", "QSDFGHJKLM%", "WXCVBN?./§"),
    "es": ('ª!"·$%&/()=?¿', "QWERTYUIOP^*", "ASDFGHJKLÑ¨", "ZXCVBNM;:_"),
    "it": ('|!"£$%&/()=?^', "QWERTYUIOPé*", "ASDFGHJKLç°", "ZXCVBNM;:_"),
}
POSITIONS = ((41, *range(2, 14)), tuple(range(16, 28)), tuple(range(30, 41)), tuple(range(44, 54)))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_each_row_types_what_is_printed_on_it(layout: Layout) -> None:
    rows = tuple("".join(layout.typed[key, Level.PLAIN] for key in keys) for keys in POSITIONS)
    assert rows == PRINTED[layout.name]
    shifted = tuple("".join(layout.typed.get((key, Level.SHIFT), "") for key in keys) for keys in POSITIONS)
    assert shifted == SHIFTED[layout.name]


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_character_of_a_gs1_element_string_has_a_key(layout: Layout) -> None:
    # GS1 General Specifications, figure 7.11-1: the 82 characters of an AI value.
    signs = "!\"%&'()*+,-./_:;<=>?"
    letters = "".join(map(chr, range(ord("A"), ord("Z") + 1)))
    assert set(signs + letters + letters.lower() + "0123456789") <= set(layout.typed.values())


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_ascii_character_has_a_key(layout: Layout) -> None:
    assert {chr(code) for code in range(0x20, 0x7F)} <= set(layout.typed.values())


@pytest.mark.parametrize(
    ("layout", "letters"),
    [
        (US, "abcdefghijklmnopqrstuvwxyz"),
        (UK, "abcdefghijklmnopqrstuvwxyz"),
        (DE, "abcdefghijklmnopqrstuvwxyzäöü"),
        (FR, "abcdefghijklmnopqrstuvwxyz"),
        (ES, "abcdefghijklmnopqrstuvwxyzñç"),
        (IT, "abcdefghijklmnopqrstuvwxyz"),
    ],
    ids=lambda one: one.name if isinstance(one, Layout) else "",
)
def test_caps_lock_acts_on_letters_only(layout: Layout, letters: str) -> None:
    keys = {key for key, _ in layout.typed if layout.is_letter(key)}
    assert sorted(layout.typed[key, Level.PLAIN] for key in keys) == sorted(letters)


@pytest.mark.parametrize(
    ("accent", "letter", "typed"),
    [("^", "e", "ê"), ("^", " ", "^"), ("`", "A", "À"), ("\u00b4", "1", "\u00b41"), ("^", "^", "^^"), ("~", "n", "ñ")],
)
def test_an_accent_joins_the_next_letter_where_there_is_one(accent: str, letter: str, typed: str) -> None:
    assert compose(accent, letter) == typed
