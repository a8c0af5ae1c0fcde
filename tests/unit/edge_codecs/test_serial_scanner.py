"""Lines from a serial scanner: what is a code, what is refused, and what is said back."""

from __future__ import annotations

import pytest

from edge.codecs.readings import Reading, Refused, Scan
from edge.codecs.serial_scanner import ACK, MAX_LINE_BYTES, NAK, SerialScannerCodec, Suffix
from tests.unit.edge_codecs.taking import drain, take

EAN = b"4006381333931"
SCAN = Scan("4006381333931", EAN)
ENDS = {"CR": Suffix.CR, "LF": Suffix.LF, "CR LF": Suffix.CRLF, "Tab": Suffix.TAB}


def refused(readings: list[Reading]) -> list[str]:
    assert all(isinstance(one, Refused) for one in readings), readings
    return [one.name for one in readings if isinstance(one, Refused)]


@pytest.mark.parametrize("suffix", ENDS.values(), ids=ENDS)
def test_a_code_ends_at_its_suffix(suffix: Suffix) -> None:
    codec = SerialScannerCodec(suffix)
    assert take(codec, EAN) == []
    assert take(codec, suffix.value) == [SCAN]
    assert take(codec, (EAN + suffix.value) * 3) == [SCAN] * 3


@pytest.mark.parametrize("suffix", ENDS.values(), ids=ENDS)
def test_an_empty_line_says_nothing(suffix: Suffix) -> None:
    assert take(SerialScannerCodec(suffix), suffix.value * 3 + EAN + suffix.value) == [SCAN]


@pytest.mark.parametrize("suffix", ENDS.values(), ids=ENDS)
def test_a_gap_anywhere_inside_a_scan_does_not_split_it(suffix: Suffix) -> None:
    line = EAN + suffix.value
    for cut in range(len(line)):
        assert take(SerialScannerCodec(suffix), line[:cut], None, None, line[cut:]) == [SCAN], cut


@pytest.mark.parametrize(
    ("aim", "text"),
    [
        ("]E0", "4006381333931"),
        ("]E4", "96385074"),
        ("]C1", "01040063813339311724123110ABC"),
        ("]e0", "0104006381333931"),
        ("]d2", "010400638133393121S1\x1d10B"),
        ("]Q3", "0104006381333931\x1d392012"),
        ("]Q0", "hello"),
        ("]A0", "SHELF-7"),
        ("]I0", "14006381333938"),
        ("]Q1", "https://id.gs1.org/01/04006381333931"),
    ],
)
def test_the_aim_prefix_is_told_from_the_code(aim: str, text: str) -> None:
    line = (aim + text).encode()
    assert take(SerialScannerCodec(), line + b"\r") == [Scan(text, line, aim)]


def test_a_code_that_starts_with_a_bracket_but_no_aim_prefix_is_left_alone() -> None:
    assert take(SerialScannerCodec(), b"]-9\r") == [Scan("]-9", b"]-9")]
    assert take(SerialScannerCodec(aim=False), b"]E0123\r") == [Scan("]E0123", b"]E0123")]


def test_a_fixed_prefix_comes_off_before_the_aim_prefix() -> None:
    codec = SerialScannerCodec(prefix=b"\x7e1")
    assert take(codec, b"\x7e1]E0" + EAN + b"\r") == [Scan("4006381333931", b"\x7e1]E0" + EAN, "]E0")]


def test_a_line_without_the_fixed_prefix_is_refused_and_the_next_one_is_read() -> None:
    codec = SerialScannerCodec(prefix=b"%")
    assert take(codec, EAN + b"\r%" + EAN + b"\r") == [
        Refused("missing-prefix", "does not start with b'%'", EAN),
        Scan("4006381333931", b"%" + EAN),
    ]


@pytest.mark.parametrize("line", [b"%", b"%]E0"])
def test_prefixes_with_nothing_after_them_are_no_code(line: bytes) -> None:
    assert refused(take(SerialScannerCodec(prefix=b"%"), line + b"\r")) == ["empty-code"]


@pytest.mark.parametrize("control", [b"\x00", b"\x02", b"\x04", b"\x1b", b"\x1e", b"\x7f", b"\xc2\x85"])
def test_a_control_character_other_than_gs_refuses_the_line(control: bytes) -> None:
    assert refused(take(SerialScannerCodec(), b"40063" + control + b"81333931\r")) == ["control-character"]


def test_bytes_that_are_no_text_in_the_scanners_encoding_refuse_the_line() -> None:
    assert refused(take(SerialScannerCodec(), b"caf\xe9\r")) == ["not-text"]
    assert take(SerialScannerCodec(encoding="latin-1"), b"caf\xe9\r") == [Scan("café", b"caf\xe9")]
    assert take(SerialScannerCodec(), "café\r".encode()) == [Scan("café", "café".encode())]


def test_the_longest_line_is_read_and_one_byte_more_is_not() -> None:
    longest = b"7" * MAX_LINE_BYTES
    assert take(SerialScannerCodec(), longest + b"\r") == [Scan(longest.decode(), longest)]
    assert refused(take(SerialScannerCodec(), longest + b"7\r")) == ["too-long"]


