"""Answers of SASI scales, and that they are not taken for those of Mettler Toledo 8217, nor the other way round."""

from __future__ import annotations

import pytest

from edge.codecs.grams import Unit
from edge.codecs.mt8217 import Mt8217Codec
from edge.codecs.readings import Refused, Weight, WeightState
from edge.codecs.sasi import SasiCodec
from edge.codecs.scale_frames import NO_ZERO
from tests.unit.edge_codecs.scale_answers import names, nothing, stable, weigh
from tests.unit.edge_codecs.taking import take

STATUSES = {
    b"A": WeightState.MOTION,
    b"B": WeightState.OVER,
    b"C": WeightState.UNDER,
    b"D": WeightState.FAULT,
}


def test_the_drawn_example_is_1250_grams() -> None:
    raw = bytes.fromhex("02 30 31 2E 32 35 30 0D")
    assert weigh(SasiCodec(), raw) == stable(1250, raw)
    assert weigh(SasiCodec(Unit.LB), raw) == stable(567, raw)
    assert weigh(SasiCodec(), b"\x0200.000\r") == stable(0, b"\x0200.000\r")


@pytest.mark.parametrize(("letter", "state"), STATUSES.items())
def test_a_letter_is_why_there_is_no_weight(letter: bytes, state: WeightState) -> None:
    raw = b"\x02?" + letter + b"\r"
    assert weigh(SasiCodec(), raw) == nothing(state, raw)


def test_a_scale_outside_its_zero_says_so_to_people() -> None:
    codec = SasiCodec()
    take(codec, b"\x02?D\r")
    assert codec.note == NO_ZERO
    take(codec, b"\x02?C\r")
    assert codec.note == ""


@pytest.mark.parametrize(
    "body",
    [
        b"?@", b"?P", b"?H", b"?a", b"?E", b"?F", b"?I", b"01.250N", b"010.00", b"01250", b" 1.250", b"1.250", b"01.25",
        b"", b"?", b"?AA", b"-1.250",
    ],
)  # fmt: skip
def test_what_only_8217_has_is_refused(body: bytes) -> None:
    assert names([weigh(SasiCodec(), b"\x02" + body + b"\r")]) == ["unknown"]


@pytest.mark.parametrize("bits", range(0x40, 0x80))
def test_no_status_of_8217_is_a_weight_here(bits: int) -> None:
    raw = b"\x02?" + bytes([bits]) + b"\r"
    reading = weigh(SasiCodec(), raw)
    assert isinstance(reading, Refused) or reading == nothing(STATUSES[bytes([bits])], raw)


@pytest.mark.parametrize("letter", STATUSES)
def test_no_letter_of_sasi_is_a_weight_to_8217(letter: bytes) -> None:
    for repeats in (False, True):
        codec = Mt8217Codec(all_clear_repeats=repeats)
        _, reading = take(codec, b"\x0201.250\r", b"\x02?" + letter + b"\r")
        assert isinstance(reading, Weight)
        assert reading.grams is None
        assert not reading.confirmed


def test_noise_and_broken_frames_are_named() -> None:
    assert names(take(SasiCodec(), b"xx", b"\x0201.2", b"\x02?", None)) == ["garbage", "cut-short", "cut-short"]
    assert names(take(SasiCodec(), b"\x0201.\xb250\r")) == ["parity"]
    assert names(take(SasiCodec(), b"\x02" + b"1" * 5000 + b"\r", None)) == ["too-long", "garbage"]


def test_it_asks_with_w() -> None:
    codec = SasiCodec()
    codec.ask()
    assert (codec.to_send(), codec.to_send()) == (b"W", b"")
