"""What one TagReportData says: in the order that readers use, in any other, and broken."""

from __future__ import annotations

import struct

import pytest

from edge.codecs.llrp_tags import read_tag
from edge.codecs.readings import SAMPLE_BYTES, Refused, TagRead
from shelfwire.simulators.llrp_speech import tag, tlv

EPC = bytes.fromhex("3034257bf7194e4000001a85")
ANTENNA = struct.pack(">BH", 0x81, 3)
EPC_96 = b"\x8d" + EPC


def read(data: bytes) -> TagRead | Refused:
    return read_tag(data, 0, len(data))


def report(*parameters: bytes) -> bytes:
    return tlv(240, b"".join(parameters))


def refused(data: bytes) -> str:
    found = read(data)
    assert isinstance(found, Refused)
    return found.name


def test_the_usual_five_parameters_are_read() -> None:
    data = tag(EPC, 3, -61, 1_700_000_000_000_000, 4)
    assert read(data) == TagRead(EPC, 3, -6100, 1_700_000_000_000_000, 4, None, data)


def test_the_same_five_in_another_order_say_the_same() -> None:
    usual = tag(EPC, 3, -61, 17, 4)
    signal, seen, count = struct.pack(">Bb", 0x86, -61), struct.pack(">BQ", 0x84, 17), struct.pack(">BH", 0x88, 4)
    other = report(count, seen, signal, ANTENNA, EPC_96)
    assert len(other) == len(usual)
    one, same = read(usual), read(other)
    assert isinstance(one, TagRead)
    assert isinstance(same, TagRead)
    assert (one.epc, one.antenna, one.rssi_cdbm, one.seen_us, one.reads) == (
        *(same.epc, same.antenna, same.rssi_cdbm),
        *(same.seen_us, same.reads),
    )


def test_what_is_not_told_is_unknown_and_a_read_is_one_read_at_least() -> None:
    found = read(report(EPC_96, ANTENNA, struct.pack(">BH", 0x88, 0)))
    assert isinstance(found, TagRead)
    assert (found.rssi_cdbm, found.seen_us, found.reads) == (None, None, 1)


@pytest.mark.parametrize(("bits", "length"), [(0, 0), (8, 1), (12, 2), (128, 16), (496, 62)])
def test_an_epc_of_any_length_is_as_many_bytes_as_its_bits_need(bits: int, length: int) -> None:
    epc = bytes(range(1, length + 1))
    data = report(tlv(241, struct.pack(">H", bits) + epc), ANTENNA)
    found = read(data)
    assert found.epc == epc if isinstance(found, TagRead) else (found.name, bits) == ("no-epc", 0)


def test_a_vendors_own_parameter_is_passed_over() -> None:
    found = read(report(EPC_96, tlv(1023, b"\x00\x00\x65\x1a" + bytes(12)), ANTENNA))
    assert isinstance(found, TagRead)
    assert found.antenna == 3


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (report(ANTENNA), "no-epc"),
        (report(EPC_96), "no-antenna"),
        (report(EPC_96, struct.pack(">BH", 0x81, 0)), "no-antenna"),
        (report(ANTENNA, EPC_96[:-1]), "malformed"),
        (report(ANTENNA, b"\xff"), "malformed"),
        (report(ANTENNA, b"\x00\xf1\x00"), "malformed"),
        (report(ANTENNA, struct.pack(">HH", 1023, 3)), "malformed"),
        (report(ANTENNA, struct.pack(">HH", 1023, 40)), "malformed"),
        (report(ANTENNA, tlv(241, struct.pack(">H", 96) + EPC[:-1])), "malformed"),
        (report(ANTENNA, tlv(241, b"\x60")), "malformed"),
    ],
)
def test_what_lacks_something_or_overruns_itself_is_refused_by_name(data: bytes, name: str) -> None:
    assert refused(data) == name


def test_only_the_part_that_was_named_is_read_and_a_sample_of_it_is_kept() -> None:
    before, data, after = tag(EPC, 1), tag(EPC, 3, extra=tlv(1023, bytes(200))), tag(EPC, 2)
    whole = before + data + after
    found = read_tag(whole, len(before), len(before) + len(data))
    assert isinstance(found, TagRead)
    assert found.antenna == 3
    assert found.raw == data[:SAMPLE_BYTES]
