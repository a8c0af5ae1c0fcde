"""What a hub's tables are kept in: a file of SQLite or a database of PostgreSQL, with what only that one knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from hub.errors import HubError
from hub.store.sql import Sql


class StoreDamaged(HubError):
    """The store is no database, or one that contradicts itself: it takes a person and a backup."""


class Engine(Protocol):
    """Where the tables are. Its writing connection is used in one thread, its reading one in another."""

    def open_writer(self) -> Sql:
        """Take the store for this process alone, bring its tables up to date, and give the connection that writes.

        Raises `TryAgain`, `BadInput` ("newer-store", "not-a-store"), `StoreDamaged`, or an error that `named` knows.
        """
        ...

    def open_reader(self) -> Sql:
        """Give a connection that only reads, after `open_writer`. Raises as it does."""
        ...

    def close_reader(self) -> None:
        """Close the reading connection, if it is open."""
        ...

    def close_writer(self) -> None:
        """Close the writing connection, if it is open, and let the store go."""
        ...

    def begin(self, sql: Sql) -> None:
        """Begin a transaction of the writer, or for the reader one that sees a single state."""
        ...

    def commit(self, sql: Sql) -> None:
        """End a transaction of the writer: durable on return."""
        ...

    def undo(self, sql: Sql) -> None:
        """End a transaction as if it had never begun; harmless where none is open."""
        ...

    def named(self, error: BaseException) -> HubError | None:
        """Tell what the disk or the database did from what our own SQL did wrong; None if it is none of both."""
        ...


@contextmanager
def naming(engine: Engine) -> Iterator[None]:
    """Have what the engine raises told by what it means."""
    try:
        yield
    except Exception as error:
        if (named := engine.named(error)) is not None:
            raise named from error
        raise
