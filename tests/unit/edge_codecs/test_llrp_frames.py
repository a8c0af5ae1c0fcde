"""How an LLRP reader's bytes are cut: into control messages and tag reads, and past what makes no sense."""

from __future__ import annotations

import struct

import pytest

from edge.codecs.llrp_frames import MAX_HELD_BYTES, MAX_MESSAGE_BYTES, Control, LlrpFrames
from edge.codecs.readings import Refused, TagRead
from shelfwire.simulators import llrp_speech as speech

EPC = bytes.fromhex("3034257bf7194e4000001a85")
TAG = speech.tag(EPC, 2)
OTHER = speech.tlv(1023, b"vendor")
Found = list[TagRead | Refused | Control]


def told(found: Found) -> list[str]:
    """In a word each: the antenna of a tag, the name of a refusal, the type of a message."""
    words = []
    for one in found:
        match one:
            case TagRead():
                words.append(f"antenna {one.antenna}")
            case Refused():
                words.append(one.name)
            case Control():
                words.append(f"message {one.kind}")
    return words


def test_a_message_is_given_whole_with_its_type_its_id_and_what_follows_the_header() -> None:
    frames = LlrpFrames()
    message = speech.message(30, 7, b"body")
    assert [frames.feed(message[at : at + 1]) for at in range(len(message))][:-1] == [[]] * (len(message) - 1)
    assert LlrpFrames().feed(message + message) == [Control(30, 7, b"body")] * 2


def test_a_tag_of_a_report_is_given_as_soon_as_it_is_there_and_not_with_the_last() -> None:
    report = speech.report(TAG, TAG)
    frames = LlrpFrames()
    assert told(frames.feed(report[: 10 + len(TAG)])) == ["antenna 2"]
    assert told(frames.feed(report[10 + len(TAG) :])) == ["antenna 2"]
    assert told(frames.feed(speech.keepalive(1))) == ["message 62"]


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_what_is_no_tag_in_a_report_is_passed_over_however_it_comes(step: int) -> None:
    frames, found = LlrpFrames(), Found()
    data = speech.report(OTHER, TAG, OTHER) + speech.keepalive(1)
    for at in range(0, len(data), step):
        found += frames.feed(data[at : at + step])
    assert told(found) == ["antenna 2", "message 62"]


def test_a_parameter_longer_than_its_report_costs_the_rest_of_that_report_only() -> None:
    overrun = struct.pack(">HH", 240, 5000) + bytes(20)
    assert told(LlrpFrames().feed(speech.report(TAG, overrun) + speech.report(TAG))) == [
        "antenna 2",
        "malformed",
        "antenna 2",
    ]


def test_a_report_that_ends_inside_a_header_is_refused_and_what_follows_is_read() -> None:
    assert told(LlrpFrames().feed(speech.report(TAG, b"\x00\xf0") + speech.keepalive(1))) == [
        "antenna 2",
        "malformed",
        "message 62",
    ]


def test_what_is_too_long_to_be_held_is_refused_once_and_passed_over() -> None:
    long_tag = speech.tlv(240, bytes(MAX_HELD_BYTES))
    long_message = speech.message(13, 5, bytes(MAX_HELD_BYTES))
    frames = LlrpFrames()
    assert told(frames.feed(speech.report(long_tag, TAG))) == ["too-long", "antenna 2"]
    assert told(frames.feed(long_message + speech.keepalive(1))) == ["too-long", "message 62"]
    assert not frames.broken


@pytest.mark.parametrize(
    "header",
    [
        struct.pack(">HII", 0x7 << 10 | 62, 10, 1),
        struct.pack(">HII", 0x0400 | 62, 9, 1),
        struct.pack(">HII", 0x0400 | 62, MAX_MESSAGE_BYTES + 1, 1),
    ],
    ids=["no such version", "shorter than itself", "longer than any"],
)
def test_after_a_header_that_cannot_be_nothing_more_is_taken(header: bytes) -> None:
    frames = LlrpFrames()
    assert told(frames.feed(header + speech.keepalive(1))) == ["not-llrp"]
    assert frames.broken
    assert frames.feed(speech.keepalive(2)) == []
