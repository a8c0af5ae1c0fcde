"""A log read out as a file: whole, from where it was asked for, and beside scans that go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from edge.buffer.api import HOUR_US, LogLimits, StationLog
from edge.buffer.errors import NotKept
from edge.buffer.exporting import At, Begin, LogName, export
from edge.buffer.memory_log import MemoryLog
from edge.buffer.sqlite_log import SqliteLog
from protocol.chain import Chapter, Position
from protocol.identity import Epoch, StationId, StoreId
from protocol.station_file import FileEntry, StationFileReader
from protocol.topics import Stream

NAME = LogName(StoreId("oak-street"), StationId("till-1"), Stream.STOCK)


@pytest.fixture(params=["memory", "sqlite"])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StationLog]:
    numbers, hours = count(1), count(1)
    nonce, limits = (lambda: next(numbers)), LogLimits(keep_us=0)

    def clock() -> int:
        return next(hours) * HOUR_US

    made: StationLog = (
        MemoryLog(clock=clock, nonce=nonce, limits=limits)
        if request.param == "memory"
        else SqliteLog(tmp_path / "stock.db", clock=clock, nonce=nonce, limits=limits)
    )
    async with made as opened:
        yield opened


def lines(first: int, last: int) -> list[bytes]:
    return [b'["%d"]' % n for n in range(first, last + 1)]


async def exported(log: StationLog, begin: Begin | At) -> tuple[StationFileReader, list[FileEntry]]:
    reader = StationFileReader()
    data = b"".join([piece async for piece in export(log, NAME, begin, 5)])
    entries = [entry for record in data.splitlines() if (entry := reader.take(record)) is not None]
    reader.finish()
    return reader, entries


async def position(log: StationLog, seq: int) -> Position:
    epoch = log.view.head.epoch
    digest = (await log.digests(epoch, [seq]))[seq]
    assert digest is not None
    return Position(epoch, seq, digest)


async def test_all_of_it_comes_out_as_it_was_stored(log: StationLog) -> None:
    await log.append([*lines(1, 2500), b"\xff no JSON"])
    reader, entries = await exported(log, Begin.ALL)
    assert [entry.line for entry in entries] == [*lines(1, 2500), b"\xff no JSON"]
    header = reader.header
    assert header is not None
    assert (header.view.head, header.kept, header.station, header.written_us) == (
        log.view.head,
        log.view.first,
        "till-1",
        5,
    )


async def test_it_begins_after_what_the_hub_has_or_where_it_is_told_to(log: StationLog) -> None:
    await log.append(lines(1, 9))
    await log.acked(await position(log, 6))
    assert [entry.seq for entry in (await exported(log, Begin.ACKED))[1]] == [7, 8, 9]
    epoch = log.view.head.epoch
    assert [entry.seq for entry in (await exported(log, At(epoch, 9)))[1]] == [9]
    assert (await exported(log, At(epoch, 10)))[1] == []
    for wrong in (At(epoch, 11), At(Epoch(7, 7), 1)):
        with pytest.raises(NotKept):
            await exported(log, wrong)


async def test_what_is_pruned_is_not_told_and_the_file_says_from_where_the_station_has_it(log: StationLog) -> None:
    for n in range(1, 6):
        await log.append(lines(n * 10 - 9, n * 10))
    await log.acked(await position(log, 30))
    assert await log.prune(10**15) > 0
    kept = log.view.first.seq
    reader, entries = await exported(log, Begin.ALL)
    assert [entry.seq for entry in entries] == list(range(kept + 1, 51))
    assert reader.header is not None
    assert reader.header.kept == log.view.first
    with pytest.raises(NotKept, match=f"{kept + 1}"):
        await exported(log, At(log.view.head.epoch, kept))


async def test_entries_keep_their_epochs(log: StationLog) -> None:
    await log.append(lines(1, 5))
    base = await position(log, 3)
    await log.open_epoch(Chapter(Epoch(2, 99), base, 3))
    await log.append(lines(6, 7))
    reader, entries = await exported(log, Begin.ALL)
    assert [(entry.epoch.generation, entry.seq) for entry in entries] == [
        (1, 1),
        (1, 2),
        (1, 3),
        *((2, n) for n in range(1, 5)),
    ]
    assert reader.header is not None
    assert reader.header.view.lineage == log.view.lineage


async def test_what_is_appended_meanwhile_is_left_for_the_next_time(log: StationLog) -> None:
    await log.append(lines(1, 3000))
    reader = StationFileReader()
    records = export(log, NAME, Begin.ALL, 5)
    data = await anext(records)
    selling = asyncio.create_task(log.append(lines(3001, 3100)))
    async for piece in records:
        data += piece
    await selling
    entries = [reader.take(record) for record in data.splitlines()]
    reader.finish()
    assert len(entries) == 3002
    assert len((await exported(log, Begin.ALL))[1]) == 3100


async def test_a_new_epoch_meanwhile_ends_the_export_without_its_trailer(log: StationLog) -> None:
    await log.append(lines(1, 3000))
    records = export(log, NAME, Begin.ALL, 5)
    await anext(records)
    await log.open_epoch(Chapter(Epoch(2, 99), await position(log, 100), 100))
    with pytest.raises(NotKept):
        async for _ in records:
            pass