def test_a_megabyte_line_is_one_refusal_with_a_sample_and_the_next_scan_is_good() -> None:
    codec = SerialScannerCodec()
    readings = []
    for _ in range(1000):
        codec.feed(b"x" * 1000)
        readings += drain(codec)
    readings += take(codec, b"\r" + EAN + b"\r")
    assert readings == [Refused("too-long", "1000000 bytes, at most 4096", b"x" * 64), SCAN]


@pytest.mark.parametrize(
    ("set_to", "sends"),
    [
        (Suffix.CR, b"\n"), (Suffix.CR, b"\t"), (Suffix.LF, b"\t"), (Suffix.CRLF, b"\n"),
        (Suffix.CRLF, b"\t"), (Suffix.TAB, b"\r"), (Suffix.TAB, b"\n"), (Suffix.TAB, b"\r\n"),
    ],
)  # fmt: skip
def test_a_scanner_set_to_another_suffix_is_named_at_the_first_pause(set_to: Suffix, sends: bytes) -> None:
    codec = SerialScannerCodec(set_to)
    assert refused(take(codec, EAN + sends, None)) == ["wrong-suffix"]
    assert take(codec, EAN + set_to.value) == [SCAN]


@pytest.mark.parametrize("set_to", [Suffix.LF, Suffix.CRLF])
def test_cr_alone_is_named_at_the_second_scan_since_its_lf_might_have_been_late(set_to: Suffix) -> None:
    codec = SerialScannerCodec(set_to)
    assert take(codec, EAN + b"\r", None) == []
    assert refused(take(codec, EAN + b"\r", None)) == ["wrong-suffix"]


@pytest.mark.parametrize("set_to", [Suffix.CR, Suffix.LF])
def test_half_a_line_end_too_much_is_forgiven(set_to: Suffix) -> None:
    assert take(SerialScannerCodec(set_to), (EAN + b"\r\n") * 2, None, EAN + b"\r\n") == [SCAN] * 3


def test_without_ack_nothing_is_ever_sent() -> None:
    codec = SerialScannerCodec()
    take(codec, EAN + b"\r\x00\r")
    codec.acknowledge(True)
    assert codec.to_send() == b""


def test_each_scan_is_answered_once_when_the_station_has_decided() -> None:
    codec = SerialScannerCodec(ack=True)
    take(codec, EAN + b"\r")
    assert codec.to_send() == b""
    codec.acknowledge(True)
    codec.acknowledge(True)
    assert codec.to_send() == ACK
    assert codec.to_send() == b""
    take(codec, EAN + b"\r")
    codec.acknowledge(False)
    assert codec.to_send() == NAK


def test_what_the_codec_refuses_it_answers_itself_but_never_out_of_turn() -> None:
    codec = SerialScannerCodec(ack=True)
    take(codec, b"\x00\r")
    assert codec.to_send() == NAK
    take(codec, EAN + b"\r\x00\r" + EAN + b"\r")
    assert codec.to_send() == b""
    codec.acknowledge(True)
    assert codec.to_send() == ACK + NAK
    codec.acknowledge(False)
    assert codec.to_send() == NAK


def test_a_refused_code_that_the_scanner_sends_again_is_ended_and_not_given_twice() -> None:
    codec = SerialScannerCodec(ack=True)
    for _ in range(3):
        assert take(codec, EAN + b"\r") == [SCAN]
        codec.acknowledge(False)
        assert codec.to_send() == NAK
        assert take(codec, EAN + b"\r") == []
        assert codec.to_send() == ACK
    assert take(codec, EAN + b"\r") == [SCAN]


def test_a_refused_code_that_comes_again_after_a_silence_was_scanned_again() -> None:
    """Some scanners do not send again what got a NAK; nothing that a person scans is passed over."""
    codec = SerialScannerCodec(ack=True)
    assert take(codec, EAN + b"\r") == [SCAN]
    codec.acknowledge(False)
    assert take(codec, None, EAN + b"\r") == [SCAN]


@pytest.mark.parametrize("suffix", [Suffix.CR, Suffix.LF, Suffix.CRLF])
def test_a_line_that_noise_spoilt_comes_right_when_it_is_sent_again(suffix: Suffix) -> None:
    codec = SerialScannerCodec(suffix, ack=True)
    assert refused(take(codec, b"40063\x0081333931\r\n")) == ["control-character"]
    assert codec.to_send() == NAK
    assert take(codec, EAN + b"\r\n") == [SCAN]
    codec.acknowledge(False)
    assert codec.to_send() == NAK
    assert take(codec, EAN + b"\r\n") == []
    assert codec.to_send() == ACK


def test_a_code_that_can_never_be_read_is_asked_for_once_and_then_ended() -> None:
    codec = SerialScannerCodec(ack=True)
    assert refused(take(codec, b"40063\x0081\r", b"40063\x0081\r")) == ["control-character"]
    assert codec.to_send() == NAK + ACK


def test_a_scanner_set_to_another_suffix_is_not_asked_again_and_again() -> None:
    codec = SerialScannerCodec(Suffix.TAB, ack=True)
    assert refused(take(codec, EAN + b"\r", None)) == ["wrong-suffix"]
    assert codec.to_send() == ACK


def test_another_code_after_a_refused_one_is_given() -> None:
    codec = SerialScannerCodec(ack=True)
    assert take(codec, EAN + b"\r") == [SCAN]
    codec.acknowledge(False)
    assert take(codec, b"96385074\r" + EAN + b"\r") == [Scan("96385074", b"96385074"), SCAN]
