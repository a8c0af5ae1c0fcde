"""A disk that fails: exactly what it failed is refused, nothing before is harmed, and it may recover."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import apsw
import pytest

from edge.buffer.api import DAY_US, READ_BYTES
from edge.buffer.errors import LogFailing, LogFull, LogRefused
from edge.buffer.sqlite_log import SqliteLog
from protocol.chain import Chapter, Position, extend
from protocol.identity import Epoch
from tests.unit.edge_buffer.disk import Disk, mounted

DEADLINE_S = 20.0


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
