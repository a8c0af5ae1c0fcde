"""HID-POS reports: codes of many reports, lost ones, and identifiers one byte off."""

from __future__ import annotations

import pytest

from edge.codecs.hid_reports import framed
from edge.codecs.hidpos import MAX_CODE_BYTES, HidPosCodec
from edge.codecs.readings import Reading, Refused, Scan
from shelfwire.simulators.hid import scan_reports
from tests.unit.edge_codecs.taking import take

LONG = "https://id.gs1.org/01/04006381333931/10/" + "A" * 300


def stream(code: str, aim: str, *, shifted: bool = False) -> list[bytes]:
    return [framed(report) for report in scan_reports(code.encode(), aim.encode(), shifted=shifted)]


def names(readings: list[Reading]) -> list[str]:
    return [one.name if isinstance(one, Refused) else "scan" for one in readings]


def test_the_drawn_report_is_an_ean() -> None:
    report = bytes.fromhex("02 0D 5D 45 30 34 30 30 36 33 38 31 33 33 33 39 33 31") + bytes(43) + b"\x64\0\0"
    assert take(HidPosCodec(), framed(report)) == [Scan("4006381333931", b"]E04006381333931", "]E0")]


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("length", [1, 54, 55, 56, 57, 112, 113, 340])
def test_a_code_of_many_reports_is_one_scan(length: int, shifted: bool) -> None:
    code = ("0123456789" * 40)[:length]
    assert take(HidPosCodec(), *stream(code, "]Q3", shifted=shifted)) == [Scan(code, b"]Q3" + code.encode(), "]Q3")]


def test_a_silence_between_codes_says_nothing() -> None:
    codec = HidPosCodec()
    assert names(take(codec, *stream("96385074", "]E4"), None, *stream("4006381333931", "]E0"), None)) == ["scan"] * 2


def test_a_code_whose_last_report_is_lost_never_runs_into_the_next() -> None:
    lost = stream(LONG, "]Q1")[:-1]
    after_another, after_silence = HidPosCodec(), HidPosCodec()
    assert names(take(after_another, *lost, *stream("4006381333931", "]E0"))) == ["cut-short", "scan"]
    assert names(take(after_silence, *lost, None, *stream(LONG, "]Q1"))) == ["cut-short", "scan"]


def test_a_damaged_report_ends_the_code_it_came_in() -> None:
    reports = stream(LONG, "]Q1")
    damaged = [reports[0], framed(b"\x02\xff" + bytes(62)), *stream("4006381333931", "]E0")]
    assert names(take(HidPosCodec(), *damaged)) == ["cut-short", "malformed", "scan"]


def test_a_scanner_that_sends_no_identifier_has_none() -> None:
    for aim in ("\0\0\0", "   "):
        assert take(HidPosCodec(), *stream("4006381333931", aim)) == [Scan("4006381333931", b"4006381333931", None)]


def test_what_is_neither_identifier_nor_room_for_one_is_refused() -> None:
    assert names(take(HidPosCodec(), *stream("4006381333931", "123"))) == ["malformed"]


def test_the_scanners_own_line_end_is_no_part_of_the_code() -> None:
    assert take(HidPosCodec(), *stream("96385074\r\n", "]E4")) == [Scan("96385074", b"]E496385074", "]E4")]


def test_a_code_with_a_hole_in_it_is_refused() -> None:
    assert names(take(HidPosCodec(), *stream("4006\x00381", "]A0"))) == ["control-character"]
    assert names(take(HidPosCodec(), *stream("", "]A0"))) == ["empty-code"]
    assert names(take(HidPosCodec(), framed(scan_reports(b"\xff\xfe", b"]A0")[0]))) == ["not-text"]
    assert names(take(HidPosCodec(encoding="latin-1"), framed(scan_reports(b"\xe9", b"]A0")[0]))) == ["scan"]


def test_a_code_without_end_is_refused_once_and_the_next_is_good() -> None:
    codec = HidPosCodec()
    endless = stream("x" * 3 * MAX_CODE_BYTES, "]Q0")
    assert names(take(codec, *endless, *stream("4006381333931", "]E0"))) == ["too-long", "scan"]


def test_reports_of_other_numbers_are_not_about_codes() -> None:
    assert take(HidPosCodec(), framed(b"\xfd" + bytes(63)), framed(b""), None) == []
