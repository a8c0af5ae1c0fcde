"""Reports in a stream of bytes, and what a report descriptor says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.codecs.hid_reports import MAX_REPORT_BYTES, ReportStream, framed, usages
from shelfwire.simulators.hid import KEYBOARD_DESCRIPTOR, SCALE_DESCRIPTOR, SCANNER_DESCRIPTOR


@given(st.lists(st.binary(max_size=70), max_size=10), st.integers(1, 7))
def test_reports_come_out_as_they_went_in_however_they_are_cut(reports: list[bytes], size: int) -> None:
    stream, data = ReportStream(), b"".join(map(framed, reports))
    taken = [report for at in range(0, len(data), size) for report in stream.feed(data[at : at + size])]
    assert taken == reports
    assert stream.reset() == b""


def test_a_report_that_cannot_be_is_cut_and_the_next_is_whole() -> None:
    stream = ReportStream()
    assert list(stream.feed(framed(b"x" * 5000) + framed(b"good"))) == [b"x" * MAX_REPORT_BYTES, b"good"]


def test_after_a_reset_the_next_byte_begins_a_report() -> None:
    stream = ReportStream()
    assert list(stream.feed(framed(b"whole")[:4])) == []
    assert stream.reset() == b"wh"
    assert list(stream.feed(framed(b"next"))) == [b"next"]


def test_a_descriptor_tells_what_the_device_is() -> None:
    assert usages(SCANNER_DESCRIPTOR) == ((0x8C, 0x02),)
    assert usages(SCALE_DESCRIPTOR) == ((0x8D, 0x20),)
    assert usages(KEYBOARD_DESCRIPTOR + SCANNER_DESCRIPTOR) == ((0x01, 0x06), (0x8C, 0x02))


def test_a_collection_inside_another_is_not_the_device() -> None:
    inner = bytes.fromhex("05 8C 09 02 A1 01 09 03 A1 02 C0 C0")
    assert usages(inner) == ((0x8C, 0x02),)


def test_a_usage_of_four_bytes_has_its_own_page_and_a_long_item_is_passed_over() -> None:
    assert usages(bytes.fromhex("FE 02 10 AA BB 0B 02 00 8C 00 A1 01 C0")) == ((0x8C, 0x02),)


@given(st.binary(max_size=100))
def test_no_descriptor_makes_it_raise(descriptor: bytes) -> None:
    usages(descriptor)
