"""A catalogue told whole: when that is quicker than what changed, and how it is cut into messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from protocol.chain import Position
from protocol.replication.messages import SnapshotPart

PART_BYTES = 256 * 1024
"""The most line bytes in a part, unless a single line is longer; about a sixth of it once compressed."""
FRAME_ENTRIES = 1000


ROWS_FOR_AN_ENTRY = 4
"""A row of a snapshot costs a station less than a quarter of what an entry does, and on the wire about as much."""


def snapshot_above(live_rows: int) -> int:
    """Say how many entries behind a station must be for the whole set to be there sooner.

    What fits into one frame is always told as entries.
    """
    return max(live_rows // ROWS_FOR_AN_ENTRY, FRAME_ENTRIES)


def snapshot_parts(
    position: Position, snapshot: int, lines: Iterable[bytes], max_bytes: int = PART_BYTES
) -> list[SnapshotPart]:
    """Cut the live rows' lines, as they stand at `position`, into parts; `snapshot` is new for each sending.

    There is always one part at least: an empty catalogue is told too.
    """
    cut = list(_cut(lines, max_bytes)) or [()]
    return [SnapshotPart(position, snapshot, number, len(cut), part) for number, part in enumerate(cut, 1)]


def _cut(lines: Iterable[bytes], max_bytes: int) -> Iterator[tuple[bytes, ...]]:
    part: list[bytes] = []
    size = 0
    for line in lines:
        if part and size + len(line) > max_bytes:
            yield tuple(part)
            part, size = [], 0
        part.append(line)
        size += len(line) + 1
    if part:
        yield tuple(part)
