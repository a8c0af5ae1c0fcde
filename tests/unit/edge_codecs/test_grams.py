"""Figures become whole grams exactly, or by a rule, or not at all."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.codecs.grams import Unit, figure_in, unit_called, whole_grams

GRAMS = {Unit.KG: Fraction(1000), Unit.G: Fraction(1), Unit.LB: Fraction("453.59237")}
GRAMS[Unit.OZ] = GRAMS[Unit.LB] / 16


@pytest.mark.parametrize(
    ("text", "figure"),
    [
        (b"1.250", (1250, 3)),
        (b"   1.250 ", (1250, 3)),
        (b"00.000", (0, 3)),
        (b"1250", (1250, 0)),
        (b".5", (5, 1)),
        (b"5.", (5, 0)),
        (b"+ 1.5", (15, 1)),
        (b"-1.5", (-15, 1)),
        (b" - 0.00", (-1, 2)),
        (b"", None),
        (b".", None),
        (b"- ", None),
        (b"1,250", None),
        (b"1.2.3", None),
        (b"1 250", None),
        (b"1e3", None),
        (b"0" * 20, None),
    ],
)
def test_a_figure_is_digits_and_places_or_none(text: bytes, figure: tuple[int, int] | None) -> None:
    assert figure_in(text) == figure


@pytest.mark.parametrize(
    ("name", "unit"),
    [(b"kg", Unit.KG), (b"KG ", Unit.KG), (b" g", Unit.G), (b"Lb", Unit.LB), (b"oz", Unit.OZ)],
)
def test_a_unit_is_known_in_either_case(name: bytes, unit: Unit) -> None:
    assert unit_called(name) is unit


@pytest.mark.parametrize("name", [b"", b"t", b"ct", b"kgs", b"k g", b"\xff"])
def test_another_unit_is_not_guessed(name: bytes) -> None:
    assert unit_called(name) is None


@given(st.integers(0, 10**9), st.integers(0, 5), st.sampled_from(Unit))
def test_a_rounded_figure_is_the_nearest_gram_and_half_a_gram_goes_up(digits: int, places: int, unit: Unit) -> None:
    grams = whole_grams(digits, places, unit, rounded=True)
    assert grams is not None
    exact = Fraction(digits, 10**places) * GRAMS[unit]
    assert -Fraction(1, 2) < exact - grams < Fraction(1, 2) or exact - grams == -Fraction(1, 2)


@given(st.integers(0, 10**9), st.integers(0, 5), st.sampled_from([Unit.KG, Unit.G]))
def test_kilograms_and_grams_are_exact_or_no_weight(digits: int, places: int, unit: Unit) -> None:
    exact = Fraction(digits, 10**places) * GRAMS[unit]
    assert whole_grams(digits, places, unit) == (exact if exact.denominator == 1 else None)


@pytest.mark.parametrize(
    ("digits", "places", "unit", "grams"),
    [
        (100_00, 2, Unit.G, 100),
        (100_50, 2, Unit.G, None),
        (1_2500, 4, Unit.KG, 1250),
        (1_2505, 4, Unit.KG, None),
        (1, 0, Unit.LB, 454),
        (1, 0, Unit.OZ, 28),
        (16, 0, Unit.OZ, 454),
        (35_274, 3, Unit.OZ, 1000),
    ],
)
def test_known_figures(digits: int, places: int, unit: Unit, grams: int | None) -> None:
    assert whole_grams(digits, places, unit) == grams
