"""Reads told as JSON by Impinj and Zebra readers."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.codecs.reader_json import MAX_LINE_BYTES, ReaderJsonCodec
from edge.codecs.readings import SAMPLE_BYTES, AntennaState, Reading, Refused, TagRead
from shelfwire.simulators.rfid_json import (
    TIME_US,
    impinj,
    impinj_antenna,
    impinj_status,
    zebra_fx,
    zebra_rfd,
)
from tests.unit.edge_codecs.taking import take

EPC = bytes.fromhex("3034257bf7194e4000001a85")


def told(content: Any) -> list[Reading]:
    return take(ReaderJsonCodec(), json.dumps(content).encode() + b"\n")


def read_of(line: bytes) -> TagRead:
    (read,) = take(ReaderJsonCodec(), line)
    assert isinstance(read, TagRead), read
    return read


def names(readings: list[Reading]) -> list[str]:
    return [one.name if isinstance(one, Refused) else type(one).__name__ for one in readings]


def test_impinj_tells_hundredths_of_dbm_and_when_it_last_saw_the_tag() -> None:
    line = impinj(EPC, 2, -5325)
    assert read_of(line) == TagRead(EPC, 2, -5325, TIME_US, 1, None, line[:SAMPLE_BYTES])


@given(epc=st.binary(min_size=1, max_size=62))
def test_an_epc_in_base64_is_the_same_as_in_hexadecimal(epc: bytes) -> None:
    assert read_of(impinj(epc, as_base64=True)).epc == read_of(impinj(epc)).epc == epc
    bare = base64.urlsafe_b64encode(epc).rstrip(b"=").decode()
    (read,) = told({"tagInventoryEvent": {"epc": bare, "antennaPort": 1}})
    assert isinstance(read, TagRead)
    assert read.epc == epc


def test_zebra_fx_tells_whole_dbm_and_how_often() -> None:
    read = read_of(zebra_fx(EPC, 3, -45, 7))
    assert (read.epc, read.antenna, read.rssi_cdbm, read.reads) == (EPC, 3, -4500, 7)
    assert read.seen_us == TIME_US - TIME_US % 1000


def test_an_rfd_has_one_antenna_and_tells_several_tags_at_once() -> None:
    readings = take(ReaderJsonCodec(), zebra_rfd(EPC, EPC[::-1], seen=14))
    assert [(one.epc, one.antenna, one.reads) for one in readings if isinstance(one, TagRead)] == [
        (EPC, 1, 14),
        (EPC[::-1], 1, 14),
    ]


def test_a_fixed_reader_that_does_not_tell_its_antenna_is_not_taken_for_antenna_1() -> None:
    assert names(take(ReaderJsonCodec(), zebra_fx(EPC, None))) == ["no-antenna"]


def test_antennas_that_come_and_go_are_told() -> None:
    assert take(ReaderJsonCodec(), impinj_antenna(2, False), impinj_antenna(2, True)) == [
        AntennaState(2, False, TIME_US),
        AntennaState(2, True, TIME_US),
    ]


def test_lists_of_events_and_empty_lines_and_other_events() -> None:
    codec = ReaderJsonCodec()
    events = b"[" + impinj(EPC).strip() + b"," + impinj_status().strip() + b"," + impinj(EPC, 2).strip() + b"]\r\n"
    assert names(take(codec, b"\n\r\n", impinj_status(), events, b"[]\n", b"{}\n")) == ["TagRead"] * 2


@pytest.mark.parametrize(
    ("text", "at_us"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2021-07-09T23:35:59.278427551Z", TIME_US),
        ("2021-07-10T01:35:59.278427+02:00", TIME_US),
        ("2021-07-09T16:05:59.278427-0730", TIME_US),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000_000),
        ("1969-12-31T23:59:59.5Z", -500_000),
        ("2021-07-09T23:35:59", None),
        ("2021-02-30T00:00:00Z", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times_are_utc_microseconds_or_none_at_all(text: str, at_us: int | None) -> None:
    (read,) = told({"timestamp": text, "data": {"idHex": "e280", "antenna": 1}})
    assert isinstance(read, TagRead)
    assert read.seen_us == at_us


@pytest.mark.parametrize(
    "data",
    [
        {"idHex": "", "antenna": 1},
        {"idHex": "e2801", "antenna": 1},
        {"idHex": "xyzw", "antenna": 1},
        {"idHex": "e2" * 63, "antenna": 1},
    ],
)
def test_an_epc_that_is_none_is_refused(data: dict[str, object]) -> None:
    assert names(told({"data": data})) == ["no-epc"]


@pytest.mark.parametrize(
    "data",
    [
        {"idHex": "e280", "antenna": 0},
        {"idHex": "e280", "antenna": 1, "peakRssi": 1e9},
        {"idHex": "e280", "antenna": 1, "reads": -1},
        {"idHex": 7, "antenna": [1]},
        [],
    ],
)
def test_a_value_that_cannot_be_refuses_the_event(data: object) -> None:
    assert names(told({"data": data})) == ["not-an-event"]


def test_no_json_is_refused_and_the_next_line_is_read() -> None:
    assert names(take(ReaderJsonCodec(), b"{\n\xff\n<html>\n", impinj(EPC))) == ["not-json"] * 3 + ["TagRead"]


def test_a_line_without_end_is_refused_once_and_the_next_one_is_read() -> None:
    endless = b"x" * (3 * MAX_LINE_BYTES)
    assert names(take(ReaderJsonCodec(), endless, endless, b"\n", impinj(EPC))) == ["too-long", "TagRead"]


def test_depth_beyond_reason_is_refused() -> None:
    deep = b'{"x":' + b"[" * 40_000 + b"\n"
    assert names(take(ReaderJsonCodec(), deep, impinj(EPC))) == ["not-json", "TagRead"]
