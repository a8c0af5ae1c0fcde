"""Answers of NCI scales: exact grams, or none at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.codecs.nci import NciCodec, NciDialect
from edge.codecs.readings import Refused, Weight, WeightState
from edge.codecs.scale_frames import NO_ZERO
from tests.unit.edge_codecs.scale_answers import names, nothing, stable, weigh
from tests.unit.edge_codecs.taking import take

SCP01, SCP02, SCP12 = NciDialect.SCP01, NciDialect.SCP02, NciDialect.SCP12
MOTION, UNDER, OVER, FAULT = WeightState.MOTION, WeightState.UNDER, WeightState.OVER, WeightState.FAULT


def test_the_drawn_example_is_1250_grams() -> None:
    raw = bytes.fromhex("0A 20 20 20 31 2E 32 35 30 6B 67 0D 0A 30 30 0D 03")
    assert weigh(NciCodec(), raw) == stable(1250, raw)


@pytest.mark.parametrize(
    ("dialect", "answer", "grams"),
    [
        (SCP01, b"\n   1.250kg\r\n00\r\x03", 1250),
        (SCP01, b"\n   2.50lb\r\n00\r\x03", 1134),
        (SCP01, b"\n  8.0oz\r\n00\r\x03", 227),
        (SCP01, b"\n 1250g \r\n00\r\x03", 1250),
        (SCP01, b"\n  1lb  8.5oz\r\n00\r\x03", 695),
        (SCP01, b"\n   0.000kg\r\n20\r\x03", 0),
        (SCP02, b"\n01.250KG\r\nS00\r\x03", 1250),
        (SCP02, b"\n1LB 08.5OZ\r\nS00\r\x03", 695),
        (SCP02, b"\n00.000KG\r\nS20\r\x03", 0),
        (SCP12, b"\n   2.50LB\r00\x03", 1134),
        (SCP12, b"\n  1.250KG\r00\x03", 1250),
        (SCP12, b"\n 00008.0OZ\r00\x03", 227),
    ],
)
def test_figures_as_the_manuals_draw_them(dialect: NciDialect, answer: bytes, grams: int) -> None:
    assert weigh(NciCodec(dialect), answer) == stable(grams, answer)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (b"10", MOTION),
        (b"30", MOTION),
        (b"01", UNDER),
        (b"02", OVER),
        (b"12", OVER),
        (b"40", FAULT),
        (b"80", FAULT),
        (b"04", FAULT),
        (b"08", FAULT),
        (b"0p8", FAULT),
        (b"<2", FAULT),
    ],
)
@pytest.mark.parametrize("dialect", NciDialect)
def test_a_scale_in_trouble_has_no_weight_whatever_figure_it_sends(
    dialect: NciDialect, status: bytes, state: WeightState
) -> None:
    shape = {SCP01: b"\n  1.250KG\r\n%b\r\x03", SCP02: b"\n01.250KG\r\nS%b\r\x03", SCP12: b"\n  1.250KG\r%b\x03"}
    answer = shape[dialect] % status
    assert weigh(NciCodec(dialect), answer) == nothing(state, answer)
    alone = (b"\nS%b\r\x03" if dialect is SCP02 else b"\n%b\r\x03") % status
    assert weigh(NciCodec(dialect), alone) == nothing(state, alone)


@pytest.mark.parametrize(
    ("text", "state"),
    [(b"^^^^^^^^^kg", OVER), (b"_________lb", UNDER), (b"---------kg", FAULT), (b"  -0.005kg", UNDER)],
)
def test_a_figure_out_of_range_is_no_weight_even_if_no_status_bit_says_so(text: bytes, state: WeightState) -> None:
    answer = b"\n" + text + b"\r\n00\r\x03"
    assert weigh(NciCodec(), answer) == nothing(state, answer)
    answer = b"\n -1lb  3.0oz\r\n00\r\x03"
    assert weigh(NciCodec(), answer) == nothing(UNDER, answer)


@pytest.mark.parametrize(
    ("status", "note"),
    [
        (b"40", "the scale reports an error: RAM"),
        (b"<<", "the scale reports an error: RAM, EEPROM, ROM, calibration"),
        (b"0p8", "the scale reports an error: initial zero"),
        (b"10", ""),
        (b"02", ""),
    ],
)
def test_the_errors_are_named_for_people(status: bytes, note: str) -> None:
    codec = NciCodec()
    take(codec, b"\n  1.250kg\r\n" + status + b"\r\x03")
    assert codec.note == note
    take(codec, b"\n---------kg\r\n00\r\x03")
    assert codec.note == NO_ZERO
    take(codec, b"\n  1.250kg\r\n00\r\x03")
    assert codec.note == ""


def test_the_third_status_byte_tells_net_from_gross() -> None:
    answer = b"\n   1.250kg\r\n0p4\r\x03"
    assert weigh(NciCodec(), answer) == stable(1250, answer, net=True)
    answer = b"\n   1.250kg\r\n0pp0\r\x03"
    assert weigh(NciCodec(), answer) == stable(1250, answer)


def test_a_status_alone_at_zero_is_an_empty_platter_unless_a_tare_was_taken_off() -> None:
    assert weigh(NciCodec(), b"\n20\r\x03") == stable(0, b"\n20\r\x03")
    assert weigh(NciCodec(), b"\n2p4\r\x03") == nothing(UNDER, b"\n2p4\r\x03", net=True)


@pytest.mark.parametrize(("dialect", "state"), [(SCP01, FAULT), (SCP02, UNDER), (SCP12, FAULT)])
def test_a_status_alone_that_gives_no_reason_is_no_weight(dialect: NciDialect, state: WeightState) -> None:
    answer = b"\nS00\r\x03" if dialect is SCP02 else b"\n00\r\x03"
    assert weigh(NciCodec(dialect), answer) == nothing(state, answer)


def test_a_scale_that_draws_the_first_status_byte_the_other_way_round_is_faulty_and_never_at_rest() -> None:
    at_rest, moving = b"\n  1.250KG\r\x3f0\x03", b"\n  1.250KG\r\x3e0\x03"
    assert weigh(NciCodec(SCP12), at_rest) == nothing(FAULT, at_rest)
    assert weigh(NciCodec(SCP12), moving) == nothing(FAULT, moving)


@given(st.integers(0, 99_999), st.sampled_from(NciDialect))
def test_kilograms_become_grams_exactly(grams: int, dialect: NciDialect) -> None:
    shape = {SCP01: b"\n %bkg\r\n00\r\x03", SCP02: b"\n%bKG\r\nS00\r\x03", SCP12: b"\n %bKG\r00\x03"}
    answer = shape[dialect] % f"{grams / 1000:06.3f}".encode()
    assert weigh(NciCodec(dialect), answer) == stable(grams, answer)


@pytest.mark.parametrize(
    ("dialect", "answer", "name"),
    [
        (SCP01, b"\n?\r\x03", "unknown-command"),
        (SCP02, b"\n?\r\x03", "unknown-command"),
        (SCP01, b"\n  1.250kg\r\n0\r\x03", "unknown"),
        (SCP01, b"\n  1.250kg\r\x03", "unknown"),
        (SCP01, b"\n  1.250kg\x03", "unknown"),
        (SCP01, b"\n  1.250kg\r\nS00\r\x03", "bad-status"),
        (SCP02, b"\n01.250KG\r\n00\r\x03", "unknown"),
        (SCP12, b"\n01.250KG\r\n00\r\x03", "unknown"),
        (SCP01, b"\n  1.250kg\r\n0p\r\x03", "bad-status"),
        (SCP01, b"\n  1.250kg\r\n000\r\x03", "bad-status"),
        (SCP01, b"\n  1.250kg\r\np0\r\x03", "bad-status"),
        (SCP01, b"\n  1.250kg\r\nab\r\x03", "bad-status"),
        (SCP01, b"\n  1.250t\r\n00\r\x03", "unknown-unit"),
        (SCP01, b"\n  1.250\r\n00\r\x03", "unknown-unit"),
        (SCP01, b"\n TArE kg\r\n00\r\x03", "no-figure"),
        (SCP01, b"\n 12..5kg\r\n00\r\x03", "no-figure"),
        (SCP01, b"\n 1.2505kg\r\n00\r\x03", "finer-than-gram"),
        (SCP01, b"\n  1.\xb250kg\r\n00\r\x03", "parity"),
        (SCP01, b"\n  1.\x0050kg\r\n00\r\x03", "parity"),
    ],
)
def test_what_is_no_answer_is_refused_by_name(dialect: NciDialect, answer: bytes, name: str) -> None:
    assert names([weigh(NciCodec(dialect), answer)]) == [name]


def test_a_broken_answer_does_not_cost_the_next_one() -> None:
    whole = b"\n  1.250kg\r\n00\r\x03"
    readings = take(NciCodec(), b"xx", b"\n  9.2", whole)
    assert readings == [
        Refused("garbage", "bytes outside a frame", b"xx"),
        Refused("cut-short", "a new frame began inside this one", b"\n  9.2"),
        stable(1250, whole),
    ]


def test_an_answer_broken_off_by_silence_does_not_join_the_next() -> None:
    readings = take(NciCodec(), b"\n  1.250kg\r\n", None, b"00\r\x03", None)
    assert names(readings) == ["cut-short", "garbage"]


def test_a_frame_without_end_is_refused_once_and_the_next_one_is_read() -> None:
    whole = b"\n  1.250kg\r\n00\r\x03"
    *refused, last = take(NciCodec(), b"\n" + b"1" * 1_000_000 + whole)
    assert names(refused) == ["too-long", "garbage"]
    assert isinstance(last, Weight)
    assert last.grams == 1250


def test_it_asks_with_w_and_cr() -> None:
    codec = NciCodec()
    codec.ask()
    assert (codec.to_send(), codec.to_send()) == (b"W\r", b"")
