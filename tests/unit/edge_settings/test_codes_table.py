"""`[codes]` in `edge.toml`: patterns are read once and whole, or refused with their place in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import BadSettings
from edge.settings import parse_settings

LEAST = 'store = "oak-street"\nstation = "till-3"\nplace = "shop"\ndata_dir = "data"\n'


def test_patterns_and_currency() -> None:
    codes = parse_settings(LEAST + '[codes]\nvariable = ["21IIIIIWW.WWWC"]\n', Path("/")).codes
    assert (list(codes.patterns), codes.currency) == (["21"], "EUR")
    assert parse_settings(LEAST, Path("/")).codes.patterns == {}


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ('variable = ["21IIIII"]', "codes.variable"),
        ('currency = "euro"', "codes.currency"),
        ('patterns = ["21IIIIIWW.WWWC"]', "codes"),
        ("variable = [21]", "codes.variable[0]"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(table: str, key: str) -> None:
    with pytest.raises(BadSettings) as caught:
        parse_settings(f"{LEAST}[codes]\n{table}\n", Path("/"))
    assert caught.value.key == key
