"""Copies a store, page by page where it is a file of SQLite, row by row from one engine to another."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final

from sqlalchemy import Boolean, Text, delete, func, literal, select

from hub.errors import HubError, TryAgain
from hub.store.schema import create
from hub.store.sql import Sql
from hub.store.sqlite_file import mark_current, on_sqlite
from hub.store.statements import putting
from hub.store.tables import KEPT, MADE

STEP_PAGES = 256
"""Copied at once: 1 MiB with SQLite's usual pages."""
SYNC_EVERY_STEPS = 8
"""So that the disk never has a mountain of pages to write when the hub's next commit wants to be synced."""
_REST_AT_MOST_S = 0.25
_SPARE_BYTES = 1 << 20
_ROWS_AT_ONCE: Final = 1000


class Cancelled(HubError):
    """The copying was told to stop."""


def copy_file(sql: Sql, part: Path, rest: float, cancelled: Callable[[], bool]) -> None:
    """Copy the file that `sql` sees to the new file `part`, synced; between steps, `rest` leaves the disk to others.

    Within a transaction it is one moment, whoever commits meanwhile. Raises `TryAgain` where there is no room,
    `sqlite3.DatabaseError`, `OSError`, `Cancelled`.
    """
    connection = sql.driver
    assert isinstance(connection, sqlite3.Connection)
    _check_room(connection, part)
    steps = 0
    began_s = time.monotonic()
    target = sqlite3.connect(part, isolation_level=None)
    to = os.open(part, os.O_RDONLY | os.O_CLOEXEC)

    def after_step(status: int, left: int, pages: int) -> None:
        nonlocal steps, began_s
        if cancelled():
            raise Cancelled("the backup was told to stop")
        steps += 1
        if steps % SYNC_EVERY_STEPS == 0:
            os.fdatasync(to)
        time.sleep(min(_REST_AT_MOST_S, rest * (time.monotonic() - began_s)))
        began_s = time.monotonic()

    try:
        # It is synced by us, at the end; until then it has a name that nobody takes for a whole one.
        target.execute("PRAGMA synchronous = OFF")
        target.execute("PRAGMA journal_mode = OFF")
        connection.backup(target, pages=STEP_PAGES, progress=after_step)
        # One file, that can be read where nothing can be written beside it.
        target.execute("PRAGMA journal_mode = DELETE")
    finally:
        target.close()
        os.fsync(to)
        os.close(to)


def _check_room(connection: sqlite3.Connection, part: Path) -> None:
    pages, page_bytes = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    there = os.statvfs(part.parent)
    free, wanted = there.f_bavail * there.f_frsize, pages * page_bytes + _SPARE_BYTES
    if free < wanted:
        raise TryAgain(f"no room in {part.parent}: {wanted // 1_000_000} MB wanted, {free // 1_000_000} MB free")


def copy_out(sql: Sql, part: Path, cancelled: Callable[[], bool]) -> None:
    """Copy what `sql` sees of another engine to a new file of SQLite, synced. Raises `Cancelled`, `sqlite3.Error`."""
    with closing(sqlite3.connect(part, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN")
        target = on_sqlite(connection)
        create(target)
        copy_rows(sql, target, cancelled)
        connection.execute("COMMIT")
        mark_current(connection)


def copy_rows(source: Sql, target: Sql, cancelled: Callable[[], bool] = lambda: False) -> None:
    """Put the rows of one store in the place of those of another, of the same tables, in its open transaction."""
    for table in (*KEPT.tables.values(), *MADE.tables.values()):
        target.execute(delete(table))
        names = tuple(column.name for column in table.columns)
        put, rows = putting(table), source.walk(select(table))
        with closing(rows):
            while some := list(islice(rows, _ROWS_AT_ONCE)):
                if cancelled():
                    raise Cancelled("the backup was told to stop")
                target.executemany(put, some, names)
        if target.engine == "postgresql" and table.primary_key.columns.keys() == ["id"]:
            # Rows that come later are numbered from there on.
            newest = select(func.coalesce(func.max(table.c.id), 0) + 1).scalar_subquery()
            sequence = func.pg_get_serial_sequence(literal(table.name, Text), literal("id", Text))
            target.execute(select(func.setval(sequence, newest, literal(False, Boolean))))
