"""How fast a hub's store takes entries in and folds them, beside a bare loop that writes the very same rows."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from bench import floors, shop
from bench.figures import Better, Figure, Floor, middle
from bench.workbench import Workbench, nonce, utc_us
from hub.bookkeeping import BATCH
from hub.store.epochs import FEED
from hub.store.pages import Page
from hub.store.reader_logs import LogCommit, station_log
from hub.store.schema import create
from hub.store.sqlite_file import on_sqlite
from hub.store.store import HubStore
from hub.wire.pacing import MOST_A_TRANSACTION
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
        commit_s, fold_s = bare.write(folder / f"bare-{nonce():x}.db")
        took.setdefault("bare commit", []).append(commit_s)
        took.setdefault("bare fold", []).append(fold_s)
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
        held.row_factory = sqlite3.Row
        self._taken = held.execute("SELECT * FROM chunk WHERE to_fold AND epoch IN (SELECT epoch FROM page)").fetchall()
        self._told = held.execute(
            "SELECT * FROM chunk WHERE epoch IN"
            " (SELECT epoch.id FROM epoch JOIN log ON log.id = epoch.log WHERE log.name = ?)",
            (FEED,),
        ).fetchall()
        self._pages = held.execute("SELECT * FROM page ORDER BY id").fetchall()
        self._runs = held.execute("SELECT * FROM run ORDER BY id").fetchall()
        self._sorts = {row["id"]: row for row in held.execute("SELECT * FROM sort")}
        self._scopes = {row["id"]: row for row in held.execute("SELECT * FROM scope")}
        held.close()

    def write(self, path: Path) -> tuple[float, float]:
        """Write chunks, then what was folded; give the seconds of both."""
        connection = floors.stdlib(path)
        connection.execute("PRAGMA cache_size = -65536")
        create(on_sqlite(connection))
        commit_s, fold_s = self._commit_s(connection), self._fold_s(connection)
        connection.close()
        return commit_s, fold_s

    def _commit_s(self, connection: sqlite3.Connection) -> float:
        """Write the chunks that came, in transactions as large as the intake's."""
        taken = _Insert("chunk", self._taken)
        step = MOST_A_TRANSACTION // shop.FRAME_ENTRIES
        began = time.perf_counter()
        for start in range(0, len(taken.values), step):
            connection.execute("BEGIN IMMEDIATE")
            taken.run(connection, start, start + step)
            connection.execute("COMMIT")
        return time.perf_counter() - began

    def _fold_s(self, connection: sqlite3.Connection) -> float:
        """Write pages, the figures of their scopes and the feed, in transactions as large as the fold's."""
        pages = self._pages
        step = BATCH // shop.FRAME_ENTRIES
        batches = range(0, len(pages), step)
        parts = [_Insert("page", pages), _Insert("chunk", self._told), _Insert("run", self._runs)]
        steps = [-(-len(part.values) // len(batches)) for part in parts]
        scopes: list[tuple[_Insert, _Insert, list[_Bound]]] = []
        known: set[int] = set()
        for start in batches:
            read = [Page(tuple(row)) for row in pages[start : start + step]]
            sorts = {page.sort(place) for page in read for place in range(page.n)} & self._sorts.keys()
            touched = {self._sorts[sort]["scope"] for sort in sorts}
            new = touched - known
            scopes.append(
                (
                    _Insert("scope", [self._scopes[scope] for scope in sorted(new)]),
                    _Insert("sort", [self._sorts[sort] for sort in sorted(sorts) if self._sorts[sort]["scope"] in new]),
                    [_moved(self._scopes[scope]) for scope in sorted(touched & known)],
                )
            )
            known |= touched
        began = time.perf_counter()
        for number, (new_scopes, new_sorts, moved) in enumerate(scopes):
            connection.execute("BEGIN IMMEDIATE")
            new_scopes.run(connection, 0, len(new_scopes.values))
            new_sorts.run(connection, 0, len(new_sorts.values))
            connection.executemany(_MOVE, moved)
            for part, size in zip(parts, steps, strict=True):
                part.run(connection, number * size, (number + 1) * size)
            connection.execute("COMMIT")
        return time.perf_counter() - began


_Bound = tuple[object, ...]
_MOVES = ("moved_milli", "customer_milli", "newest_us", "reach_us", "on_hand_milli", "plain", "tail")
_MOVE = f"UPDATE scope SET {', '.join(f'{name} = ?' for name in _MOVES)} WHERE id = ?"  # noqa: S608  (our own names)


def _moved(scope: sqlite3.Row) -> _Bound:
    return tuple(scope[name] for name in (*_MOVES, "id"))


class _Insert:
    """Rows to be inserted by one statement that leaves out the columns that none of them has."""

    def __init__(self, table: str, rows: Sequence[sqlite3.Row]) -> None:
        names = rows[0].keys() if rows else []
        used = [name for name in names if any(row[name] is not None for row in rows)]
        self.values: list[_Bound] = [tuple(row[name] for name in used) for row in rows]
        self._sql = f"INSERT INTO {table} ({', '.join(used)}) VALUES ({', '.join('?' * len(used))})"  # noqa: S608  (ours)

    def run(self, connection: sqlite3.Connection, start: int, end: int) -> None:
        if start < min(end, len(self.values)):
            connection.executemany(self._sql, self.values[start:end])


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
