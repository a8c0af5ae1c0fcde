"""`[counts]` in `hub.toml`: by how much two figures may differ without a person being asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.errors import BadInput
from hub.ledger.asking import Tolerance
from hub.settings import parse_settings

LEAST = 'store = "oak-street"\ndata_dir = "data"\n'


def test_nothing_is_let_pass_unless_somebody_says_so() -> None:
    assert parse_settings(LEAST, Path("/")).tolerances == {"": Tolerance()}


def test_a_category_has_a_tolerance_of_its_own() -> None:
    table = "[counts]\ntolerance_per_mille = 10\n[counts.categories.produce]\ntolerance_milli = 500\n"
    assert parse_settings(LEAST + table, Path("/")).tolerances == {"": Tolerance(0, 10), "produce": Tolerance(500)}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[counts]\ntolerance_milli = -1", "tolerance_milli"),
        ("[counts]\ntolerance_per_mile = 1", "did you mean 'tolerance_per_mille'"),
        ("[counts.categories.produce]\ntolerance_per_mille = 1001", "tolerance_per_mille"),
    ],
)
def test_what_is_wrong_is_said(table: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_settings(f"{LEAST}{table}\n", Path("/"))
    assert said in str(caught.value)
