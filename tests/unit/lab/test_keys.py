"""Every sign that a code may hold has its keys."""

from __future__ import annotations

import string

import pytest

from tests.lab.keys import strokes


def test_digits_letters_and_signs() -> None:
    assert list(strokes("4aB:/!")) == [["4"], ["a"], ["shift", "b"], ["shift", "semicolon"], ["slash"], ["shift", "1"]]


def test_every_printed_sign_of_ascii_has_keys_of_its_own() -> None:
    signs = string.printable[:95]
    assert len({tuple(keys) for keys in strokes(signs)}) == len(signs)


def test_none_for_what_is_on_no_key() -> None:
    with pytest.raises(ValueError, match="no key"):
        list(strokes("é"))
