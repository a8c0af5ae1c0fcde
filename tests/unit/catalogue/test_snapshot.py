"""A catalogue told whole: nothing missing, no part too big, and only when it is the shorter telling."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.catalogue.snapshot import snapshot_above, snapshot_parts
from protocol.chain import Chapter
from protocol.frames import decode_writer_message, encode_writer_message
from protocol.identity import Epoch

AT = Chapter(Epoch(1, 7)).origin()


@given(
    st.lists(st.binary(min_size=1, max_size=30).filter(lambda line: b"\n" not in line), max_size=40), st.integers(1, 99)
)
def test_the_parts_hold_every_line_once_in_order_and_in_bounds(lines: list[bytes], max_bytes: int) -> None:
    parts = snapshot_parts(AT, 9, lines, max_bytes)
    assert [line for part in parts for line in part.lines] == lines
    assert [part.part for part in parts] == list(range(1, len(parts) + 1))
    assert {(part.parts, part.snapshot, part.position) for part in parts} == {(len(parts), 9, AT)}
    assert all(len(part.lines) == 1 or sum(map(len, part.lines)) <= max_bytes for part in parts if part.lines)


def test_an_empty_catalogue_is_told_in_one_part() -> None:
    (part,) = snapshot_parts(AT, 9, [])
    assert (part.part, part.parts, part.lines) == (1, 1, ())


def test_parts_pass_the_wire_unchanged() -> None:
    for part in snapshot_parts(AT, 9, [b'["i","%d","Item"]' % n for n in range(500)], 1000):
        assert decode_writer_message(encode_writer_message(part)) == part


def test_the_whole_is_told_when_that_is_quicker_than_the_changes() -> None:
    assert snapshot_above(300_000) == 75_000
    assert snapshot_above(3) == 1000  # what fits into one frame is told as it is
