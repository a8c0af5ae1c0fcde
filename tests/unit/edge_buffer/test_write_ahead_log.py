"""The write-ahead log is folded into the file when nobody waits, and in any case before it grows large."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.buffer.api import LogLimits
from edge.buffer.sqlite_file import WAL_KEPT_BYTES
from edge.buffer.sqlite_log import SqliteLog
from edge.buffer.tables import Tables

LINES = [b"x" * 1000] * 1000


@pytest.mark.parametrize(("idle", "most_mb"), [(True, 8), (False, 20)])
def test_it_stays_small_however_much_is_written(tmp_path: Path, idle: bool, most_mb: int) -> None:
    tables = Tables(tmp_path / "log.db")
    for n in range(30):
        with tables.transaction():
            tables.insert_lines(n * 1000, LINES)
        tables.tidy(idle=idle)
        assert (tmp_path / "log.db-wal").stat().st_size <= most_mb * 1_000_000
    assert tables.bytes_on_disk() >= 30_000_000
    tables.close()
    assert not (tmp_path / "log.db-wal").exists()


def test_while_others_wait_a_small_one_is_left_alone(tmp_path: Path) -> None:
    tables = Tables(tmp_path / "log.db")
    for n in range(8):
        with tables.transaction():
            tables.insert_lines(n * 1000, LINES)
        tables.tidy(idle=False)
    assert (tmp_path / "log.db").stat().st_size < 1_000_000
    tables.tidy(idle=True)
    assert (tmp_path / "log.db").stat().st_size > 8_000_000
    tables.close()


async def test_from_the_opening_on_it_is_as_large_as_it_becomes_and_all_of_it_was_written_once(tmp_path: Path) -> None:
    # Of blocks that were only allocated the file system says that they are a hole (lseek(2), SEEK_HOLE).
    limits = LogLimits(reserve_bytes=1 << 20)
    async with SqliteLog(tmp_path / "log.db", clock=lambda: 1, nonce=lambda: 2, limits=limits) as log:
        for _ in range(2):
            with (tmp_path / "log.db-wal").open("rb") as file:
                assert os.lseek(file.fileno(), 0, os.SEEK_HOLE) == WAL_KEPT_BYTES
            await log.append([b"x"])
