"""`edge buffer verify` on a file: what is wrong is named, with its place; what is sound is not complained of."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from edge.buffer.api import HOUR_US, LogLimits
from edge.buffer.checking import MOST_TOLD, Findings, check_file
from edge.buffer.errors import LogUnusable
from edge.buffer.sqlite_log import SqliteLog
from protocol.chain import Chapter, Position
from protocol.events import Mark, When, encode_entry
from protocol.identity import Epoch


def mark(n: int) -> bytes:
    return encode_entry(Mark(When("boot", n, n, False)))


async def a_log(path: Path, *, epochs: bool = False, pruned: bool = False) -> None:
    """Write a log of 3,000 entries; the later half may be of another epoch, and the first ones pruned."""
    hours = count(1)
    log = SqliteLog(
        path, clock=lambda: next(hours) * HOUR_US, nonce=lambda: 0xA, limits=LogLimits(keep_us=0, max_bytes=10**9)
    )
    async with log:
        for first in range(1, 3001, 100):
            await log.append([mark(n) for n in range(first, first + 100)])
            if epochs and first == 1501:
                epoch = log.view.head.epoch
                digests = await log.digests(epoch, [1500])
                base = Position(epoch, 1500, digests[1500] or b"")
                await log.open_epoch(Chapter(Epoch(2, 0xB), base, 1500))
        if pruned:
            epoch = log.view.lineage[0].epoch
            digests = await log.digests(epoch, [1000])
            await log.acked(Position(epoch, 1000, digests[1000] or b""))
            assert await log.prune(10**15) > 0


def spoil(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.glob("copy.db*")}


def names(findings: Findings) -> set[str]:
    return {fault.name for fault in findings.faults}


@pytest.mark.parametrize("epochs", [False, True])
@pytest.mark.parametrize("pruned", [False, True])
async def test_a_sound_log_is_sound(tmp_path: Path, epochs: bool, pruned: bool) -> None:
    await a_log(tmp_path / "stock.db", epochs=epochs, pruned=pruned)
    found = check_file(tmp_path / "stock.db")
    assert (found.faults, found.chapters) == ([], 2 if epochs else 1)
    assert found.head == (1500 if epochs else 3000)
    assert found.checkpoints > 3
    assert (found.entries == 3000) is not pruned


async def test_what_lies_in_the_write_ahead_log_is_looked_at_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "stock.db"
    hours = count(1)
    async with SqliteLog(path, clock=lambda: next(hours), nonce=lambda: 0xA) as log:
        await log.append([mark(n) for n in range(50)])
        copy = tmp_path / "copy.db"
        shutil.copyfile(path, copy)
        shutil.copyfile(path.with_name("stock.db-wal"), copy.with_name("copy.db-wal"))
    before = contents(tmp_path)
    found = check_file(copy)
    assert (found.entries, found.faults) == (50, [])
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("statement", "name", "where"),
    [
        ("DELETE FROM entry WHERE depth BETWEEN 700 AND 705", "missing", "700 to 1.000000000000000a:705"),
        ("DELETE FROM entry WHERE depth > 2900", "missing", ":1400"),
        ("UPDATE entry SET line = CAST(replace(line, 'boot', 'root') AS BLOB) WHERE depth = 1234", "chain", ""),
        ("UPDATE checkpoint SET digest = zeroblob(32) WHERE depth = 1", "chain", ":1:"),
        ("UPDATE chapter SET base_digest = zeroblob(32) WHERE ordinal = 1", "chain", ":1500:"),
        ("UPDATE chapter SET base_seq = 1400 WHERE ordinal = 1", "epochs", "2.000000000000000b"),
        ("UPDATE chapter SET epoch = 'rubbish' WHERE ordinal = 1", "epochs", "rubbish"),
        ("UPDATE bounds SET acked = 999999", "bounds", "999999"),
        ("DELETE FROM bounds", "bounds", ""),
        ("DELETE FROM checkpoint WHERE depth = (SELECT kept FROM bounds)", "chain", "no digest is stored"),
    ],
)
async def test_what_is_wrong_is_named(tmp_path: Path, statement: str, name: str, where: str) -> None:
    path = tmp_path / "stock.db"
    await a_log(path, epochs=True, pruned="kept" in statement)
    spoil(path, statement)
    found = check_file(path)
    assert name in names(found)
    assert any(where in fault.detail for fault in found.faults if fault.name == name)


async def test_a_log_whose_first_start_lost_power_is_sound(tmp_path: Path) -> None:
    path = tmp_path / "stock.db"
    async with SqliteLog(path, clock=lambda: 1, nonce=lambda: 0xA):
        pass
    spoil(path, "DELETE FROM chapter", "DELETE FROM bounds", "DELETE FROM checkpoint")
    found = check_file(path)
    assert {fault.name for fault in found.faults} <= {"pages"}  # which the checksums kept beside it tell apart


async def test_a_line_that_is_no_entry_is_named_though_the_chain_holds(tmp_path: Path) -> None:
    path = tmp_path / "stock.db"
    async with SqliteLog(path, clock=lambda: 1, nonce=lambda: 0xA) as log:
        await log.append([mark(1), b"\xff rubbish", mark(2), *(b"more" for _ in range(MOST_TOLD + 5))])
    found = check_file(path)
    assert names(found) == {"entry"}
    assert found.faults[0].detail.startswith("1.000000000000000a:2: ")
    assert (len(found.faults), found.untold) == (MOST_TOLD, {"entry": 6})


async def test_a_bit_that_flipped_where_sqlite_does_not_look_is_found(tmp_path: Path) -> None:
    path = tmp_path / "stock.db"
    await a_log(path)
    data = bytearray(path.read_bytes())
    data[data.index(b"boot", len(data) // 2)] ^= 1
    path.write_bytes(data)
    assert names(check_file(path)) >= {"pages", "chain"}


async def test_a_page_that_was_overwritten_is_found(tmp_path: Path) -> None:
    path = tmp_path / "stock.db"
    await a_log(path)
    data = bytearray(path.read_bytes())
    for page in range(8, len(data) // 4096 - 8, 3):
        data[page * 4096 : page * 4096 + 200] = bytes(200)
    path.write_bytes(data)
    assert "pages" in names(check_file(path))


@pytest.mark.parametrize(
    "make",
    [
        lambda path: None,
        lambda path: path.write_bytes(b"no database" * 1000),
        lambda path: path.mkdir(),
        lambda path: sqlite3.connect(path).execute("CREATE TABLE t (x)").connection.close(),
    ],
)
def test_what_is_no_log_is_said_to_be_none(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "stock.db")
    try:
        assert check_file(tmp_path / "stock.db").faults
    except LogUnusable:
        pass
    if (tmp_path / "stock.db").is_dir() or not (tmp_path / "stock.db").exists():
        with pytest.raises(LogUnusable):
            check_file(tmp_path / "stock.db")
