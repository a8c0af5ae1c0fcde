"""Packets from a Zebra scanner: what is a code, what is sent again, and what is said back."""

from __future__ import annotations

import pytest

from edge.codecs.readings import Refused, Scan
from edge.codecs.ssi import SsiCodec
from edge.codecs.ssi_packets import (
    DECODE_DATA,
    EVENT,
    NAK_BAD_CONTEXT,
    NAK_DENIED,
    NAK_RESEND,
    RESEND_BIT,
    SCANNER,
    packet,
)
from tests.unit.edge_codecs.ssi_speech import ACK, CODE_128, EAN, QR, SCAN, code, damaged, nak, refused
from tests.unit.edge_codecs.taking import take


def test_the_packets_of_the_guide() -> None:
    # Worked out from the guide's rule, and the ACK as several published hosts send it.
    assert packet(0xD0) == ACK
    assert nak(NAK_DENIED) == bytes.fromhex("05 D1 04 00 06 FF 20")
    assert code() == bytes.fromhex("12 F3 00 00 0B 34 30 30 36 33 38 31 33 33 33 39 33 31 FC 54")


def test_a_code_is_given_at_its_last_byte_and_answered_once_the_station_has_decided() -> None:
    codec = SsiCodec()
    assert take(codec, code()[:-1]) == []
    assert take(codec, code()[-1:]) == [SCAN]
    assert codec.to_send() == b""
    codec.acknowledge(True)
    assert codec.to_send() == ACK
    assert take(codec, code()) == [SCAN]
    codec.acknowledge(False)
    assert codec.to_send() == nak(NAK_DENIED)
    codec.acknowledge(True)
    assert codec.to_send() == b""


def test_a_pause_inside_a_packet_does_not_split_it() -> None:
    codec = SsiCodec()
    for at in range(1, len(code())):
        assert take(codec, code()[:at]) == []
        assert take(codec, code()[at:]) == [SCAN], at


@pytest.mark.parametrize(
    ("kind", "data", "aim", "text"),
    [
        (0x08, b"036000291452", "]E0", "036000291452"),
        (0x09, b"04252614", "]E0", "04252614"),
        (0x0A, b"96385074", "]E4", "96385074"),
        (0x4B, b"400638133393112", "]E3", "400638133393112"),
        (0x01, b"SHELF-7", "]A0", "SHELF-7"),
        (0x06, b"14006381333938", "]I0", "14006381333938"),
        (0x0F, b"010400638133393110LOT", "]C1", "010400638133393110LOT"),
        (0x30, b"0104006381333931", "]e0", "0104006381333931"),
        (0xC1, b"0104006381333931\x1d21S1", "]d2", "0104006381333931\x1d21S1"),
        (0xC2, b"0104006381333931", "]Q3", "0104006381333931"),
        # Data Matrix and QR Code: older models send the GS1 ones under these types too, so nothing is claimed.
        (0x1B, b"0104006381333931", None, "0104006381333931"),
        (0x1C, b"https://id.gs1.org/01/04006381333931", None, "https://id.gs1.org/01/04006381333931"),
        (0xEE, b"new", None, "new"),
    ],
)
def test_the_code_type_says_which_symbology_it_was(kind: int, data: bytes, aim: str | None, text: str) -> None:
    assert take(SsiCodec(), code(data, kind)) == [Scan(text, data, aim)]


def test_an_aim_prefix_that_fits_the_type_says_more_than_the_type() -> None:
    assert take(SsiCodec(), code(b"]Q30104006381333931", QR)) == [
        Scan("0104006381333931", b"]Q30104006381333931", "]Q3")
    ]
    assert take(SsiCodec(), code(b"]C10104006381333931", CODE_128)) == [
        Scan("0104006381333931", b"]C10104006381333931", "]C1")
    ]


def test_a_code_that_only_looks_as_if_it_had_an_aim_prefix_is_left_alone() -> None:
    assert take(SsiCodec(), code(b"]E04006381333931", QR)) == [Scan("]E04006381333931", b"]E04006381333931")]
    assert take(SsiCodec(aim=False), code(b"]Q1x", QR)) == [Scan("]Q1x", b"]Q1x")]


def test_the_suffix_that_the_scanner_adds_is_taken_off() -> None:
    assert take(SsiCodec(), code(EAN + b"\r\n")) == [Scan("4006381333931", EAN + b"\r\n", "]E0")]


@pytest.mark.parametrize(
    ("frame", "name"),
    [
        (code(b"40063\x0081"), "control-character"),
        (code(b"\xff\xfe"), "not-text"),
        (code(b""), "empty-code"),
        (packet(DECODE_DATA, source=SCANNER), "empty-code"),
        (code(b"\x01\x02", 0x33), "parameter"),
        (code(b"\x02\x00\x05", 0x99), "several-codes"),
    ],
)
def test_what_is_no_code_is_refused_to_the_scanner_at_once(frame: bytes, name: str) -> None:
    codec = SsiCodec()
    assert refused(take(codec, frame)) == [name]
    assert codec.to_send() == nak(NAK_DENIED)
    assert take(codec, code()) == [SCAN]


def test_bits_that_models_use_as_they_like_do_not_matter() -> None:
    assert take(SsiCodec(), code(status=0x20) + code(status=0xA0)) == [SCAN, SCAN]


# Sent again


