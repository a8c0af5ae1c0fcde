"""Serial RFID readers: what they are asked, step by step, and what comes of what they say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.codecs.chainway import ChainwayCodec
from edge.codecs.m6e import M6eCodec, crc
from edge.codecs.r200 import R200Codec, Variant
from edge.codecs.readings import AntennaState, Reading, Refused, TagRead
from edge.codecs.serial_reader import SerialReaderCodec
from shelfwire.simulators.rfid_serial import (
    SimulatedChainway,
    SimulatedM6e,
    SimulatedR200,
    SimulatedSerialReader,
    _thingmagic_crc,
)
from tests.unit.edge_codecs.taking import drain, take

R200, CHAINWAY, M6E = SimulatedR200(Path()), SimulatedChainway(Path()), SimulatedM6e(Path())
EPC = bytes.fromhex("3034257bf7194e4000001a85")
every_dialect = pytest.mark.parametrize(
    ("make", "speaker"),
    [(R200Codec, R200), (ChainwayCodec, CHAINWAY), (M6eCodec, M6E)],
    ids=["r200", "chainway", "m6e"],
)


def names(readings: list[Reading]) -> list[str]:
    return [one.name if isinstance(one, Refused) else type(one).__name__ for one in readings]


def answered(codec: SerialReaderCodec, *answers: bytes) -> list[str]:
    """Begin, and give the requests, each as hexadecimal, that these answers draw out."""
    codec.begin()
    asked = [codec.to_send().hex(" ")]
    for answer in answers:
        codec.feed(answer)
        asked.append(codec.to_send().hex(" "))
    return asked


def test_an_r200_is_stopped_asked_what_it_is_and_started() -> None:
    codec = R200Codec()
    assert answered(codec, R200.frame(1, 0x28, b"\0"), R200.frame(1, 0x03, b"\0M100")) == [
        "bb 00 28 00 00 28 7e",
        "bb 00 03 00 01 00 04 7e",
        "bb 00 27 00 03 22 ff ff 4a 7e",
    ]
    assert codec.reading
    codec.stop()
    assert codec.to_send().hex(" ") == "bb 00 28 00 00 28 7e"


def test_another_variant_begins_and_ends_otherwise() -> None:
    assert answered(R200Codec(Variant.AA_DD)) == ["aa 00 28 00 00 28 dd"]
    assert names(take(R200Codec(Variant.AA_DD), R200.tag(EPC, 1, -60), None)) == ["garbage"]


def test_a_chainway_is_stopped_asked_and_started_and_tells_its_antennas() -> None:
    codec = ChainwayCodec()
    answers = [CHAINWAY.frame(*one) for one in ((0x8D, b"\1"), (0x03, b"\7\1\2"), (0x71, b"\1"), (0x4F, b"\0\3"))]
    assert answered(codec, *answers) == [
        "a5 5a 00 08 8c 84 0d 0a",
        "a5 5a 00 08 02 0a 0d 0a",
        "a5 5a 00 0c 70 00 00 00 00 7c 0d 0a",
        "a5 5a 00 08 4e 46 0d 0a",
        "a5 5a 00 0a 82 00 00 88 0d 0a",
    ]
    assert codec.reading
    assert drain(codec) == [AntennaState(1, True, None), AntennaState(2, True, None)]


def test_an_m6e_is_told_its_region_and_antennas() -> None:
    codec = M6eCodec((1, 2), "eu3")
    answers = [M6E.frame(opcode, 0) for opcode in (0x2F, 0x03, 0x97, 0x93, 0x91, 0x9A, 0x2F)]
    assert answered(codec, *answers) == [
        "ff 03 2f 00 00 02 5e 86",
        "ff 00 03 1d 0c",
        "ff 01 97 08 4b b5",
        "ff 02 93 00 05 51 7d",
        "ff 05 91 02 01 01 02 02 " + crc(bytes.fromhex("0591020101 0202")).to_bytes(2, "big").hex(" "),
        "ff 03 9a 01 0c 00 a3 5d",
        "ff 10 2f 00 00 01 22 00 00 05 07 22 10 00 1b 03 e8 01 ff dd 2b",
        "",
    ]
    assert codec.reading


def test_a_request_that_must_not_fail_says_why_it_did() -> None:
    codec = M6eCodec()
    answered(codec, M6E.frame(0x2F, 0), M6E.frame(0x03, 0), M6E.frame(0x93, 0x0105))
    assert not codec.reading
    assert codec.trouble == "parameter out of range (93: 0105)"
    assert names(drain(codec)) == ["reader-error"]
    codec.begin()
    assert codec.trouble == ""


@every_dialect
def test_silence_passes_over_what_need_not_be_answered_and_repeats_what_must(
    make: Callable[[], SerialReaderCodec], speaker: SimulatedSerialReader
) -> None:
    codec = make()
    codec.begin()
    stop = codec.to_send()
    codec.gap()
    question = codec.to_send()
    assert question not in (b"", stop)
    for _ in range(3):
        codec.gap()
        assert codec.to_send() == question
    assert not codec.reading


@every_dialect
@given(epc=st.binary(min_size=1, max_size=31).map(lambda half: half * 2), rssi_dbm=st.integers(-120, -1))
def test_a_tag_comes_out_as_it_went_in(
    make: Callable[[], SerialReaderCodec], speaker: SimulatedSerialReader, epc: bytes, rssi_dbm: int
) -> None:
    (read,) = take(make(), speaker.tag(epc, 1, rssi_dbm))
    assert isinstance(read, TagRead)
    assert (read.epc, read.antenna, read.rssi_cdbm, read.seen_us) == (epc, 1, 100 * rssi_dbm, None)


@every_dialect
@given(at=st.integers(0, 46), bit=st.integers(0, 7))
def test_a_wrong_bit_never_makes_a_tag_and_the_next_one_is_read(
    make: Callable[[], SerialReaderCodec], speaker: SimulatedSerialReader, at: int, bit: int
) -> None:
    frame = bytearray(speaker.tag(EPC, 1, -60))
    frame[at % len(frame)] ^= 1 << bit
    readings = take(make(), bytes(frame), None, speaker.tag(EPC[::-1], 1, -61))
    assert [one.epc for one in readings if isinstance(one, TagRead)] == [EPC[::-1]]


@every_dialect
@given(noise=st.binary(max_size=50))
def test_after_noise_and_silence_the_next_tag_is_read(
    make: Callable[[], SerialReaderCodec], speaker: SimulatedSerialReader, noise: bytes
) -> None:
    readings = take(make(), noise, None, speaker.tag(EPC, 1, -60))
    assert isinstance(readings[-1], TagRead)


@every_dialect
def test_a_tag_inside_a_frame_that_was_none_is_found(
    make: Callable[[], SerialReaderCodec], speaker: SimulatedSerialReader
) -> None:
    frame = speaker.tag(EPC, 1, -60)
    assert names(take(make(), frame[:6] + frame, None)) in (["cut-short", "TagRead"], ["checksum", "TagRead"])


def test_a_round_without_a_tag_is_no_error_and_others_are_named() -> None:
    assert take(R200Codec(), R200.no_tag() * 3) == []
    (refused,) = take(R200Codec(), R200.error(0x17))
    assert isinstance(refused, Refused)
    assert refused.detail == "unknown command (17)"
    assert take(M6eCodec(), M6E.no_tag() * 3) == []


def test_a_reader_that_counts_from_0_is_believed_when_told_so_and_named_when_not() -> None:
    (refused,) = take(ChainwayCodec(), CHAINWAY.tag(EPC, 0, -60))
    assert isinstance(refused, Refused)
    assert "count from 0" in refused.detail
    (read,) = take(ChainwayCodec(first_antenna=0), CHAINWAY.tag(EPC, 0, -60))
    assert isinstance(read, TagRead)
    assert read.antenna == 1


@given(data=st.binary(min_size=2, max_size=300))
def test_thingmagics_crc_is_what_shifting_bit_by_bit_makes(data: bytes) -> None:
    assert crc(data) == _thingmagic_crc(data)


def test_thingmagics_crc_of_a_published_frame() -> None:
    assert crc(bytes.fromhex("0003")) == 0x1D0C


@given(payload=st.binary(max_size=600))
def test_chainways_check_is_the_xor_of_every_byte_however_long(payload: bytes) -> None:
    codec = ChainwayCodec()
    assert take(codec, CHAINWAY.frame(0x03, payload)) == []
    wrong = bytearray(CHAINWAY.frame(0x03, payload))
    wrong[-3] ^= 1
    assert names(take(codec, bytes(wrong), None))[0] == "checksum"
