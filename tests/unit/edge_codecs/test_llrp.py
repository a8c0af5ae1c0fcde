"""The conversation with an LLRP reader: what it is asked, what comes of its answers, and what it can break."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.codecs.llrp import LlrpCodec, Stage
from edge.codecs.llrp_wire import Message, ReadingPlan, parameters
from edge.codecs.readings import AntennaState, Reading, Refused, TagRead
from shelfwire.simulators import llrp_speech as speech
from tests.unit.edge_codecs.taking import drain, take

EPC = bytes.fromhex("3034257bf7194e4000001a85")
ANSWERS = (31, 13, 12, 30, 34, 32)


def sent(codec: LlrpCodec) -> list[tuple[int, int, bytes]]:
    """Cut what is to be sent into (type, id, body)."""
    data, messages = codec.to_send(), []
    while data:
        word, length, ident = struct.unpack_from(">HII", data)
        assert word >> 10 == 1
        messages.append((word & 0x3FF, ident, data[10:length]))
        data = data[length:]
    return messages


def reading_codec(plan: ReadingPlan | None = None) -> LlrpCodec:
    codec = LlrpCodec(plan)
    codec.feed(speech.connection_attempt(0))
    for kind in ANSWERS:
        ((_, ident, _),) = sent(codec)
        codec.feed(speech.answer(kind, ident))
    assert codec.stage is Stage.READING
    assert sent(codec) == []
    return codec


def names(readings: list[Reading]) -> list[str]:
    return [one.name for one in readings if isinstance(one, Refused)]


def test_nothing_is_said_before_the_reader_greets() -> None:
    codec = LlrpCodec()
    assert codec.to_send() == b""
    codec.feed(speech.keepalive(1))
    assert [kind for kind, _, _ in sent(codec)] == [72]
    assert codec.stage is Stage.GREETING


def test_it_clears_prepares_and_starts_one_request_at_a_time() -> None:
    codec, asked = LlrpCodec(), []
    codec.feed(speech.connection_attempt(0))
    for kind in ANSWERS:
        ((request, ident, body),) = sent(codec)
        asked.append((Message(request).name, body))
        assert codec.stage is Stage.PREPARING
        codec.feed(speech.answer(kind, ident))
    assert [name for name, _ in asked] == [
        "DELETE_ROSPEC",
        "SET_READER_CONFIG",
        "GET_READER_CONFIG",
        "ADD_ROSPEC",
        "ENABLE_ROSPEC",
        "START_ROSPEC",
    ]
    bodies = dict(asked)
    assert bodies["DELETE_ROSPEC"] == bytes(4)
    assert bodies["GET_READER_CONFIG"] == bytes.fromhex("0000 02 0000 0000")
    assert bodies["ENABLE_ROSPEC"] == bodies["START_ROSPEC"] == bytes.fromhex("00000001")
    # SET_READER_CONFIG: factory settings stay; events ROSpec, buffer, exception, antenna; a keepalive each 5 s
    assert bodies["SET_READER_CONFIG"].hex(" ") == (
        "00 00 f4 00 20 00 f5 00 07 00 02 80 00 f5 00 07 00 03 80 00 f5 00 07 00 04 80 00 f5 00 07 00 08 80"
        " 00 dc 00 09 01 00 00 13 88"
    )
    # ROSpec 1, disabled; starts when told, never stops; antenna 0 (all); Gen2; a report each read
    assert bodies["ADD_ROSPEC"].hex(" ") == (
        "00 b1 00 41 00 00 00 01 00 00"
        " 00 b2 00 12 00 b3 00 05 00 00 b6 00 09 00 00 00 00 00"
        " 00 b7 00 18 00 01 00 00 00 b8 00 09 00 00 00 00 00 00 ba 00 07 00 01 01"
        " 00 ed 00 0d 01 00 01 00 ee 00 06 15 80"
    )


def test_antennas_session_and_population_are_asked_for_where_they_are_set() -> None:
    codec = LlrpCodec(ReadingPlan((2, 5), 30, 1000, session=2, population=50))
    codec.feed(speech.connection_attempt(0))
    bodies = {}
    for kind in ANSWERS:
        ((request, ident, body),) = sent(codec)
        bodies[request] = body
        codec.feed(speech.answer(kind, ident))
    ((_, rospec),) = parameters(bodies[20])
    specs = dict(parameters(rospec, 6))
    assert specs[183][:6] == struct.pack(">HHH", 2, 2, 5)
    inventory = dict(parameters(specs[183], 6))[186]
    tuned = [body for kind, body in parameters(inventory, 3) if kind == 222]
    assert [body[:2] for body in tuned] == [b"\x00\x02", b"\x00\x05"]
    assert tuned[0][2:].hex(" ") == "01 4a 00 10 00 01 50 00 0b 80 00 32 00 00 00 00"
    assert specs[237][:3] == b"\x01\x00\x1e"
    assert bodies[3].endswith(bytes.fromhex("00dc0009 01 000003e8"))


def test_an_answer_to_something_else_does_not_count() -> None:
    codec = LlrpCodec()
    codec.feed(speech.connection_attempt(0))
    codec.to_send()
    codec.feed(speech.answer(13, 1) + speech.answer(31, 9) + speech.answer(30, 1))
    assert codec.to_send() == b""
    codec.feed(speech.answer(31, 1))
    assert [kind for kind, _, _ in sent(codec)] == [3]


@pytest.mark.parametrize("forgiven", [0, 2])
def test_a_reader_may_have_nothing_to_delete_and_not_know_its_antennas(forgiven: int) -> None:
    codec = LlrpCodec()
    codec.feed(speech.connection_attempt(0))
    for step, kind in enumerate(ANSWERS):
        codec.feed(speech.answer(kind, step + 1, 300 if step == forgiven else 0))
    assert codec.stage is Stage.READING


@pytest.mark.parametrize(("step", "request_name"), [(1, "SET_READER_CONFIG"), (3, "ADD_ROSPEC"), (5, "START_ROSPEC")])
def test_a_reader_that_refuses_a_request_says_which_and_why(step: int, request_name: str) -> None:
    codec = LlrpCodec()
    codec.feed(speech.connection_attempt(0))
    for before in range(step):
        codec.feed(speech.answer(ANSWERS[before], before + 1))
    codec.feed(speech.answer(ANSWERS[step], step + 1, 101, "antenna 9"))
    assert codec.stage is Stage.ENDED
    assert codec.ended == f"the reader refuses {request_name}: antenna 9 (101)"
    codec.feed(speech.report(speech.tag(EPC, 1)))
    assert drain(codec) == []
    assert codec.to_send() == b""


@pytest.mark.parametrize("status", [1, 2, 3, 4, 99])
def test_a_reader_that_does_not_take_us_is_said_and_not_asked_anything(status: int) -> None:
    codec = LlrpCodec()
    codec.feed(speech.connection_attempt(status))
    assert codec.stage is Stage.ENDED
    assert codec.to_send() == b""
    assert ("another client" in codec.ended) == (status == 2)


def test_every_keepalive_is_answered_with_its_number() -> None:
    codec = reading_codec()
    codec.feed(speech.keepalive(7) + speech.keepalive(8))
    assert sent(codec) == [(72, 7, b""), (72, 8, b"")]


def test_a_read_has_epc_antenna_signal_time_and_count() -> None:
    codec = reading_codec()
    (read,) = take(codec, speech.report(speech.tag(EPC, 3, -61, 1_700_000_000_123_456, 4)))
    assert isinstance(read, TagRead)
    assert (read.epc, read.antenna, read.rssi_cdbm, read.seen_us, read.reads) == (
        EPC,
        3,
        -6100,
        1_700_000_000_123_456,
        4,
    )


@given(st.binary(min_size=12, max_size=12), st.integers(1, 65535), st.integers(-128, 127), st.integers(0, 2**64 - 1))
def test_the_usual_order_of_parameters_is_read_as_any_other(epc: bytes, antenna: int, rssi: int, seen_us: int) -> None:
    usual = speech.tag(epc, antenna, rssi, seen_us, 2)
    turned = speech.tlv(240, usual[17:] + usual[4:17])
    (one,) = take(reading_codec(), speech.report(usual))
    (other,) = take(reading_codec(), speech.report(turned))
    assert isinstance(one, TagRead)
    assert isinstance(other, TagRead)
    assert (one.epc, one.antenna, one.rssi_cdbm, one.seen_us, one.reads) == (epc, antenna, 100 * rssi, seen_us, 2)
    assert replace(one, raw=b"") == replace(other, raw=b"")


@pytest.mark.parametrize("length", [1, 8, 25, 31, 62])
def test_an_epc_of_another_length_is_whole(length: int) -> None:
    (read,) = take(reading_codec(), speech.report(speech.tag(b"\x36" * length, 1)))
    assert isinstance(read, TagRead)
    assert read.epc == b"\x36" * length


def test_an_epc_whose_bits_are_no_whole_bytes_keeps_its_last_bits() -> None:
    epc = speech.tlv(241, struct.pack(">H", 198) + b"\x36" * 25)
    (read,) = take(reading_codec(), speech.report(speech.tlv(240, epc + b"\x81\x00\x01")))
    assert read == TagRead(b"\x36" * 25, 1, None, None, 1, None, speech.tlv(240, epc + b"\x81\x00\x01"))


def test_what_a_vendor_adds_is_passed_over() -> None:
    extra = bytes.fromhex("8a0001 8c3000 93ffff 03ff000e0000651a00000039ffc4".replace(" ", ""))
    (read,) = take(reading_codec(), speech.report(speech.tag(EPC, 1, extra=extra)))
    assert isinstance(read, TagRead)


def test_a_report_that_is_longer_than_memory_is_read_as_it_comes() -> None:
    codec = reading_codec()
    data = speech.report(*(speech.tag(index.to_bytes(12, "big"), 1) for index in range(5000)))
    seen = 0
    for at in range(0, len(data), 1000):
        codec.feed(data[at : at + 1000])
        seen += len(drain(codec))
    assert seen == 5000


def test_a_message_too_long_to_be_held_is_passed_over_and_the_next_is_read() -> None:
    codec = reading_codec()
    readings = take(codec, speech.message(1023, 1, bytes(9000)), speech.report(speech.tag(EPC, 1)))
    assert names(readings) == ["too-long"]
    assert isinstance(readings[-1], TagRead)
    readings = take(codec, speech.report(speech.tlv(240, bytes(9000)), speech.tag(EPC, 1)))
    assert names(readings) == ["too-long"]
    assert isinstance(readings[-1], TagRead)


@pytest.mark.parametrize("header", ["043d ffffffff 00000001", "043d 00000009 00000001", "0c3d 0000000a 00000001"])
def test_a_header_that_cannot_be_ends_the_conversation(header: str) -> None:
    codec = reading_codec()
    assert names(take(codec, bytes.fromhex(header.replace(" ", "")))) == ["not-llrp"]
    assert codec.ended == "what it sends is not LLRP"


def test_version_1_1_is_understood() -> None:
    data = bytearray(speech.report(speech.tag(EPC, 1)))
    data[0] |= 0x08
    data[0] &= 0xFB
    assert isinstance(take(reading_codec(), bytes(data))[0], TagRead)


def test_antennas_that_come_and_go_are_told_with_their_time() -> None:
    codec = LlrpCodec()
    codec.feed(speech.connection_attempt(0) + speech.answer(31, 1) + speech.answer(13, 2))
    told = b"".join(speech.antenna_properties(*one) for one in ((1, True), (2, False)))
    readings = take(
        codec, speech.answer(12, 3, more=told), speech.antenna_event(2, True, 5), speech.antenna_event(1, False, 6)
    )
    assert readings == [
        AntennaState(1, True, None),
        AntennaState(2, False, None),
        AntennaState(2, True, 5),
        AntennaState(1, False, 6),
    ]


def test_a_reader_that_stops_by_itself_ends_the_conversation_so_that_it_is_started_again() -> None:
    codec = reading_codec()
    codec.feed(speech.rospec_ended(5))
    assert codec.stage is Stage.READING
    codec.feed(speech.rospec_ended(1))
    assert codec.ended == "the reader stopped reading"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (speech.message(100, 1, speech.status(109, "what?")), "the reader sends an error: what? (109)"),
        (speech.message(100, 1), "the reader sends an error: no status"),
        (speech.notification(speech.tlv(257)), "the reader closes the connection"),
    ],
)
def test_an_error_or_a_farewell_ends_the_conversation(said: bytes, why: str) -> None:
    codec = reading_codec()
    codec.feed(said)
    assert codec.ended == why


def test_what_the_reader_complains_of_is_told() -> None:
    said = speech.notification(speech.tlv(251)) + speech.reader_exception("fan") + speech.connection_attempt(4)
    readings = take(reading_codec(), said)
    assert names(readings) == ["reads-lost", "reader-exception", "another-client"]


def test_leaving_deletes_what_was_to_be_read_and_closes() -> None:
    codec = reading_codec()
    codec.leave()
    codec.leave()
    assert [(kind, body) for kind, _, body in sent(codec)] == [(21, b"\x00\x00\x00\x01"), (14, b"")]
    codec.feed(speech.rospec_ended(1))
    assert codec.stage is Stage.LEAVING
    codec.feed(speech.answer(31, 7) + speech.answer(4, 8))
    assert codec.ended == "closed"


def test_leaving_before_the_greeting_says_nothing() -> None:
    codec = LlrpCodec()
    codec.leave()
    assert codec.to_send() == b""
