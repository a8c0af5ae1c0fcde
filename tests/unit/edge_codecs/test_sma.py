"""Answers of SMA scales: exact grams, or none at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.codecs.readings import Refused, WeightState
from edge.codecs.sma import SmaCodec
from tests.unit.edge_codecs.scale_answers import names, nothing, stable, weigh
from tests.unit.edge_codecs.taking import take


def answer(status: str = " ", kind: str = "G", motion: str = " ", figure: str = "1.250", unit: str = "kg") -> bytes:
    return f"\n{status}1{kind}{motion} {figure:>10}{unit:<3}\r".encode()


def test_the_drawn_example_is_1250_grams() -> None:
    raw = bytes.fromhex("0A 20 31 47 20 20 20 20 20 20 20 31 2E 32 35 30 6B 67 20 0D")
    assert raw == answer()
    assert weigh(SmaCodec(), raw) == stable(1250, raw)


@pytest.mark.parametrize(
    ("raw", "grams", "net"),
    [
        (answer(figure="5.025", unit="lb"), 2279, False),
        (answer(kind="N", figure="100000", unit="g"), 100_000, True),
        (answer(kind="g", figure="1.2500"), 1250, False),
        (answer(kind="n", figure="7.00", unit="oz"), 198, True),
        (answer(status="Z", figure="0.000"), 0, False),
        (answer(figure="0.000"), 0, False),
    ],
)
def test_figures_as_the_standard_draws_them(raw: bytes, grams: int, net: bool) -> None:
    assert weigh(SmaCodec(), raw) == stable(grams, raw, net=net)


@pytest.mark.parametrize(
    ("raw", "state"),
    [
        (answer(motion="M"), WeightState.MOTION),
        (answer(status="Z", motion="M", figure="0.000"), WeightState.MOTION),
        (answer(status="O", figure="15.005"), WeightState.OVER),
        (answer(status="O", motion="M", figure="0.000"), WeightState.OVER),
        (answer(status="U", figure="-0.005"), WeightState.UNDER),
        (answer(figure="-0.005"), WeightState.UNDER),
        (answer(figure="-0.000"), WeightState.UNDER),
        (answer(status="E", figure="----------"), WeightState.FAULT),
        (answer(status="I", figure="----------"), WeightState.FAULT),
        (answer(status="T", figure="----------"), WeightState.FAULT),
        (answer(status="e", figure="0.000"), WeightState.FAULT),
    ],
)
def test_a_scale_in_trouble_has_no_weight_whatever_figure_it_sends(raw: bytes, state: WeightState) -> None:
    assert weigh(SmaCodec(), raw) == nothing(state, raw)


@pytest.mark.parametrize(("status", "note"), [("E", "zero"), ("I", "zero"), ("T", "tare"), ("e", "shows"), ("O", "")])
def test_why_the_scale_is_at_fault_is_noted(status: str, note: str) -> None:
    codec = SmaCodec()
    take(codec, answer(status=status, figure="----------"))
    assert note in codec.note
    assert bool(codec.note) == bool(note)
    take(codec, answer())
    assert codec.note == ""


@given(st.integers(0, 999_999))
def test_kilograms_become_grams_exactly(grams: int) -> None:
    raw = answer(figure=f"{grams / 1000:.3f}")
    assert weigh(SmaCodec(), raw) == stable(grams, raw)


def test_a_figure_finer_than_a_gram_is_no_weight_unless_it_may_be_rounded() -> None:
    raw = answer(kind="g", figure="1250.50", unit="g")
    assert names([weigh(SmaCodec(), raw)]) == ["finer-than-gram"]
    assert weigh(SmaCodec(rounded=True), raw) == stable(1251, raw)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"\n?\r", "unknown-command"),
        (b"\n!\r", "line-error"),
        (b"\n\r", "wrong-length"),
        (answer()[:-2] + b"\r", "wrong-length"),
        (b"\n" + answer()[2:], "wrong-length"),
        (answer(status="X"), "unknown"),
        (answer(kind="X"), "unknown"),
        (answer(motion="X"), "unknown"),
        (answer(kind="T"), "tare"),
        (answer(unit="ton"), "unknown-unit"),
        (answer(unit=""), "unknown-unit"),
        (answer(figure="----------"), "no-figure"),
        (answer(figure=""), "no-figure"),
        (answer(figure="1.25\x00"), "parity"),
        (answer().replace(b"5", b"\xb5"), "parity"),
    ],
)
def test_what_is_no_answer_is_refused_by_name(raw: bytes, name: str) -> None:
    assert names([weigh(SmaCodec(), raw)]) == [name]


def test_a_broken_answer_does_not_cost_the_next_one() -> None:
    assert take(SmaCodec(), answer()[:9], answer()) == [
        Refused("cut-short", "a new frame began inside this one", answer()[:9]),
        stable(1250, answer()),
    ]
    assert names(take(SmaCodec(), answer()[:9], None, answer()[9:], None)) == ["cut-short", "garbage"]
    *refused, last = take(SmaCodec(), answer(figure="9" * 1_000_000), answer())
    assert names(refused) == ["too-long", "garbage"]
    assert last == stable(1250, answer())


def test_it_asks_with_lf_w_and_cr() -> None:
    codec = SmaCodec()
    codec.ask()
    assert (codec.to_send(), codec.to_send()) == (b"\nW\r", b"")
