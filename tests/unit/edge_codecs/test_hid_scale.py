"""USB HID scales: exact grams, or none at all."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.codecs.hid_reports import framed
from edge.codecs.hid_scale import HidScaleCodec
from edge.codecs.readings import Reading, Refused, Weight, WeightState
from shelfwire.simulators.hid import weight_report
from tests.unit.edge_codecs.taking import take

GRAMS = {
    1: Fraction(1, 1000),
    2: Fraction(1),
    3: Fraction(1000),
    11: Fraction("28.349523125"),
    12: Fraction("453.59237"),
}


def weigh(report: bytes) -> Reading:
    (reading,) = take(HidScaleCodec(first_is_stale=False), framed(report))
    return reading


def test_the_drawn_report_is_1250_grams() -> None:
    raw = bytes.fromhex("03 04 02 00 E2 04")
    assert weigh(raw) == Weight(1250, WeightState.STABLE, net=False, raw=raw)


def test_the_first_report_is_of_the_past_and_the_second_is_not() -> None:
    codec = HidScaleCodec()
    assert take(codec, framed(weight_report(4, 2, 0, 777))) == []
    (reading,) = take(codec, framed(weight_report(4, 2, 0, 778)))
    assert isinstance(reading, Weight)
    assert reading.grams == 778


@given(unit=st.sampled_from([1, 2, 3, 11, 12]), exponent=st.integers(-6, 6), figure=st.integers(1, 0xFFFF))
def test_grams_are_exact_or_refused_and_ounces_and_pounds_are_the_nearest(
    unit: int, exponent: int, figure: int
) -> None:
    exact = figure * Fraction(10) ** exponent * GRAMS[unit]
    reading = weigh(weight_report(4, unit, exponent, figure))
    if unit in (1, 2, 3) and exact.denominator != 1:
        assert isinstance(reading, Refused)
        assert reading.name == "finer-than-gram"
        return
    assert isinstance(reading, Weight)
    assert reading.grams is not None
    assert Fraction(-1, 2) < reading.grams - exact <= Fraction(1, 2)
    assert reading.state is (WeightState.STABLE if reading.grams else WeightState.ZERO)


@pytest.mark.parametrize(
    ("status", "state"),
    [(1, "fault"), (3, "motion"), (5, "under"), (6, "over"), (7, "fault"), (8, "fault")],
)
def test_a_status_without_a_weight_has_none_whatever_the_figure(status: int, state: str) -> None:
    reading = weigh(weight_report(status, 2, 0, 1250))
    assert isinstance(reading, Weight)
    assert (reading.grams, reading.state.value) == (None, state)


@pytest.mark.parametrize(
    ("report", "name"),
    [
        (weight_report(0, 2, 0, 5), "unknown-status"),
        (weight_report(9, 2, 0, 5), "unknown-status"),
        (weight_report(4, 4, 0, 5), "unknown-unit"),
        (weight_report(4, 2, 127, 5), "bad-exponent"),
        (weight_report(2, 2, 0, 5), "contradiction"),
        (b"\x03\x04\x02", "malformed"),
    ],
)
def test_what_the_tables_do_not_have_is_refused(report: bytes, name: str) -> None:
    reading = weigh(report)
    assert isinstance(reading, Refused)
    assert reading.name == name


def test_the_scales_other_reports_are_no_weights() -> None:
    assert take(HidScaleCodec(first_is_stale=False), framed(b"\x01\x02\x03\x04\x05\x06"), framed(b"")) == []
