"""How fast a hub's store takes entries in and folds them, beside a bare loop that writes the very same rows."""

from __future__ import annotations

import sqlite3
import time
from itertools import groupby
from pathlib import Path
from typing import Any

from bench import floors, shop
from bench.figures import Better, Figure, Floor, middle
from bench.workbench import Workbench, nonce, utc_us
from hub.bookkeeping import BATCH
from hub.store.epochs import FEED
from hub.store.reader_logs import LogCommit, station_log
from hub.store.schema import prepare
from hub.store.store import HubStore
from hub.wire.intake import MOST_A_TRANSACTION
from protocol.catalogue import decode_row
from protocol.identity import Epoch, StationId, StoreId
from protocol.topics import Stream

STATIONS = 20
EVENTS = 100_000
_FLOOR = "bare sqlite3 loop writing the same rows"


async def measure(bench: Workbench) -> list[Figure]:
    """Commit frames of 20 stations as the intake does, then fold them as the bookkeeping does, in one process."""
    each = bench.size(EVENTS) // STATIONS
    entries = each * STATIONS
    rows = [decode_row(line) for line in shop.catalogue_lines(bench.size(shop.ITEMS))]
    folder = bench.fresh("ingest")
    took: dict[str, list[float]] = {}
    async with HubStore(folder / "hub.db", StoreId(shop.STORE), utc_us) as store:
        began = time.perf_counter()
        await store.apply_catalogue(rows)
        applied_s = time.perf_counter() - began
        while (await store.fold_some(BATCH)).lag:
            pass
        for number in range(bench.rounds):
            await _round(store, number, each, took)
    bare = _Bare(folder / "hub.db")
    for _ in range(bench.rounds):
        began = time.perf_counter()
        bare.commit(folder / f"bare-{nonce():x}.db")
        took.setdefault("bare commit", []).append(time.perf_counter() - began)
        began = time.perf_counter()
        bare.fold()
        took.setdefault("bare fold", []).append(time.perf_counter() - began)
    # The bare loop writes what all rounds wrote.
    bare_commit, bare_fold = (middle(took[f"bare {key}"]) / bench.rounds for key in ("commit", "fold"))
    together = [a + b for a, b in zip(took["commit"], took["fold"], strict=True)]
    return [
        _rate("commit of frames, 20 stations", entries, took["commit"], bare_commit),
        _rate("fold into stock, journal of the feed included", entries, took["fold"], bare_fold),
        _rate("ingest with the fold", entries, together, bare_commit + bare_fold),
        Figure(part="hub store", what=f"catalogue of {len(rows):,} rows taken in", unit="s", value=applied_s),
    ]


async def _round(store: HubStore, number: int, each: int, took: dict[str, list[float]]) -> None:
    batches = _batches(number, each)
    began = time.perf_counter()
    for batch in batches:
        await store.commit(batch)
    took.setdefault("commit", []).append(time.perf_counter() - began)
    began = time.perf_counter()
    while (await store.fold_some(BATCH)).lag:
        pass
    took.setdefault("fold", []).append(time.perf_counter() - began)


def _batches(number: int, each: int) -> list[list[LogCommit]]:
    """Give the transactions that the intake would make of a round: stations in turns, a frame each."""
    streams = []
    for station in range(STATIONS):
        log = station_log(StationId(f"till-{number}-{station}"), Stream.STOCK)
        epoch = Epoch(1, 1 + number * STATIONS + station)
        parts = shop.frames(epoch, list(shop.backlog(each, seed=number * STATIONS + station)))
        streams.append([LogCommit(log, (slice_,), state) for slice_, state in parts])
    turns = [commit for turn in zip(*streams, strict=True) for commit in turn]
    frames = MOST_A_TRANSACTION // shop.FRAME_ENTRIES
    return [turns[start : start + frames] for start in range(0, len(turns), frames)]


class _Bare:
    """Every row that the store wrote about the rounds, read back from its file to be written again, nothing else."""

    def __init__(self, source: Path) -> None:
        held = sqlite3.connect(source)
        self._taken = held.execute(
            "SELECT * FROM chunk WHERE to_fold AND epoch IN (SELECT epoch FROM entry)"
        ).fetchall()
        self._told = held.execute(
            "SELECT * FROM chunk WHERE epoch IN"
            " (SELECT epoch.id FROM epoch JOIN log ON log.id = epoch.log WHERE log.name = ?)",
            (FEED,),
        ).fetchall()
        self._entries: list[Any] = held.execute(
            "SELECT * FROM entry ORDER BY (SELECT id FROM chunk WHERE chunk.epoch = entry.epoch AND first <= seq"
            " ORDER BY first DESC LIMIT 1), seq"
        ).fetchall()
        self._scopes: dict[int, Any] = {row[0]: row for row in held.execute("SELECT * FROM scope")}
        held.close()
        self._connection: sqlite3.Connection | None = None

    def commit(self, path: Path) -> None:
        """Write the chunks, in transactions as large as the intake's."""
        connection = floors.stdlib(path)
        connection.execute("PRAGMA cache_size = -65536")
        prepare(connection)
        self._connection = connection
        step = MOST_A_TRANSACTION // shop.FRAME_ENTRIES
        for start in range(0, len(self._taken), step):
            _insert(connection, "chunk", self._taken[start : start + step])

    def fold(self) -> None:
        """Write entries, the figures of their scopes and the feed, in transactions as large as the fold's."""
        connection = self._connection
        assert connection is not None
        told = iter(self._told)
        scope = 3  # the column of `entry`
        for start in range(0, len(self._entries), BATCH):
            part = self._entries[start : start + BATCH]
            connection.execute("BEGIN IMMEDIATE")
            _put(connection, "entry", part)
            _put(connection, "scope", [self._scopes[row] for row, _ in groupby(sorted(one[scope] for one in part))])
            _put(connection, "chunk", [row for row in (next(told, None), next(told, None)) if row is not None])
            connection.execute("COMMIT")
        connection.close()
        self._connection = None


def _insert(connection: sqlite3.Connection, table: str, rows: list[Any]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    _put(connection, table, rows)
    connection.execute("COMMIT")


def _put(connection: sqlite3.Connection, table: str, rows: list[Any]) -> None:
    if rows:
        marks = ",".join("?" * len(rows[0]))
        connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows)  # noqa: S608  (our own names)


def _rate(what: str, entries: int, took_s: list[float], bare_s: float) -> Figure:
    return Figure(
        part="hub store",
        what=what,
        unit="events/s",
        value=entries / middle(took_s),
        better=Better.MORE,
        rounds=tuple(entries / each for each in took_s),
        floor=Floor(_FLOOR, entries / bare_s),
    )
