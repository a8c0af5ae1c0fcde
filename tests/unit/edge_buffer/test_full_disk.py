"""A disk that somebody filled: the reserve is used, then what is acknowledged goes, then it refuses, and recovers."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.buffer.api import READ_BYTES, LogLimits
from edge.buffer.errors import LogFailing, LogFull
from edge.buffer.salvage import find_damage
from edge.buffer.sqlite_log import SqliteLog
from edge.buffer.synced import synced_path
from protocol.chain import Position, extend

MIB = 1024 * 1024
RESERVE = 3 * MIB
SCAN = b"x" * 1000
pytestmark = pytest.mark.needs_root


def make(folder: Path, reserve: int = RESERVE) -> SqliteLog:
    limits = LogLimits(reserve_bytes=reserve)
    return SqliteLog(folder / "data" / "stock.db", clock=lambda: 1, nonce=lambda: 2, limits=limits)


@contextmanager
def _mounted(folder: Path, *options: str) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", *options, str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB that is nobody else's."""
    with _mounted(tmp_path / "small", "-t", "tmpfs", "-o", "size=16m", "tmpfs") as folder:
        yield folder


class Hog:
    """Somebody who writes until nothing is left, and whenever something is free again."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "captures"

    def fill(self) -> None:
        with self.path.open("ab", buffering=0) as file:
            for size in (MIB, 4096):
                try:
                    while file.write(b"\0" * size) == size:
                        pass
                except OSError:
                    continue


@pytest.fixture
async def log(small: Path) -> AsyncIterator[SqliteLog]:
    async with make(small) as log:
        await log.append([SCAN])
        # Done behind it: after the first commit the write-ahead log takes its room, before anybody fills the disk.
        await log.prune(None)
        yield log


async def fill(log: SqliteLog, hog: Hog, most: int = 100_000) -> int:
    """Append until it is refused, the hog taking what is free all the while; give how many were stored."""
    for number in range(most):
        try:
            await log.append([SCAN])
        except LogFull:
            return number
        if number % 100 == 0:
            hog.fill()
    raise AssertionError("never full")


async def stored(log: SqliteLog) -> int:
    """Count what can be read, checking the chain."""
    view = log.view
    seq, digest = view.first.seq, view.first.digest
    while part := (await log.read(view.head.epoch, seq + 1, 1024, READ_BYTES)).lines:
        seq, digest = seq + len(part), extend(digest, part)
    assert (seq, digest) == (view.head.seq, view.head.digest)
    return seq - view.first.seq


async def test_the_reserve_takes_scans_though_somebody_takes_all_that_is_free(log: SqliteLog, small: Path) -> None:
    hog = Hog(small)
    hog.fill()
    taken = await fill(log, hog)
    # What it gives is taken before the other can.
    assert taken * len(SCAN) > 0.6 * RESERVE
    stats = log.stats
    assert (stats.reserve_bytes, stats.reserve_missing_bytes) == (0, RESERVE)
    assert stats.refused == 1
    assert await stored(log) == stats.entries == taken + 1


async def test_room_and_the_reserve_come_back_without_a_restart(log: SqliteLog, small: Path) -> None:
    hog = Hog(small)
    hog.fill()
    await fill(log, hog)
    hog.path.unlink()
    head = await log.append([SCAN] * 10)
    await log.prune(None)
    assert log.stats.reserve_missing_bytes == 0
    assert await stored(log) == head.seq


async def test_what_is_acknowledged_goes_before_a_scan_is_refused(log: SqliteLog, small: Path) -> None:
    hog = Hog(small)
    hog.fill()
    taken = await fill(log, hog)
    await log.acked(Position(log.view.head.epoch, taken // 2, b""))
    again = await fill(log, hog)
    assert taken / 3 < again <= taken / 2 + 1024
    assert log.view.first.seq <= taken // 2
    assert await stored(log) == log.stats.entries


async def test_it_closes_and_opens_on_a_full_disk_and_holds_all_it_said_yes_to(log: SqliteLog, small: Path) -> None:
    hog = Hog(small)
    hog.fill()
    for _ in range(20):
        await log.append([SCAN])
    await log.__aexit__(None, None, None)
    hog.fill()
    async with make(small) as again:
        assert await stored(again) == 21
        await again.append([SCAN] * 500)
        taken = await fill(again, hog)
        assert await stored(again) == 521 + taken
    async with make(small) as again:
        assert await stored(again) == 521 + taken


async def test_without_a_reserve_it_refuses_and_goes_on_when_there_is_room(small: Path) -> None:
    hog = Hog(small)
    async with make(small, reserve=0) as log:
        await log.append([SCAN])
        hog.fill()
        taken = await fill(log, hog)
        with pytest.raises(LogFull):
            await log.put_note("a", SCAN * 50)
        hog.path.unlink()
        await log.append([SCAN])
        assert await stored(log) == taken + 2


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An ext4 file system of 32 MiB, in a file."""
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("no mkfs.ext4")
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(32 * MIB)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    return image


def remount_read_only(folder: Path) -> None:
    """Do as ext4 does of itself after an error (ext4(5), errors=remount-ro): writers are not asked."""
    subprocess.run(["mount", "-o", "remount,abort", str(folder)], check=True)


async def test_remounted_read_only_it_says_no_and_what_it_said_yes_to_is_there(tmp_path: Path, image: Path) -> None:
    with _mounted(tmp_path / "mnt", "-o", "loop", str(image)) as folder:
        async with make(folder) as log:
            head = await log.append([SCAN] * 100)
            remount_read_only(folder)
            for _ in range(3):
                with pytest.raises(LogFailing):
                    await log.append([SCAN])
                assert log.view.head == head
            assert await stored(log) == 100
            await log.acked(head)
            assert log.stats.refused == 3
    with _mounted(tmp_path / "again", "-o", "loop", str(image)) as folder:
        async with make(folder) as log:
            assert await stored(log) == 100
            assert (await log.append([SCAN])).seq == 101


async def append_much(log: SqliteLog) -> None:
    for _ in range(1000):
        await log.append([SCAN] * 60)  # so many pages that some of them find room


async def test_what_a_refused_append_left_is_not_taken_for_damage_once_power_fails(small: Path, tmp_path: Path) -> None:
    hog = Hog(small)
    async with make(small, reserve=0) as log:
        await log.append([SCAN])
        hog.fill()
        with pytest.raises(LogFull):
            await append_much(log)
        hog.path.unlink()
        await log.append([b"the first"])
        await log.append([b"the last"])
        shutil.copytree(small / "data", tmp_path / "cut")
    wal_file = tmp_path / "cut" / "stock.db-wal"
    data = bytearray(wal_file.read_bytes())
    at = data.rindex(b"the last")
    data[at : at + 8] = bytes(8)
    wal_file.write_bytes(data)
    synced_path(tmp_path / "cut" / "stock.db").unlink()
    assert find_damage(tmp_path / "cut" / "stock.db") is None
