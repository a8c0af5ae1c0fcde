"""Answers of CAS scales, AP-1 and PD-II: exact grams, or none at all."""

from __future__ import annotations

from functools import reduce
from operator import xor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.codecs.cas_ap1 import NO_DATA, CasAp1Codec
from edge.codecs.cas_pd2 import CasPd2Codec
from edge.codecs.grams import Unit
from edge.codecs.readings import WeightState
from tests.unit.edge_codecs.scale_answers import names, nothing, stable, weigh
from tests.unit.edge_codecs.taking import take

ENQ, ACK, DC1, NAK = b"\x05", b"\x06", b"\x11", b"\x15"


def ap1(data: bytes) -> bytes:
    return b"\x01\x02" + data + bytes([reduce(xor, data, 0)]) + b"\x03\x04"


def test_the_drawn_ap1_example_is_1250_grams() -> None:
    raw = bytes.fromhex("01 02 53 20 30 31 2E 32 35 30 6B 67 67 03 04")
    assert raw == ap1(b"S 01.250kg")
    assert weigh(CasAp1Codec(), raw) == stable(1250, raw)


@pytest.mark.parametrize(
    ("data", "grams"),
    [(b"S 00.000kg", 0), (b"S  1.250Kg", 1250), (b"S   1250g ", 1250), (b"S  02.50lb", 1134), (b"S 15.000KG", 15_000)],
)
def test_ap1_figures(data: bytes, grams: int) -> None:
    raw = ap1(data)
    assert weigh(CasAp1Codec(), raw) == stable(grams, raw)


@pytest.mark.parametrize(
    ("data", "state"),
    [
        (b"U 01.250kg", WeightState.MOTION),
        (b"U       kg", WeightState.MOTION),
        (b"U 00.000kg", WeightState.MOTION),
        (b"S-00.005kg", WeightState.UNDER),
        (b"S-00.000kg", WeightState.UNDER),
        (b"SFFFFFFFkg", WeightState.OVER),
        (b"SF00.000kg", WeightState.OVER),
        (b"S FFFFFFkg", WeightState.OVER),
        (b"UFFFFFFFkg", WeightState.OVER),
    ],
)
def test_an_ap1_scale_in_trouble_has_no_weight_whatever_figure_it_sends(data: bytes, state: WeightState) -> None:
    assert weigh(CasAp1Codec(), ap1(data)) == nothing(state, ap1(data))


@given(st.integers(0, 99_999))
def test_ap1_kilograms_become_grams_exactly(grams: int) -> None:
    raw = ap1(f"S {grams / 1000:06.3f}kg".encode())
    assert weigh(CasAp1Codec(), raw) == stable(grams, raw)


@given(st.integers(2, 11), st.integers(1, 0x7F), st.integers(0, 99_999))
def test_no_flipped_bit_of_the_data_is_a_weight(at: int, flip: int, grams: int) -> None:
    raw = bytearray(ap1(f"S {grams / 1000:06.3f}kg".encode()))
    raw[at] ^= flip
    for reading in take(CasAp1Codec(), bytes(raw), None):
        assert names([reading])[0] in ("checksum", "parity", "cut-short", "garbage")


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (ap1(b"S 01.250kg").replace(b"5", b"6"), "checksum"),
        (ap1(b"X 01.250kg"), "unknown"),
        (ap1(b"S?01.250kg"), "unknown"),
        (ap1(b"S 01.250kg")[:13] + b"\x04\x04", "unknown"),
        (b"\x01\x03" + ap1(b"S 01.250kg")[2:], "unknown"),
        (ap1(b"S 01.250ct"), "unknown-unit"),
        (ap1(b"S       kg"), "no-figure"),
        (ap1(b"S 1.2505kg"), "finer-than-gram"),
        (ap1(b"S 01.\xb250kg"), "parity"),
    ],
)
def test_what_is_no_ap1_frame_is_refused_by_name(raw: bytes, name: str) -> None:
    assert names([weigh(CasAp1Codec(), raw)]) == [name]


