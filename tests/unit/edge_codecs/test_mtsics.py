"""Answers of MT-SICS balances and scales: exact grams, or none at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.codecs.mtsics import BUSY, MtSicsCodec
from edge.codecs.readings import WeightState
from tests.unit.edge_codecs.scale_answers import names, nothing, stable, weigh
from tests.unit.edge_codecs.taking import take


def test_the_manuals_example_is_100_grams() -> None:
    raw = b"S S     100.00 g\r\n"
    assert weigh(MtSicsCodec(), raw) == stable(100, raw)


@pytest.mark.parametrize(
    ("raw", "grams"),
    [
        (b"S S      1.250 kg\r\n", 1250),
        (b"S S       1250 g \r\n", 1250),
        (b"S S       2.50 lb\r\n", 1134),
        (b"S S        8.0 oz\r\n", 227),
        (b"S S       0.00 g\r\n", 0),
        (b"S S 100 g\r\n", 100),
    ],
)
def test_figures_of_any_width_and_unit(raw: bytes, grams: int) -> None:
    assert weigh(MtSicsCodec(), raw) == stable(grams, raw)


@pytest.mark.parametrize(
    ("raw", "state"),
    [
        (b"S D     100.00 g\r\n", WeightState.MOTION),
        (b"S +\r\n", WeightState.OVER),
        (b"S -\r\n", WeightState.UNDER),
        (b"S I\r\n", WeightState.FAULT),
        (b"S S  Error 10b\r\n", WeightState.FAULT),
        (b"S S      -5.00 g\r\n", WeightState.UNDER),
        (b"S S      -0.00 g\r\n", WeightState.UNDER),
    ],
)
def test_a_scale_in_trouble_has_no_weight(raw: bytes, state: WeightState) -> None:
    assert weigh(MtSicsCodec(), raw) == nothing(state, raw)


def test_why_the_scale_is_at_fault_is_noted() -> None:
    codec = MtSicsCodec()
    for raw, note in ((b"S I\r\n", BUSY), (b"S S  Error 10b\r\n", "the scale reports Error 10b"), (b"S +\r\n", "")):
        take(codec, raw)
        assert codec.note == note


@given(st.integers(0, 999_999))
def test_grams_stay_grams(grams: int) -> None:
    raw = f"S S {grams:>7}.00 g\r\n".encode()
    assert weigh(MtSicsCodec(), raw) == stable(grams, raw)


def test_a_figure_finer_than_a_gram_is_no_weight_unless_it_may_be_rounded() -> None:
    raw = b"S S     100.50 g\r\n"
    assert names([weigh(MtSicsCodec(), raw)]) == ["finer-than-gram"]
    assert weigh(MtSicsCodec(rounded=True), raw) == stable(101, raw)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"ES\r\n", "unknown-command"),
        (b"EL\r\n", "unknown-command"),
        (b"ET\r\n", "line-error"),
        (b'I4 A "1234567890"\r\n', "restarted"),
        (b"Z A\r\n", "unknown"),
        (b"S X     100.00 g\r\n", "unknown"),
        (b"S\r\n", "unknown"),
        (b"S S\r\n", "no-figure"),
        (b"S S     100.00\r\n", "no-figure"),
        (b"S S     1..0 g\r\n", "no-figure"),
        (b"S S     100.00 ct\r\n", "unknown-unit"),
        (b"S S     100.0\xb0 g\r\n", "parity"),
        (b"S S     100.0\x00 g\r\n", "parity"),
        (b"00 g\r\n", "unknown"),
    ],
)
def test_what_is_no_answer_is_refused_by_name(raw: bytes, name: str) -> None:
    assert names([weigh(MtSicsCodec(), raw)]) == [name]


def test_a_line_broken_off_by_silence_does_not_join_the_next() -> None:
    assert names(take(MtSicsCodec(), b"S S     10", None, b"0.00 g\r\n")) == ["cut-short", "unknown"]


def test_a_line_without_end_is_refused_once_and_the_next_one_is_read() -> None:
    whole = b"S S     100.00 g\r\n"
    assert take(MtSicsCodec(), b"9" * 1_000_000, b"\r\n", whole)[1:] == [stable(100, whole)]


def test_it_asks_with_si() -> None:
    codec = MtSicsCodec()
    codec.ask()
    assert (codec.to_send(), codec.to_send()) == (b"SI\r\n", b"")
