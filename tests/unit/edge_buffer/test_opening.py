"""What a log finds when it opens its file, and what it refuses to open."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from edge.buffer.api import READ_BYTES
from edge.buffer.errors import LogCorrupt, LogDamaged, LogTooNew, LogUnusable, UnsafeSqlite
from edge.buffer.sqlite_file import is_safe
from edge.buffer.sqlite_log import SqliteLog
from shelfwire.simulators.disk import mounted

DEADLINE_S = 60.0


def make(path: Path, vfs: str | None = None) -> SqliteLog:
    return SqliteLog(path, clock=lambda: 1, nonce=lambda: 2, vfs=vfs)


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A closed log of 2,500 entries."""
    async with make(tmp_path / "log.db") as log:
        await log.append([b"line %d" % n for n in range(1, 2501)])
    return tmp_path / "log.db"


def tamper(path: Path, sql: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.executescript(sql)
    connection.close()


def content(path: Path) -> bytes:
    return path.read_bytes()


async def refused(path: Path) -> LogUnusable:
    with pytest.raises(LogUnusable) as refusal:
        await make(path).__aenter__()
    return refusal.value


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 46, 1), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 0), False),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 54, 1), True),
        ((4, 0, 0), True),
    ],
)
def test_only_releases_with_the_wal_reset_fix_are_safe(version: tuple[int, ...], safe: bool) -> None:
    assert is_safe(version) is safe


async def test_an_unsafe_sqlite_is_refused_before_the_file_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.40.1")
    assert isinstance(await refused(tmp_path / "new" / "log.db"), UnsafeSqlite)
    assert not (tmp_path / "new").exists()


async def test_the_constructor_touches_nothing(tmp_path: Path) -> None:
    make(tmp_path / "new" / "log.db")
    assert not (tmp_path / "new").exists()


async def test_a_file_of_a_newer_release_is_left_alone(path: Path) -> None:
    tamper(path, "PRAGMA user_version = 2")
    before = content(path)
    assert isinstance(await refused(path), LogTooNew)
    assert content(path) == before


async def test_another_programs_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    tamper(path, "CREATE TABLE theirs (a)")
    before = content(path)
    await refused(path)
    assert content(path) == before


async def test_what_is_no_database_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    path.write_bytes(b"not a database" * 1000)
    assert isinstance(await refused(path), LogDamaged)


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    await refused(tmp_path / "file" / "log.db")


async def test_a_log_has_one_owner(path: Path) -> None:
    async with make(path) as log:
        await refused(path)
        other = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('SELECT * FROM entry')"
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", other, str(path), stderr=subprocess.PIPE)
        _, errors = await process.communicate()
        assert b"locked" in errors
        await log.append([b"unharmed"])
    async with make(path) as log:
        assert log.view.head.seq == 2501


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE entry SET line = x'00' WHERE depth = 2049",
        "UPDATE entry SET line = x'00' WHERE depth = 1500",
        "DELETE FROM entry WHERE depth = 1500",
        "DELETE FROM entry WHERE depth >= 2040",
        "DELETE FROM entry WHERE depth = 2300",
        "UPDATE checkpoint SET digest = zeroblob(32) WHERE depth = 2049",
        "UPDATE chapter SET epoch = 'first'",
        "DROP TABLE note",
        "DELETE FROM bounds",
    ],
)
async def test_a_file_that_contradicts_itself_is_damaged(path: Path, sql: str) -> None:
    tamper(path, sql)
    assert isinstance(await refused(path), LogDamaged)


async def test_a_hole_further_back_is_found_when_it_is_read(path: Path) -> None:
    tamper(path, "DELETE FROM entry WHERE depth = 400")
    async with make(path) as log:
        assert len((await log.read(log.view.head.epoch, 1, 399, READ_BYTES)).lines) == 399
        for first, most, bytes_ in ((1, 500, READ_BYTES), (399, 2, READ_BYTES), (399, 10, 20), (400, 1, READ_BYTES)):
            with pytest.raises(LogCorrupt):
                await log.read(log.view.head.epoch, first, most, bytes_)
        assert (await log.append([b"on"])).seq == 2501


async def test_opening_reads_the_end_of_the_log_and_not_all_of_it(tmp_path: Path) -> None:
    async with make(tmp_path / "log.db") as log:
        for _ in range(20):
            await log.append([b"x" * 500] * 1500)
        head = log.view.head
    with mounted() as disk:
        async with make(tmp_path / "log.db", disk.name) as log:
            assert log.view.head == head
            assert disk.bytes_read < 3_000_000 < (tmp_path / "log.db").stat().st_size / 4


async def test_a_log_that_could_not_be_opened_can_be_tried_again(path: Path) -> None:
    log = make(path)
    async with make(path):
        with pytest.raises(LogUnusable):
            await log.__aenter__()
    async with log:
        assert log.view.head.seq == 2500


async def test_a_cancelled_opening_leaves_the_file_free(tmp_path: Path) -> None:
    with mounted() as disk:
        disk.sync_s = 0.05
        opening = asyncio.ensure_future(make(tmp_path / "log.db", disk.name).__aenter__())
        await asyncio.to_thread(disk.sync_began.wait, DEADLINE_S)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
    async with make(tmp_path / "log.db") as log:
        assert log.view.head.seq == 0


def test_a_loop_that_ends_without_closing_does_not_hang_the_process(tmp_path: Path) -> None:
    program = (
        "import asyncio, pathlib, sys\n"
        "from edge.buffer.sqlite_log import SqliteLog\n"
        "async def main():\n"
        "    log = SqliteLog(pathlib.Path(sys.argv[1]), clock=lambda: 1, nonce=lambda: 2)\n"
        "    await log.__aenter__()\n"
        "    print((await log.append([b'x'])).seq)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "log.db")], capture_output=True, timeout=60, check=True
    )
    assert done.stdout == b"1\n"
