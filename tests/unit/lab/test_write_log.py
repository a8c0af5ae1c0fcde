"""What a power cut leaves: all that was flushed, any of the rest, and nothing that was never written."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from tests.lab.write_log import (
    DISCARD,
    FLUSH,
    FUA,
    MAGIC,
    SECTOR,
    NoWriteLog,
    Replay,
    Write,
    entries_logged,
    flushed_before,
    left_of,
    read_log,
)


def logged(*entries: tuple[int, bytes, int]) -> bytes:
    """Make a log of (sector, data, flags); of a discard, the data says only how much."""
    out = struct.pack("<QQQI", MAGIC, 1, len(entries), SECTOR).ljust(SECTOR, b"\0")
    for sector, data, flags in entries:
        out += struct.pack("<QQQQ", sector, len(data) // SECTOR, flags, 0).ljust(SECTOR, b"\0")
        out += b"" if flags & DISCARD else data
    return out


def sectors(letter: str, count: int = 1) -> bytes:
    return letter.encode() * SECTOR * count


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.write_bytes(
        logged(
            (0, sectors("a", 2), 0),
            (0, b"", FLUSH),
            (1, sectors("b"), 0),
            (2, sectors("c", 2), 0),
            (5, sectors("d"), FUA),
            (0, b"", FLUSH),
            (3, sectors("e"), DISCARD),
        )
    )
    return path


def test_what_was_written_in_order(log: Path) -> None:
    writes = read_log(log)
    assert entries_logged(log) == 7
    assert [(each.sector, each.sectors, each.flags) for each in writes] == [
        (0, 2, 0), (0, 0, FLUSH), (1, 1, 0), (2, 2, 0), (5, 1, FUA), (0, 0, FLUSH), (3, 1, DISCARD),
    ]  # fmt: skip


def test_forward_and_whole(log: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(6 * SECTOR))
    replay = Replay(log, disk)
    replay.forward(1)
    assert disk.read_bytes() == sectors("a", 2) + bytes(4 * SECTOR)
    replay.forward(7)
    assert disk.read_bytes() == sectors("a") + sectors("b") + sectors("c") + bytes(2 * SECTOR) + sectors("d")


def test_what_a_flush_covers(log: Path) -> None:
    writes = read_log(log)
    assert [flushed_before(writes, cut) for cut in range(8)] == [0, 0, 2, 2, 2, 2, 6, 6]


def test_what_is_left_is_legal(log: Path) -> None:
    writes = read_log(log)
    seen: set[tuple[tuple[int, int], ...]] = set()
    for seed in range(400):
        left = list(left_of(writes, 5, random.Random(seed)))
        assert all(write in writes[2:5] and 1 <= count <= write.sectors for write, count in left)
        assert writes[4] in [write for write, _ in left], "what was forced through is there"
        seen.add(tuple((write.sector, count) for write, count in left))
    # None, either or both of the two that nothing forced, and one of them torn.
    assert {((5, 1),), ((1, 1), (5, 1)), ((2, 2), (5, 1)), ((1, 1), (2, 2), (5, 1)), ((2, 1), (5, 1))} <= seen


def test_a_state_is_laid_onto_a_copy(log: Path, tmp_path: Path) -> None:
    disk, copy = tmp_path / "disk", tmp_path / "copy"
    disk.write_bytes(bytes(6 * SECTOR))
    replay = Replay(log, disk)
    replay.forward(2)
    copy.write_bytes(disk.read_bytes())
    replay.lay(copy, [(Write(2, 2, 0, replay.writes[3].at), 1)])
    assert copy.read_bytes() == sectors("a", 2) + sectors("c") + bytes(3 * SECTOR)


@pytest.mark.parametrize("broken", [b"", bytes(SECTOR), logged((0, sectors("a"), 0))[: SECTOR + 8]])
def test_no_log(tmp_path: Path, broken: bytes) -> None:
    (tmp_path / "log").write_bytes(broken)
    with pytest.raises(NoWriteLog):
        read_log(tmp_path / "log")