def test_a_resend_of_what_was_answered_is_answered_again_and_not_given_twice() -> None:
    codec = SsiCodec()
    for accepted, answer in ((True, ACK), (False, nak(NAK_DENIED))):
        assert take(codec, code()) == [SCAN]
        codec.acknowledge(accepted)
        assert codec.to_send() == answer
        assert take(codec, code(status=RESEND_BIT)) == []
        assert take(codec, code(status=RESEND_BIT)) == []
        assert codec.to_send() == answer * 2


def test_a_resend_of_what_is_still_being_decided_waits_for_the_one_answer() -> None:
    codec = SsiCodec()
    assert take(codec, code(), None, code(status=RESEND_BIT)) == [SCAN]
    assert codec.to_send() == b""
    codec.acknowledge(True)
    assert codec.to_send() == ACK


def test_a_resend_of_what_never_came_is_given() -> None:
    codec = SsiCodec()
    assert take(codec, code(status=RESEND_BIT)) == [SCAN]
    codec.acknowledge(True)
    assert take(codec, code(b"96385074", 0x0A, RESEND_BIT)) == [Scan("96385074", b"96385074", "]E4")]


def test_the_same_code_scanned_again_is_a_scan_of_its_own() -> None:
    codec = SsiCodec()
    for _ in range(3):
        assert take(codec, code()) == [SCAN]
        codec.acknowledge(True)


def test_a_scan_that_the_scanner_has_given_up_is_not_answered_late() -> None:
    """The answer would be taken for the next code's."""
    codec = SsiCodec()
    assert take(codec, code(), code(b"96385074", 0x0A)) == [SCAN, Scan("96385074", b"96385074", "]E4")]
    codec.acknowledge(True)
    assert codec.to_send() == b""
    codec.acknowledge(False)
    assert codec.to_send() == nak(NAK_DENIED)


def test_a_damaged_packet_is_asked_for_again_and_its_resend_is_given_even_if_it_equals_the_scan_before() -> None:
    codec = SsiCodec()
    assert take(codec, code()) == [SCAN]
    codec.acknowledge(True)
    assert codec.to_send() == ACK
    assert take(codec, damaged(code())) == []
    assert codec.to_send() == nak(NAK_RESEND)
    assert take(codec, code(status=RESEND_BIT)) == [SCAN]
    codec.acknowledge(True)
    assert codec.to_send() == ACK
    assert take(codec, None) == []


def test_a_code_that_comes_damaged_three_times_is_refused_once() -> None:
    codec = SsiCodec()
    assert refused(take(codec, damaged(code()), damaged(code(status=1)), damaged(code(status=1)), None)) == ["checksum"]
    assert codec.to_send() == nak(NAK_RESEND) * 2
    assert take(codec, code()) == [SCAN]


def test_a_damaged_code_that_does_not_come_again_is_refused_at_the_gap() -> None:
    assert refused(take(SsiCodec(), damaged(code()), None, None)) == ["checksum"]


def test_without_ack_a_damaged_code_is_refused_at_once_and_nothing_is_ever_sent() -> None:
    codec = SsiCodec(ack=False)
    readings = take(codec, damaged(code()) + code() + code(status=RESEND_BIT), packet(EVENT, b"\x01", source=SCANNER))
    assert refused(readings[:1]) == ["checksum"]
    assert readings[1:] == [SCAN]
    codec.acknowledge(True)
    assert codec.to_send() == b""


# What is no code


def test_noise_before_a_packet_costs_nothing_but_itself() -> None:
    codec = SsiCodec()
    readings = take(codec, b"\xff\x00\x9c\x03" + code())
    assert refused(readings[:1]) == ["garbage"]
    assert readings[1:] == [SCAN]


def test_a_packet_behind_noise_that_looks_like_a_longer_one_is_found_at_the_gap() -> None:
    codec = SsiCodec()
    assert take(codec, b"\xf0\xf6\x00" + code()) == []
    readings = take(codec, None)
    assert refused(readings[:1]) == ["garbage"]
    assert readings[1:] == [SCAN]


def test_half_a_packet_is_told_of_and_its_resend_is_given() -> None:
    codec = SsiCodec()
    assert take(codec, code()) == [SCAN]
    assert refused(take(codec, code()[:9], None)) == ["cut-short"]
    assert take(codec, code(status=RESEND_BIT)) == [SCAN]


def test_half_a_packet_with_its_resend_right_behind_is_found_by_the_checksum() -> None:
    codec = SsiCodec()
    assert take(codec, code()[:9] + code(status=RESEND_BIT)) == [SCAN]


def test_a_scanner_that_sends_its_codes_unpacketed_is_told_of() -> None:
    readings = take(SsiCodec(), b"4006381333931\r\n", None)
    assert refused(readings) == ["garbage"]
    assert isinstance(readings[0], Refused)
    assert "packeted" in readings[0].detail


def test_events_are_acknowledged_answers_are_not_and_the_unknown_is_refused() -> None:
    codec = SsiCodec()
    assert take(codec, packet(EVENT, b"\x01", source=SCANNER)) == []
    assert codec.to_send() == ACK
    assert take(codec, packet(0xD0, source=SCANNER) + packet(0xD1, b"\x02", source=SCANNER)) == []
    assert codec.to_send() == b""
    assert refused(take(codec, packet(0xB1, b"image", source=SCANNER))) == ["unexpected"]
    assert codec.to_send() == nak(NAK_BAD_CONTEXT)


def test_what_the_host_sends_is_not_taken_for_the_scanners() -> None:
    assert refused(take(SsiCodec(), packet(DECODE_DATA, b"\x0b123"), None)) == ["garbage"]
