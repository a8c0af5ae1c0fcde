"""What a run measured goes into the page's table, row by row; a figure without a row is an error, not lost."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from tests.lab.conftest import PAGE, ROOT, recorded

DAY = dt.date(2026, 11, 22)
TABLE = (
    "| what | must be | was | on |\n|---|---|---|---|\n| boot | 20 s |  |  |\n| ports | none | none | 2026-11-01 |\n"
)


def test_only_what_was_measured_is_changed() -> None:
    page = recorded(TABLE, {"boot": "17.1 s"}, DAY)
    assert "| boot | 20 s | 17.1 s | 2026-11-22 |" in page
    assert "| ports | none | none | 2026-11-01 |" in page
    assert page.startswith("| what | must be | was | on |")


def test_a_figure_without_a_row() -> None:
    with pytest.raises(KeyError, match="cold"):
        recorded(TABLE, {"cold": "1"}, DAY)


def test_the_page_has_a_row_for_whatever_the_lab_measures() -> None:
    told = {
        name
        for file in (ROOT / "tests" / "lab").glob("test_*.py")
        for name in re.findall(r"record\(\s*\"([^\"]+)\"", file.read_text("utf-8"))
    }
    assert len(told) > 10
    recorded(PAGE.read_text("utf-8"), dict.fromkeys(told, "x"), DAY)
