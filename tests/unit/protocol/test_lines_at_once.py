"""Lines of a station log read at once: as line by line, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.errors import BadInput
from protocol.events import (
    Anchor,
    Delta,
    Mark,
    Reason,
    StationEntry,
    When,
    decode_station_entry,
    decode_station_lines,
    encode_entry,
)

WHEN = When("boot-1", 5, 7, True)
SALE = encode_entry(Delta(WHEN, "scanner", "4000000000013", "]E0", -1000, Reason.SALE, "shop"))
MARK = encode_entry(Mark(WHEN))
ANCHOR = encode_entry(Anchor("boot-1", 1, 2, 3))
PIECES = [
    SALE,
    MARK,
    ANCHOR,
    MARK[:7],
    MARK[7:],
    b'["m",["b",1,2,true]',
    b',["x"]]',
    b"]",
    b"[",
    b" ",
    b"",
    b"[]",
    b'"',
]


def one_by_one(lines: list[bytes]) -> list[StationEntry] | None:
    try:
        return [decode_station_entry(line) for line in lines]
    except BadInput:
        return None


def test_whole_chunks_are_read_at_once() -> None:
    lines = [SALE, ANCHOR, MARK, SALE]
    assert decode_station_lines(b"\n".join(lines), len(lines)) == one_by_one(lines)


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=3).map(b"".join), min_size=1, max_size=6))
@example([MARK + MARK, MARK[:7], MARK[7:]])
@example([MARK + MARK, b'["m",["b",1,2,true]', b',["x"]]'])
@example([MARK, b"", MARK + MARK])
def test_no_line_is_read_as_two_and_no_two_as_one(lines: list[bytes]) -> None:
    read = decode_station_lines(b"\n".join(lines), len(lines))
    assert read is None or read == one_by_one(lines)


@pytest.mark.parametrize("space", [b" ", b"\t", b"\r"])
def test_lines_with_space_around_them_are_left_to_be_read_one_by_one(space: bytes) -> None:
    assert decode_station_lines(b"\n".join([MARK, space + MARK]), 2) is None
    assert one_by_one([MARK, space + MARK]) is not None
