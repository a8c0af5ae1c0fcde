"""Where a hub's store is kept while it is measured, and the bare loop that writes the very same rows there."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg

from bench import floors, shop
from bench.workbench import nonce
from hub.bookkeeping import BATCH
from hub.store.engine import Engine
from hub.store.epochs import FEED
from hub.store.pages import Page
from hub.store.postgres import Postgres
from hub.store.schema import create
from hub.store.sqlite_file import SqliteFile, on_sqlite
from hub.wire.pacing import MOST_A_TRANSACTION
from tests.stand_ins import postgres

Row = dict[str, Any]
_FEED = f"SELECT epoch.id FROM epoch JOIN log ON log.id = epoch.log WHERE log.name = '{FEED}'"  # noqa: S608  (ours)


class Kept(Protocol):
    """An engine that a store is measured on."""

    part: str
    floor: str
    mark: str
    """Where a value goes in a statement."""

    def engine(self) -> Engine:
        """Give where the store is, empty at first."""
        ...

    def reading(self) -> Any:
        """Connect to the store bare."""
        ...

    def writing(self) -> Any:
        """Connect bare to another that has its tables and no row."""
        ...


class InFile:
    """A file of SQLite."""

    part = "hub store"
    floor = "bare sqlite3 loop writing the same rows"
    mark = "?"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def engine(self) -> Engine:
        return SqliteFile(self._folder / "hub.db")

    def reading(self) -> Any:
        return sqlite3.connect(self._folder / "hub.db")

    def writing(self) -> Any:
        connection = floors.stdlib(self._folder / f"bare-{nonce():x}.db")
        connection.execute("PRAGMA cache_size = -65536")
        create(on_sqlite(connection))
        return connection


class InPostgres:
    """A database of a PostgreSQL of our own, as it comes but for its folder: it syncs each commit."""

    part = "hub store, PostgreSQL"
    floor = "bare psycopg loop writing the same rows"
    mark = "%s"

    def __init__(self, server: postgres.Server, folder: Path) -> None:
        self._server = server
        self._folder = folder

    def engine(self) -> Postgres:
        return self._server.at(self._folder)

    def reading(self) -> Any:
        return psycopg.connect(self._server.url_of(self._folder), autocommit=True)

    def writing(self) -> Any:
        where = self._folder / f"bare-{nonce():x}"
        engine = self._server.at(where)
        engine.open_writer()
        engine.close_writer()
        return psycopg.connect(self._server.url_of(where), autocommit=True)


@contextmanager
def engines(folder: Path) -> Iterator[list[Kept]]:
    """Give SQLite, and PostgreSQL where its programs are."""
    if not postgres.is_installed():
        yield [InFile(folder)]
        return
    with postgres.serving(fsync="on", full_page_writes="on") as server:
        yield [InFile(folder), InPostgres(server, folder)]


class Bare:
    """Every row that the store wrote about the rounds, read back to be written again, nothing else."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        with closing(kept.reading()) as held:
            self._taken = _rows(held, "chunk WHERE to_fold <> 0 AND epoch IN (SELECT epoch FROM page) ORDER BY id")
            self._told = _rows(held, f"chunk WHERE epoch IN ({_FEED}) ORDER BY id")
            self._pages = _rows(held, "page ORDER BY id")
            self._runs = _rows(held, "run ORDER BY id")
            self._sorts = {row["id"]: row for row in _rows(held, "sort")}
            self._scopes = {row["id"]: row for row in _rows(held, "scope")}

    def write(self) -> tuple[float, float]:
        """Write chunks, then what was folded; give the seconds of both."""
        with closing(self._kept.writing()) as connection:
            return self._commit_s(connection), self._fold_s(connection)

    def _insert(self, table: str, rows: Sequence[Row]) -> _Insert:
        return _Insert(table, rows, self._kept.mark)

    def _commit_s(self, connection: Any) -> float:
        """Write the chunks that came, in transactions as large as the intake's."""
        taken = self._insert("chunk", self._taken)
        step = MOST_A_TRANSACTION // shop.FRAME_ENTRIES
        began = time.perf_counter()
        for start in range(0, len(taken.values), step):
            connection.execute("BEGIN")
            taken.run(connection, start, start + step)
            connection.execute("COMMIT")
        return time.perf_counter() - began

    def _fold_s(self, connection: Any) -> float:
        """Write pages, the figures of their scopes and the feed, in transactions as large as the fold's."""
        pages = self._pages
        step = BATCH // shop.FRAME_ENTRIES
        batches = range(0, len(pages), step)
        parts = [
            self._insert("page", pages),
            self._insert("chunk", self._told),
            self._insert("run", self._runs),
        ]
        steps = [-(-len(part.values) // len(batches)) for part in parts]
        scopes: list[tuple[_Insert, _Insert, list[_Bound]]] = []
        known: set[int] = set()
        for start in batches:
            read = [
                Page((row["id"], row["epoch"], row["first"], row["n"], row["body"]))
                for row in pages[start : start + step]
            ]
            sorts = {page.sort(place) for page in read for place in range(page.n)} & self._sorts.keys()
            touched = {self._sorts[sort]["scope"] for sort in sorts}
            new = touched - known
            scopes.append(
                (
                    self._insert("scope", [self._scopes[scope] for scope in sorted(new)]),
                    self._insert(
                        "sort", [self._sorts[sort] for sort in sorted(sorts) if self._sorts[sort]["scope"] in new]
                    ),
                    [_moved(self._scopes[scope]) for scope in sorted(touched & known)],
                )
            )
            known |= touched
        mark = self._kept.mark
        move = f"UPDATE scope SET {', '.join(f'{name} = {mark}' for name in _MOVES)} WHERE id = {mark}"  # noqa: S608  (ours)
        began = time.perf_counter()
        for number, (new_scopes, new_sorts, moved) in enumerate(scopes):
            connection.execute("BEGIN")
            new_scopes.run(connection, 0, len(new_scopes.values))
            new_sorts.run(connection, 0, len(new_sorts.values))
            connection.cursor().executemany(move, moved)
            for part, size in zip(parts, steps, strict=True):
                part.run(connection, number * size, (number + 1) * size)
            connection.execute("COMMIT")
        return time.perf_counter() - began


_Bound = tuple[object, ...]
_MOVES = ("moved_milli", "customer_milli", "newest_us", "reach_us", "on_hand_milli", "plain", "tail")


def _rows(connection: Any, table: str) -> list[Row]:
    found = connection.execute(f"SELECT * FROM {table}")  # noqa: S608  (our own tables)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found]


def _moved(scope: Row) -> _Bound:
    return tuple(scope[name] for name in (*_MOVES, "id"))


class _Insert:
    """Rows to be inserted by one statement that leaves out the columns that none of them has."""

    def __init__(self, table: str, rows: Sequence[Row], mark: str) -> None:
        names = list(rows[0]) if rows else []
        used = [name for name in names if any(row[name] is not None for row in rows)]
        self.values: list[_Bound] = [tuple(row[name] for name in used) for row in rows]
        self._sql = f"INSERT INTO {table} ({', '.join(used)}) VALUES ({', '.join([mark] * len(used))})"  # noqa: S608  (ours)

    def run(self, connection: Any, start: int, end: int) -> None:
        if start < min(end, len(self.values)):
            connection.cursor().executemany(self._sql, self.values[start:end])