def test_ap1_asks_twice_and_only_after_an_ack_for_the_data() -> None:
    codec, raw = CasAp1Codec(), ap1(b"S 01.250kg")
    codec.ask()
    assert codec.to_send() == ENQ
    assert take(codec, ACK) == []
    assert codec.to_send() == DC1
    assert take(codec, ACK + raw) == [stable(1250, raw)]
    assert codec.to_send() == b""


def test_ap1_data_from_before_the_question_is_not_its_answer() -> None:
    codec, late, fresh = CasAp1Codec(), ap1(b"S 01.250kg"), ap1(b"S 00.730kg")
    codec.ask()
    assert names(take(codec, late)) == ["unexpected"]
    codec.ask()
    assert take(codec, ACK + fresh) == [stable(730, fresh)]


@pytest.mark.parametrize("before", [b"", ACK])
def test_an_ap1_scale_that_has_no_data_has_no_weight(before: bytes) -> None:
    codec = CasAp1Codec()
    codec.ask()
    assert take(codec, before + NAK) == [nothing(WeightState.FAULT, NAK)]
    assert codec.note == NO_DATA
    assert take(codec, ACK + NAK) == []


def test_an_ap1_frame_broken_off_does_not_cost_the_next_one() -> None:
    raw = ap1(b"S 01.250kg")
    assert take(CasAp1Codec(), raw[:9], raw)[1:] == [stable(1250, raw)]
    assert names(take(CasAp1Codec(), raw[:9], None, raw[9:], None)) == ["cut-short", "garbage"]


def pd2(digits: str) -> bytes:
    return b"\x02" + digits.encode() + b"\r"


def test_a_pd2_figure_counts_when_the_one_before_was_the_same() -> None:
    raw = bytes.fromhex("02 30 31 32 35 30 0D")
    assert raw == pd2("01250")
    assert take(CasPd2Codec(), pd2("00800"), raw, raw, raw, pd2("00000"), pd2("00000")) == [
        nothing(WeightState.MOTION, pd2("00800")),
        nothing(WeightState.MOTION, raw),
        stable(1250, raw),
        stable(1250, raw),
        nothing(WeightState.MOTION, pd2("00000")),
        stable(0, pd2("00000")),
    ]


@pytest.mark.parametrize(
    ("codec", "grams"),
    [(CasPd2Codec(Unit.LB, 3), 567), (CasPd2Codec(Unit.LB, 2), 5670), (CasPd2Codec(Unit.G, 0), 1250)],
)
def test_unit_and_places_of_a_pd2_are_settings(codec: CasPd2Codec, grams: int) -> None:
    assert take(codec, pd2("01250") * 2)[1] == stable(grams, pd2("01250"))


@pytest.mark.parametrize("raw", [b"01250\r", b"\x0201250\x03", b"\x0201250\x03\r"])
def test_a_pd2_without_stx_or_with_etx_is_read_too(raw: bytes) -> None:
    frame = raw.removesuffix(b"\r") if b"\x03" in raw else raw
    assert take(CasPd2Codec(), raw, raw) == [nothing(WeightState.MOTION, frame), stable(1250, frame)]


@pytest.mark.parametrize(
    "between", [b"\x02FFFFF\r", b"\x02-0005\r", b"\x02?A\r", b"\x021250\r", b"\x0201.250\r", b"0\xb1250\r", None]
)
def test_after_anything_else_a_pd2_figure_has_to_be_said_twice_again(between: bytes | None) -> None:
    codec = CasPd2Codec()
    *refused, last = take(codec, pd2("01250"), pd2("01250"), between, pd2("01250"))[2:]
    assert names(refused) == ([] if between is None else ["parity" if b"\xb1" in between else "unknown"])
    assert last == nothing(WeightState.MOTION, pd2("01250"))


def test_a_pd2_finer_than_a_gram_is_refused() -> None:
    assert names(take(CasPd2Codec(Unit.KG, 4), pd2("01255"))) == ["finer-than-gram"]
    with pytest.raises(ValueError, match="places"):
        CasPd2Codec(Unit.KG, 6)


def test_a_pd2_is_asked_with_w_and_stopped_with_cr() -> None:
    codec = CasPd2Codec()
    codec.ask()
    assert codec.to_send() == b"W"
    take(codec, pd2("01250"))
    assert (codec.to_send(), codec.to_send()) == (b"\r", b"")
