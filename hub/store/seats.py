"""Where a store lives, for whoever copies it, holds it against its logs, or puts another in its place.

What is copied is a file of SQLite, wherever it comes from, and so is what comes in its place. So a backup of either
kind of store is put back as either, which is also how a shop comes from the one to the other.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Protocol

from hub.errors import BadInput
from hub.store import copying
from hub.store.engine import Engine
from hub.store.holding import held, swap_in
from hub.store.schema import check_books
from hub.store.sql import Sql
from hub.store.sqlite_file import APPLICATION_ID, SqliteFile, found, named, on_sqlite, reading

Cancelled = Callable[[], bool]


class Seat(Protocol):
    """A store's. `path` is the file it is, or beside which files of its own are made."""

    @property
    def path(self) -> Path:
        """See above."""
        ...

    def engine(self) -> Engine:
        """Give what runs a hub on it."""
        ...

    def held(self) -> AbstractContextManager[None]:
        """Keep hubs away while the context lasts. Raises `TryAgain` while one has it."""
        ...

    def looking(self) -> AbstractContextManager[Sql]:
        """See one moment of it, beside a hub that may run.

        Raises `BadInput` ("no-store", "not-a-store"), `TryAgain`, `StoreDamaged`.
        """
        ...

    def check_current(self, sql: Sql) -> None:
        """Raise `BadInput` ("older-store", "newer-store") unless it is as this release writes it."""
        ...

    def copy(self, sql: Sql, part: Path, rest: float, cancelled: Cancelled) -> None:
        """Copy what `sql` sees to a new file of SQLite, synced. Raises as `copying` says."""
        ...

    def put(self, prepared: Path, when: str) -> Path | None:
        """Put a file that nobody has open in its place; give where what was there is kept, None if nothing was."""
        ...


def seat_at(path: Path, url: str | None) -> Seat:
    """Give the seat of a store: the database at `url` if there is one, else the file at `path`."""
    if url is None:
        return FileSeat(path)
    # Here, because a hub on a file is ready sooner without the other's libraries, and smaller.
    from hub.store.postgres_seat import PostgresSeat

    return PostgresSeat(path, url)


class FileSeat:
    """A file of SQLite."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def engine(self) -> Engine:
        """See `Seat.engine`."""
        return SqliteFile(self.path)

    def held(self) -> AbstractContextManager[None]:
        """See `Seat.held`."""
        return held(self.path)

    @contextmanager
    def looking(self) -> Iterator[Sql]:
        """See `Seat.looking`."""
        if not self.path.exists():
            raise BadInput("no-store", f"there is no {self.path}")
        try:
            with closing(reading(self.path)) as connection:
                if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                    raise BadInput("not-a-store", f"{self.path} is no hub's file")
                connection.execute("BEGIN")
                yield on_sqlite(connection)
        except sqlite3.DatabaseError as error:
            raise named(error) from error

    def check_current(self, sql: Sql) -> None:
        """See `Seat.check_current`."""
        connection = sql.driver
        assert isinstance(connection, sqlite3.Connection)
        check_books(sql, found(connection))

    def copy(self, sql: Sql, part: Path, rest: float, cancelled: Cancelled) -> None:
        """See `Seat.copy`."""
        copying.copy_file(sql, part, rest, cancelled)

    def put(self, prepared: Path, when: str) -> Path | None:
        """See `Seat.put`."""
        aside = swap_in(self.path, prepared, when)
        return aside if aside.exists() else None
