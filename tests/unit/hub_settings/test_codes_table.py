"""`[codes]` in `hub.toml`: the patterns of the store's own labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.errors import BadInput
from hub.settings import parse_settings

LEAST = 'store = "oak-street"\ndata_dir = "data"\n'


def test_patterns() -> None:
    codes = parse_settings(LEAST + '[codes]\nvariable = ["22IIIIIPPP.PPC"]\n', Path("/")).codes
    assert (list(codes.patterns), codes.currency) == (["22"], "EUR")


@pytest.mark.parametrize(
    ("table", "said"),
    [('variable = ["22IIIII"]', "codes.variable"), ('varable = ["x"]', "did you mean 'variable'")],
)
def test_what_is_wrong_is_said(table: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_settings(f"{LEAST}[codes]\n{table}\n", Path("/"))
    assert said in str(caught.value)
