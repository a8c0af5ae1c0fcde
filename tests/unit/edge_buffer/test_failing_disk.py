"""A disk that fails: exactly what it failed is refused, nothing before is harmed, and it may recover."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import apsw
import pytest

from edge.buffer.api import DAY_US, READ_BYTES, LogLimits
from edge.buffer.errors import LogBusy, LogFailing, LogFull, LogRefused
from edge.buffer.sqlite_log import SqliteLog
from protocol.chain import Chapter, Position, extend
from protocol.identity import Epoch
from shelfwire.simulators.disk import Disk, mounted

DEADLINE_S = 60.0


@pytest.fixture
def disk() -> Iterator[Disk]:
    with mounted() as disk:
        yield disk


def make(path: Path, disk: Disk) -> SqliteLog:
    return SqliteLog(path / "log.db", clock=lambda: 1, nonce=lambda: 2, vfs=disk.name)


@pytest.fixture
async def log(tmp_path: Path, disk: Disk) -> AsyncIterator[SqliteLog]:
    async with make(tmp_path, disk) as log:
        yield log


async def stored(log: SqliteLog) -> list[bytes]:
    found = await log.read(log.view.head.epoch, 1, 1000, READ_BYTES)
    assert extend(found.digest, found.lines) == log.view.head.digest
    return list(found.lines)


async def test_a_failed_sync_refuses_its_appends_and_the_next_ones_succeed(
    tmp_path: Path, log: SqliteLog, disk: Disk
) -> None:
    head = await log.append([b"one", b"two"], {"note": b"1"})
    disk.fails_sync = apsw.IOError
    for _ in range(3):
        with pytest.raises(LogFailing):
            await log.append([b"lost"], {"note": b"2"})
        assert log.view.head == head
        assert log.notes() == {"note": b"1"}
    disk.fails_sync = None
    assert (await log.append([b"three"])).seq == 3
    assert await stored(log) == [b"one", b"two", b"three"]
    assert log.stats.refused == 3
    await log.__aexit__(None, None, None)
    async with make(tmp_path, disk) as again:
        assert await stored(again) == [b"one", b"two", b"three"]
        assert again.notes() == {"note": b"1"}


@pytest.mark.parametrize(("error", "refusal"), [(apsw.FullError, LogFull), (apsw.IOError, LogFailing)])
async def test_a_failed_write_is_told_for_what_it_is(
    log: SqliteLog, disk: Disk, error: type[apsw.Error], refusal: type[LogRefused]
) -> None:
    await log.append([b"one"])
    disk.fails_wal_write = error
    with pytest.raises(refusal):
        await log.append([b"lost"] * 50)
    with pytest.raises(refusal):
        await log.put_note("a", b"lost")
    disk.fails_wal_write = None
    await log.append([b"two"])
    assert await stored(log) == [b"one", b"two"]
    assert log.notes() == {}


def copied(folder: Path, name: str) -> Path:
    """Copy a log as it stands in its files."""
    copy = folder / name
    copy.mkdir()
    for file in folder.glob("log.db*"):
        shutil.copy(file, copy)
    return copy


async def test_what_was_refused_is_not_found_by_the_next_process(tmp_path: Path, log: SqliteLog, disk: Disk) -> None:
    """The pages of a commit whose sync failed are in the file, whole, until something is written over them."""
    for errors in range(4):
        await log.append([b"kept %d" % errors])
        disk.fails_sync = apsw.IOError
        for lines in ([b"refused"], [b"refused too" * 500] * 40)[: 1 + errors % 2]:
            with pytest.raises(LogFailing):
                await log.append(lines, {"note": b"refused"})
        await log.digests(log.view.head.epoch, [1])  # its thread is past what it does after an answer
        killed = copied(tmp_path, f"killed {errors}")
        async with SqliteLog(killed / "log.db", clock=lambda: 1, nonce=lambda: 2) as again:
            assert await stored(again) == [b"kept %d" % n for n in range(errors + 1)]
            assert again.notes() == {}
        disk.fails_sync = None
    assert log.stats.refused == 6


@pytest.mark.parametrize("sync_s", [0.02, 0.2])
async def test_a_tired_disk_is_only_slow(log: SqliteLog, disk: Disk, sync_s: float) -> None:
    await log.append([b"first"])
    disk.sync_s = sync_s
    commits = log.stats.commits
    await asyncio.gather(*(log.append([b"x"]) for _ in range(200)))
    assert log.stats.commits - commits <= 3
    assert log.stats.sync_p99_us >= sync_s * 1e6
    assert log.stats.refused == 0
    disk.sync_s = 0


async def test_what_waits_for_a_disk_that_hangs_is_bounded_and_refused_at_once(tmp_path: Path, disk: Disk) -> None:
    limits = LogLimits(max_waiting_lines=100)
    async with SqliteLog(tmp_path / "log.db", clock=lambda: 1, nonce=lambda: 2, limits=limits, vfs=disk.name) as log:
        await log.append([b"first"])
        disk.sync_began.clear()
        with disk.device:
            disk.sync_s = 0.001
            running = asyncio.ensure_future(log.append([b"it hangs with this"]))
            await asyncio.to_thread(disk.sync_began.wait, DEADLINE_S)
            waiting = [asyncio.ensure_future(log.append([b"x"])) for _ in range(150)]
            done, hanging = await asyncio.wait(waiting, timeout=0.05)
            assert (len(done), len(hanging)) == (50, 100)
            assert all(isinstance(one.exception(), LogBusy) for one in done)
        await asyncio.gather(running, *hanging)
        assert (log.stats.entries, log.stats.refused) == (102, 50)


async def test_full_disks_are_told_apart_from_failing_ones_and_nothing_said_yes_to_is_missing(
    tmp_path: Path, disk: Disk
) -> None:
    """Room runs out at every place that a commit or a fold can meet, again and again."""
    said: list[bytes] = []
    async with make(tmp_path, disk) as log:
        for room in (0, 21_000):
            disk.room_bytes = room
            for n in range(1000):
                line = b"%d/%d " % (room, n) + b"x" * 3000
                try:
                    await log.append([line])
                except LogFull:
                    break
                said.append(line)
            else:
                raise AssertionError("never full")
            disk.room_bytes = None
            await log.append([b"room"])
            said.append(b"room")
        assert log.view.head.seq == len(said)
    async with make(tmp_path, disk) as log:
        assert log.view.head.seq == len(said)
        assert log.view.head.digest == extend(Chapter(Epoch(1, 2)).origin().digest, said)


async def test_what_it_wrote_is_what_the_disk_was_given(tmp_path: Path, disk: Disk) -> None:
    begun = disk.bytes_written
    async with make(tmp_path, disk) as log:
        for _ in range(300):
            await log.append([b"x" * 300])
        await log.append([b"x" * 300] * 20_000)
        # The log may still be folding: both are read anew until the disk was given nothing meanwhile.
        told, given = None, -1
        while given != disk.bytes_written:
            given = disk.bytes_written
            told = log.stats.written_bytes
        assert told is not None
        # The checksums beside the file are not the disk's, and are small.
        assert told == pytest.approx(given - begun, rel=0.02)


async def test_only_the_appends_of_the_failed_transaction_are_refused(log: SqliteLog, disk: Disk) -> None:
    disk.sync_s = 0.05
    disk.sync_began.clear()
    first = asyncio.ensure_future(log.append([b"first"]))
    await asyncio.to_thread(disk.sync_began.wait, DEADLINE_S)
    second = [asyncio.ensure_future(log.append([b"second %d" % n])) for n in range(5)]
    await first
    disk.fails_sync = apsw.IOError
    for outcome in await asyncio.gather(*second, return_exceptions=True):
        assert isinstance(outcome, LogFailing)
    disk.fails_sync = None
    assert (await log.append([b"third"])).seq == 2
    assert await stored(log) == [b"first", b"third"]


async def test_a_new_epoch_that_could_not_be_stored_did_not_begin(log: SqliteLog, disk: Disk) -> None:
    head = await log.append([b"one", b"two"])
    before = log.view
    disk.fails_sync = apsw.IOError
    chapter = Chapter(Epoch(2, 2), head, 2)
    with pytest.raises(LogFailing):
        await log.open_epoch(chapter)
    assert log.view == before
    disk.fails_sync = None
    await log.append([b"three"])
    assert (await log.open_epoch(chapter)).head.seq == 1


async def test_pruning_that_failed_deleted_nothing(log: SqliteLog, disk: Disk) -> None:
    await log.append([b"x"] * 900)
    await log.append([b"x"] * 900)
    await log.acked(log.view.head)
    disk.fails_sync = apsw.IOError
    with pytest.raises(LogFailing):
        await log.prune(30 * DAY_US)
    assert log.view.first.seq == 0
    disk.fails_sync = None
    assert await log.prune(30 * DAY_US) == 1025
    assert (log.view.first.seq, log.stats.entries) == (1025, 775)


async def test_an_ack_that_went_back_is_refused_loudly_and_holds_in_memory(log: SqliteLog, disk: Disk) -> None:
    head = await log.append([b"x"] * 1500)
    await log.acked(head)
    await log.append([b"the commit that makes the ack durable"])
    disk.fails_sync = apsw.IOError
    with pytest.raises(LogFailing):
        await log.acked(Position(head.epoch, 10, b""))
    assert log.stats.unacked == 1491
    disk.fails_sync = None
    assert await log.prune(30 * DAY_US) == 1


async def test_a_write_ahead_log_that_cannot_be_folded_costs_no_append(
    tmp_path: Path, log: SqliteLog, disk: Disk
) -> None:
    disk.fails_file_write = apsw.IOError
    for n in range(60):
        await log.append([b"%d" % n + b"x" * 900] * 100)  # 1.5 times what is folded at the latest
    assert log.stats.entries == 6000
    assert log.stats.bytes_on_disk > 5_000_000
    disk.fails_file_write = None
    for n in range(60):
        await log.append([b"%d" % n + b"x" * 900] * 100)
    await log.__aexit__(None, None, None)
    async with make(tmp_path, disk) as again:
        assert again.stats.entries == 12000
        assert (await again.read(again.view.head.epoch, 12000, 1, READ_BYTES)).lines == (b"59" + b"x" * 900,)


async def test_what_cannot_be_read_is_a_failure_and_not_the_end_of_the_log(tmp_path: Path, disk: Disk) -> None:
    async with make(tmp_path, disk) as log:
        await log.append([b"x" * 1000] * 3000)
    async with make(tmp_path, disk) as log:
        disk.fails_read = apsw.IOError
        with pytest.raises(LogFailing):
            await log.read(log.view.head.epoch, 1, 1000, READ_BYTES)
        with pytest.raises(LogFailing):
            await log.digests(log.view.head.epoch, [500])
        disk.fails_read = None
        assert len((await log.read(log.view.head.epoch, 1, 100, READ_BYTES)).lines) == 100
        assert (await log.append([b"on"])).seq == 3001
