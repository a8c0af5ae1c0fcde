"""Reading a log on costs each line once, wherever the slices end: the chain before them is remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.buffer.api import READ_BYTES, LogLimits
from edge.buffer.disk_queue import Append
from edge.buffer.log_file import LogFile
from edge.buffer.tables import Tables
from protocol.chain import extend


class CountingTables(Tables):
    """The tables of a log, counting the lines that are read."""

    lines_read = 0

    def lines(self, after: int, count: int, max_bytes: int) -> list[bytes]:
        found = super().lines(after, count, max_bytes)
        self.lines_read += len(found)
        return found


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[CountingTables]:
    tables = CountingTables(tmp_path / "log.db")
    yield tables
    tables.close()


@pytest.fixture
def file(tables: CountingTables) -> LogFile:
    return LogFile(tables, lambda: 1, lambda: 2, LogLimits())


async def append(file: LogFile, count: int) -> None:
    file.write([Append((b"x",) * count, {}, 17 * count, asyncio.get_running_loop().create_future())])


@pytest.mark.parametrize("entries", [1, 7, 1000, 1024])
async def test_a_backlog_is_read_once(file: LogFile, tables: CountingTables, entries: int) -> None:
    total = 4000 if entries > 1 else 300
    await append(file, total)
    epoch, first, digest = file.view.head.epoch, 1, file.view.first.digest
    while first <= total:
        part = file.read(epoch, first, entries, READ_BYTES)
        assert part.digest == digest
        digest = extend(digest, part.lines)
        first += len(part.lines)
    assert tables.lines_read == total


async def test_following_the_head_reads_only_what_is_new(file: LogFile, tables: CountingTables) -> None:
    await append(file, 700)
    file.read(file.view.head.epoch, 501, 1000, READ_BYTES)
    tables.lines_read = 0
    for n in range(701, 900):
        await append(file, 1)
        part = file.read(file.view.head.epoch, n, 1000, READ_BYTES)
        assert extend(part.digest, part.lines) == file.view.head.digest
    assert tables.lines_read == 199


async def test_several_readers_of_different_parts_are_remembered(file: LogFile, tables: CountingTables) -> None:
    await append(file, 3000)
    at = {1: 1, 500: 500, 2500: 2500}
    for start, first in at.items():
        at[start] = first + len(file.read(file.view.head.epoch, first, 10, READ_BYTES).lines)
    tables.lines_read = 0
    for _ in range(30):
        for start, first in at.items():
            at[start] = first + len(file.read(file.view.head.epoch, first, 10, READ_BYTES).lines)
    assert tables.lines_read == 30 * 3 * 10
