"""A code of a Zebra scanner that is longer than a packet: put together once, whatever is damaged or comes again."""

from __future__ import annotations

import pytest

from edge.codecs.readings import Scan
from edge.codecs.ssi import MAX_CODE_BYTES, SsiCodec
from edge.codecs.ssi_packets import (
    MORE_BIT,
    NAK_DENIED,
    NAK_RESEND,
    RESEND_BIT,
)
from tests.unit.edge_codecs.ssi_speech import ACK, QR, SCAN, code, damaged, nak, part, refused
from tests.unit.edge_codecs.taking import take

LONG = bytes(range(0x30, 0x5B)) * 14  # 602 characters
PARTS = [bytes([QR]) + LONG[:250], LONG[250:501], LONG[501:]]


def test_a_long_code_comes_in_packets_each_of_which_is_answered() -> None:
    codec = SsiCodec()
    for piece in PARTS[:-1]:
        assert take(codec, part(piece, MORE_BIT)) == []
        assert codec.to_send() == ACK
    assert take(codec, part(PARTS[-1], 0)) == [Scan(LONG.decode(), LONG)]
    assert codec.to_send() == b""
    codec.acknowledge(True)
    assert codec.to_send() == ACK


def test_a_packet_of_a_long_code_sent_again_is_not_put_in_twice() -> None:
    codec = SsiCodec()
    frames = [part(PARTS[0], 2), part(PARTS[0], 3), part(PARTS[1], 2), part(PARTS[1], 3), part(PARTS[2], 0)]
    assert take(codec, *frames) == [Scan(LONG.decode(), LONG)]
    assert codec.to_send() == ACK * 4


def test_two_equal_packets_in_a_row_are_two_parts() -> None:
    same = b"0" * 250
    codec = SsiCodec()
    (scan,) = take(codec, part(bytes([QR]) + b"1", 2), part(same, 2), part(same, 2), part(b"2", 0))
    assert isinstance(scan, Scan)
    assert scan.text == "1" + "0" * 500 + "2"


def test_a_damaged_packet_of_a_long_code_is_asked_for_again() -> None:
    codec = SsiCodec()
    assert take(codec, part(PARTS[0], 2), damaged(part(PARTS[1], 2))) == []
    assert codec.to_send() == ACK + nak(NAK_RESEND)
    assert take(codec, part(PARTS[1], 3), part(PARTS[2], 0)) == [Scan(LONG.decode(), LONG)]


def test_a_scanner_that_waits_for_the_end_is_answered_at_the_end_and_sends_all_of_it_again() -> None:
    codec = SsiCodec(each_packet=False)
    assert take(codec, part(PARTS[0], 2), damaged(part(PARTS[1], 2))) == []
    assert codec.to_send() == b""
    assert take(codec, part(PARTS[2], 0)) == []
    assert codec.to_send() == nak(NAK_RESEND)
    assert take(codec, part(PARTS[0], 3), part(PARTS[1], 3), part(PARTS[2], 1)) == [Scan(LONG.decode(), LONG)]
    codec.acknowledge(True)
    assert codec.to_send() == ACK


def test_a_long_code_sent_again_as_a_whole_is_answered_again_and_not_given_twice() -> None:
    codec = SsiCodec(each_packet=False)
    assert take(codec, *(part(piece, status) for piece, status in zip(PARTS, (2, 2, 0), strict=True))) == [
        Scan(LONG.decode(), LONG)
    ]
    codec.acknowledge(True)
    assert take(codec, *(part(piece, status) for piece, status in zip(PARTS, (3, 3, 1), strict=True))) == []
    assert codec.to_send() == ACK * 2
    assert take(codec, code(), code(status=RESEND_BIT), code()) == [SCAN, SCAN]


def test_without_ack_a_damaged_packet_costs_its_code_and_not_the_next() -> None:
    codec = SsiCodec(ack=False)
    assert refused(take(codec, part(PARTS[0], 2), damaged(part(PARTS[1], 2)), part(PARTS[2], 0))) == ["checksum"]
    assert refused(take(codec, part(PARTS[0], 2), part(PARTS[1], 2), damaged(part(PARTS[2], 0)))) == ["checksum"]
    assert take(codec, code()) == [SCAN]


def test_a_long_code_whose_rest_does_not_come_is_not_joined_to_the_next() -> None:
    codec = SsiCodec()
    readings = take(codec, part(PARTS[0], 2), None, code())
    assert refused(readings[:1]) == ["cut-short"]
    assert readings[1:] == [SCAN]


@pytest.mark.parametrize("at", [1, 2])
def test_a_long_code_goes_on_after_a_silence_with_a_packet_sent_again(at: int) -> None:
    """The answer to a packet was lost, or the packet was: the scanner waits longer than the gap."""
    codec = SsiCodec()
    frames = [part(PARTS[0], 2), part(PARTS[1], 2), None, part(PARTS[at], 3 if at == 1 else 1)]
    frames += [part(PARTS[2], 0)] if at == 1 else []
    assert take(codec, *frames) == [Scan(LONG.decode(), LONG)]


def test_a_code_longer_than_any_is_refused_whole() -> None:
    codec = SsiCodec()
    frames = [part(bytes([QR]) + b"x" * 200, 2), *[part(b"x" * 200, 2)] * 30, part(b"y", 0)]
    assert refused(take(codec, *frames)) == ["too-long"]
    assert codec.to_send() == ACK * 31 + nak(NAK_DENIED)
    (longest,) = take(codec, part(bytes([QR]), 2), *[part(b"x" * 128, 2)] * 32, part(b"", 0))
    assert isinstance(longest, Scan)
    assert len(longest.text) == MAX_CODE_BYTES
