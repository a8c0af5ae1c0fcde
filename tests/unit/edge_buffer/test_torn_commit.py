"""A commit torn by a power cut is not damage: nobody was answered. One that was synced and is not whole any more is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge.buffer.mending import opened
from edge.buffer.salvage import SetAside, find_damage
from edge.buffer.sqlite_log import SqliteLog
from edge.buffer.synced import synced_path
from edge.buffer.wal import FRAME_HEADER_BYTES, HEADER_BYTES, inspect

FRAME_BYTES = FRAME_HEADER_BYTES + 4096
LINES = [b"%06d " % n + b"x" * 190 for n in range(100)]


@pytest.fixture
async def log(tmp_path: Path) -> Path:
    """A log as a killed process left it, with some commits, and beside it in `before` as it was before the last."""
    path = tmp_path / "card" / "stock.db"
    async with SqliteLog(path, clock=lambda: 1, nonce=lambda: 2) as log:
        for _ in range(3):
            await log.append(LINES)
        shutil.copytree(path.parent, tmp_path / "before")
        await log.append(LINES)
        shutil.copytree(path.parent, tmp_path / "frozen")
    shutil.rmtree(path.parent)
    (tmp_path / "frozen").rename(path.parent)
    return path


def wal_of(log: Path) -> Path:
    return log.with_name(f"{log.name}-wal")


def before(log: Path) -> Path:
    return log.parents[1] / "before" / log.name


def tear(log: Path) -> None:
    """Have a block within the last commit as it was before, which for a file that grew is zeros."""
    data = bytearray(wal_of(log).read_bytes())
    at = data.index(LINES[50], wal_of(before(log)).stat().st_size)
    block = at - (at - HEADER_BYTES - FRAME_HEADER_BYTES) % FRAME_BYTES % 512
    data[block : block + 512] = bytes(512)
    wal_of(log).write_bytes(data)


def test_what_was_not_damaged_is_not_taken_for_it(log: Path) -> None:
    assert find_damage(log) is None


def test_a_commit_torn_before_its_sync_is_no_damage(log: Path) -> None:
    tear(log)
    shutil.copy(synced_path(before(log)), synced_path(log))
    assert find_damage(log) is None


def test_nor_is_it_where_no_note_was_left(log: Path) -> None:
    tear(log)
    synced_path(log).unlink()
    assert find_damage(log) is None


def test_the_same_after_its_sync_is(log: Path) -> None:
    tear(log)
    assert find_damage(log) is not None


def test_so_is_what_another_commit_follows_whatever_is_noted(log: Path) -> None:
    data = bytearray(wal_of(log).read_bytes())
    data[HEADER_BYTES + FRAME_BYTES + 1000] ^= 1
    wal_of(log).write_bytes(data)
    synced_path(log).unlink()
    assert find_damage(log) is not None


def test_a_write_ahead_log_that_ends_before_what_was_synced_is_damaged(log: Path) -> None:
    shutil.copy(wal_of(before(log)), wal_of(log))
    assert find_damage(log) is not None


@pytest.mark.parametrize("note", [b"", b"short", bytes(16), bytes(15) + b"x"])
def test_a_note_that_is_not_whole_says_nothing(log: Path, note: bytes) -> None:
    shutil.copy(wal_of(before(log)), wal_of(log))
    synced_path(log).write_bytes(note)
    assert find_damage(log) is None


def test_a_note_of_a_write_ahead_log_before_this_one_says_nothing(log: Path) -> None:
    shutil.copy(wal_of(before(log)), wal_of(log))
    note = synced_path(log).read_bytes()
    synced_path(log).write_bytes(bytes([note[0] ^ 1]) + note[1:])
    assert find_damage(log) is None


@pytest.mark.parametrize("first_frame", ["whole", "not written"])
async def test_a_short_commit_torn_where_a_longer_one_had_been_is_no_damage(
    log: Path, tmp_path: Path, first_frame: str
) -> None:
    """Power goes twice: behind what the second cut left there must not be what the first one left."""
    tear(log)
    if first_frame == "not written":
        with wal_of(log).open("r+b") as file:
            file.seek(HEADER_BYTES + inspect(wal_of(log), 0).frames * FRAME_BYTES)
            file.write(bytes(FRAME_HEADER_BYTES))
    shutil.copy(synced_path(before(log)), synced_path(log))

    def set_aside(done: SetAside) -> None:
        raise AssertionError(f"taken for damaged: {done}")

    def make() -> SqliteLog:
        return SqliteLog(log, clock=lambda: 1, nonce=lambda: 2)

    async with opened(log, make, lambda: 2, lambda: 1, set_aside) as again:
        shutil.copytree(log.parent, tmp_path / "opened")
        await again.append([b"short"])
        shutil.copytree(log.parent, tmp_path / "frozen")
    left = tmp_path / "frozen" / log.name
    data = bytearray(wal_of(left).read_bytes())
    at = data.rindex(b"short")
    data[at : at + 5] = bytes(5)
    wal_of(left).write_bytes(data)
    shutil.copy(synced_path(tmp_path / "opened" / log.name), synced_path(left))
    assert find_damage(left) is None


async def test_what_is_left_of_a_torn_commit_goes_on(log: Path) -> None:
    tear(log)
    shutil.copy(synced_path(before(log)), synced_path(log))
    async with SqliteLog(log, clock=lambda: 1, nonce=lambda: 2) as again:
        assert again.view.depth == 3 * len(LINES)
        await again.append(LINES)
    assert find_damage(log) is None
