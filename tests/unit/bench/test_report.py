"""The page of benchmarks is what the kept results say, and nobody's own word."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.figures import from_json
from bench.report import as_page, as_text, told

ROOT = Path(__file__).parents[3]
PUBLISHED = from_json((ROOT / "bench" / "results" / "published.json").read_bytes())


def test_the_page_is_made_from_the_published_results() -> None:
    assert (ROOT / "docs" / "benchmarks.md").read_text() == as_page(PUBLISHED)


def test_what_is_published_was_measured_in_full() -> None:
    assert not PUBLISHED.quick


def test_the_terminal_shows_every_figure_and_every_promise() -> None:
    text = as_text(PUBLISHED)
    for figure in PUBLISHED.figures:
        assert figure.what in text
        if figure.limit is not None:
            assert f"{figure.limit.text}: {'kept' if figure.holds else 'MISSED'}" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(123456.7, "123,457 x"), (99.96, "100.0 x"), (12.345, "12.3 x"), (1.234, "1.23 x"), (0.1234, "0.123 x")],
)
def test_values_are_told_with_three_digits(value: float, text: str) -> None:
    assert told(value, "x") == text
