"""Answers of an 8217 scale: exact grams, or none at all."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.codecs.mt8217 import Mt8217Codec, Unit
from edge.codecs.readings import Reading, Refused, Weight, WeightState
from edge.codecs.scale_frames import NO_ZERO
from tests.unit.edge_codecs.taking import take


def weigh(answer: bytes, unit: Unit = Unit.KG) -> Reading:
    (reading,) = take(Mt8217Codec(unit), answer)
    return reading


def refused(readings: list[Reading]) -> list[str]:
    assert all(isinstance(one, Refused) for one in readings), readings
    return [one.name for one in readings if isinstance(one, Refused)]


def test_the_manuals_example_is_1250_grams() -> None:
    raw = bytes.fromhex("02 30 31 2E 32 35 30 0D")
    assert weigh(raw) == Weight(1250, WeightState.STABLE, net=False, raw=raw)


@pytest.mark.parametrize(
    ("answer", "unit", "grams", "net"),
    [
        (b"\x0215.000\r", Unit.KG, 15_000, False),
        (b"\x0200.005N\r", Unit.KG, 5, True),
        (b"\x02 1.250\r", Unit.KG, 1250, False),
        (b"\x02  1.250N \r", Unit.KG, 1250, True),
        (b"\x021.25\r", Unit.KG, 1250, False),
        (b"\x0210.00\r", Unit.LB, 4536, False),
        (b"\x02010.00N\r", Unit.LB, 4536, True),
        (b"\x0200.01\r", Unit.LB, 5, False),
        (b"\x0201250\r", Unit.G, 1250, False),
        (b"\x02 1250N\r", Unit.G, 1250, True),
    ],
)
def test_figures_as_scales_send_them(answer: bytes, unit: Unit, grams: int, net: bool) -> None:
    assert weigh(answer, unit) == Weight(grams, WeightState.STABLE, net=net, raw=answer)


@pytest.mark.parametrize(
    ("answer", "unit"), [(b"\x0200.000\r", Unit.KG), (b"\x02000.00\r", Unit.LB), (b"\x0200000\r", Unit.G)]
)
def test_a_figure_of_nothing_is_zero(answer: bytes, unit: Unit) -> None:
    assert weigh(answer, unit) == Weight(0, WeightState.ZERO, net=False, raw=answer)


@pytest.mark.parametrize(
    ("status", "state", "net"),
    [
        (b"A", WeightState.MOTION, False),
        (b"B", WeightState.OVER, False),
        (b"D", WeightState.UNDER, False),
        (b"H", WeightState.FAULT, False),
        (b"C", WeightState.OVER, False),
        (b"E", WeightState.UNDER, False),
        (b"I", WeightState.MOTION, False),
        (b"a", WeightState.MOTION, True),
        (b"d", WeightState.UNDER, True),
        (b"p", WeightState.UNDER, True),
        (b"@", WeightState.UNCHANGED, False),
        (b"`", WeightState.UNCHANGED, True),
    ],
)
def test_a_status_is_never_a_weight_of_nothing(status: bytes, state: WeightState, net: bool) -> None:
    assert weigh(b"\x02?" + status + b"\r") == Weight(None, state, net=net, raw=b"\x02?" + status + b"\r")


def test_centre_of_zero_is_an_empty_platter() -> None:
    assert weigh(b"\x02?P\r") == Weight(0, WeightState.ZERO, net=False, raw=b"\x02?P\r")


@given(grams=st.integers(0, 99_999))
def test_kilograms_become_grams_exactly(grams: int) -> None:
    reading = weigh(f"\x02{grams // 1000:02d}.{grams % 1000:03d}\r".encode())
    assert isinstance(reading, Weight)
    assert reading.grams == grams


@given(hundredths=st.integers(0, 9999))
def test_pounds_become_the_nearest_gram(hundredths: int) -> None:
    reading = weigh(f"\x02{hundredths // 100:02d}.{hundredths % 100:02d}\r".encode(), Unit.LB)
    assert isinstance(reading, Weight)
    assert reading.grams is not None
    exact = Fraction(hundredths, 100) * Fraction("453.59237")
    assert abs(reading.grams - exact) <= Fraction(1, 2)


def test_a_scale_finer_than_a_gram_is_refused_rather_than_rounded() -> None:
    assert refused([weigh(b"\x021.2505\r")]) == ["finer-than-gram"]
    assert refused([weigh(b"\x021.2500\r")]) == ["finer-than-gram"]


@pytest.mark.parametrize(
    ("answer", "unit"), [(b"\x0201250\r", Unit.KG), (b"\x0201250\r", Unit.LB), (b"\x0201.250\r", Unit.G)]
)
def test_a_scale_set_to_another_unit_is_refused_rather_than_a_thousand_times_wrong(answer: bytes, unit: Unit) -> None:
    assert refused([weigh(answer, unit)]) == ["unit-mismatch"]


@pytest.mark.parametrize(
    "body", [b"", b"?", b"??", b"?A?", b"E", b"-1.250", b"1.2.3", b".250", b"1,250", b"1.250kg", b"1 250"]
)
def test_a_frame_that_is_neither_figure_nor_status_is_refused_with_its_bytes(body: bytes) -> None:
    assert weigh(b"\x02" + body + b"\r") == Refused("unknown", "neither figure nor status", b"\x02" + body + b"\r")


def test_a_line_that_is_not_set_to_seven_bits_is_named() -> None:
    assert refused([weigh(bytes([0x02, 0x30, 0xB1, 0x2E, 0xB2, 0x35, 0x30, 0x0D]))]) == ["parity"]


def test_a_byte_of_wrong_parity_which_the_kernel_makes_nul_is_named_too() -> None:
    assert refused([weigh(b"\x0201.\x0050\r")]) == ["parity"]


def test_why_the_scale_is_at_fault_is_noted_until_it_is_no_more() -> None:
    codec = Mt8217Codec()
    take(codec, b"\x02?H\r")
    assert codec.note == NO_ZERO
    take(codec, b"\x0201.250\r")
    assert codec.note == ""


def test_noise_around_a_frame_costs_no_weight() -> None:
    readings = take(Mt8217Codec(), b"\xff\x00zz\x0201.250\r9\r\x0202.500\r")
    assert [type(one) for one in readings] == [Refused, Weight, Refused, Weight]
    assert [one.grams for one in readings if isinstance(one, Weight)] == [1250, 2500]


def test_a_frame_broken_off_by_the_next_one_is_refused_and_the_next_one_is_read() -> None:
    assert take(Mt8217Codec(), b"\x0201.2\x0202.500\r") == [
        Refused("cut-short", "a new frame began inside this one", b"\x0201.2"),
        Weight(2500, WeightState.STABLE, net=False, raw=b"\x0202.500\r"),
    ]


def test_a_frame_broken_off_by_silence_does_not_join_the_next() -> None:
    assert refused(take(Mt8217Codec(), b"\x0201.2", None)) == ["cut-short"]
    assert refused(take(Mt8217Codec(), b"\x0201.2", None, b"50\r", None)) == ["cut-short", "garbage"]


def test_a_frame_without_end_is_refused_and_the_next_one_is_read() -> None:
    readings = take(Mt8217Codec(), b"\x02" + b"1" * 1_000_000 + b"\x0202.500\r")
    assert refused(readings[:-1]) == ["too-long", "garbage"]
    assert readings[-1] == Weight(2500, WeightState.STABLE, net=False, raw=b"\x0202.500\r")


def test_only_asking_sends_anything_and_only_once() -> None:
    codec = Mt8217Codec()
    assert codec.to_send() == b""
    codec.ask()
    codec.ask()
    assert codec.to_send() == b"W"
    assert codec.to_send() == b""


def test_the_all_clear_status_gives_no_weight_unless_the_scale_is_known_to_mean_it() -> None:
    assert take(Mt8217Codec(), b"\x0201.250\r\x02?@\r")[1] == Weight(
        None, WeightState.UNCHANGED, net=False, raw=b"\x02?@\r"
    )
    assert (
        take(Mt8217Codec(all_clear_repeats=True), b"\x0201.250N\r\x02?@\r\x02?@\r")[1:]
        == [Weight(1250, WeightState.STABLE, net=True, raw=b"\x02?@\r", confirmed=True)] * 2
    )


@pytest.mark.parametrize(
    "between", [b"\x02?A\r", b"\x02?B\r", b"\x02?D\r", b"\x02?H\r", b"\x029.9.9\r", b"noise", None]
)
def test_the_all_clear_status_confirms_nothing_once_anything_else_was_heard(between: bytes | None) -> None:
    readings = take(Mt8217Codec(all_clear_repeats=True), b"\x0201.250\r", between, b"\x02?@\r")
    assert readings[-1] == Weight(None, WeightState.UNCHANGED, net=False, raw=b"\x02?@\r")


@pytest.mark.parametrize("state", WeightState)
def test_only_a_stable_or_zero_weight_can_have_grams(state: WeightState) -> None:
    has_grams = state in (WeightState.STABLE, WeightState.ZERO)
    with pytest.raises(ValueError, match="cannot have grams"):
        Weight(None if has_grams else 0, state, net=False, raw=b"")
