"""One SQLite file, one process, two connections: one writes and checkpoints, the other only reads.

The writer's connection is the only one that ever writes or checkpoints, so releases of SQLite before 3.51.3,
whose checkpoint can race a second writing connection, are safe here. The reader's connection is read-only and
never checkpoints, and so is that of a backup (`hub.store.backing_up`), in whatever process it is made.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from pathlib import Path
from typing import Final

from sqlalchemy.dialects import sqlite

from hub.errors import ContractBroken, HubError, TryAgain
from hub.store.engine import StoreDamaged
from hub.store.folder import sync_folder
from hub.store.holding import hold, release
from hub.store.schema import REVISION, Found, check_revision, create, prepare
from hub.store.sql import Compiler, Sql
from hub.store.whole_files import sync_file

APPLICATION_ID: Final = 0x53484C46
"""Marks a file as ours ("SHLF"), see https://www.sqlite.org/pragma.html#pragma_application_id."""
_BEFORE: Final = "0002"
"""The revision of files from before there were migrations: their tables that are kept are all alike."""
_CHECKPOINT_PAGES = 8000
_CACHE_KIB: Final = 64 * 1024
_MAY_PASS: Final = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
)


class SqliteFile:
    """The file at `path`, held by this process alone while its writer is open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: int | None = None
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None

    def open_writer(self) -> Sql:
        """See `Engine.open_writer`: creates the file if it is not there."""
        self._held = hold(self._path)
        self._settle()
        connection = self._writer = sqlite3.connect(self._path, isolation_level=None, cached_statements=256)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("PRAGMA temp_store = MEMORY")
        sql = on_sqlite(connection)
        prepare(self, sql, found(connection))
        mark_current(connection)
        return sql

    def open_reader(self) -> Sql:
        """See `Engine.open_reader`."""
        connection = self._reader = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, cached_statements=256
        )
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB // 4}")
        return on_sqlite(connection)

    def close_reader(self) -> None:
        """See `Engine.close_reader`."""
        connection, self._reader = self._reader, None
        if connection is not None:
            connection.close()

    def close_writer(self) -> None:
        """See `Engine.close_writer`."""
        connection, self._writer = self._writer, None
        if connection is not None:
            connection.close()
        held, self._held = self._held, None
        if held is not None:
            release(held)

    def begin(self, sql: Sql) -> None:
        """See `Engine.begin`."""
        sql.execute("BEGIN IMMEDIATE" if sql.driver is self._writer else "BEGIN")

    def commit(self, sql: Sql) -> None:
        """See `Engine.commit`."""
        sql.execute("COMMIT")

    def undo(self, sql: Sql) -> None:
        """See `Engine.undo`."""
        connection = self._writer if sql.driver is self._writer else self._reader
        if connection is not None and connection.in_transaction:
            connection.execute("ROLLBACK")

    def named(self, error: BaseException) -> HubError | None:
        """See `Engine.named`."""
        return named(error) if isinstance(error, sqlite3.DatabaseError) else None

    def _settle(self) -> None:
        """Sync what a hub that was killed may not have synced: before it is told as committed, it has to be.

        Raises `TryAgain`.
        """
        real = self._path.resolve()
        wal = real.with_name(f"{real.name}-wal")
        try:
            if wal.exists():
                sync_file(wal)
                sync_folder(real.parent)
        except OSError as error:
            raise TryAgain(f"{self._path}: {error}") from error


@cache
def _compiler() -> Compiler:
    """Compile each statement once a process, whichever file it is for."""
    return Compiler(sqlite.dialect(paramstyle="qmark"))


def on_sqlite(connection: sqlite3.Connection) -> Sql:
    """Run statements on a connection to any file."""
    return Sql(connection, _compiler(), sqlite3.IntegrityError)


def reading(source: Path) -> sqlite3.Connection:
    """Open a connection that can neither write nor checkpoint. Raises `sqlite3.DatabaseError`."""
    connection = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


def mark_current(connection: sqlite3.Connection) -> None:
    """Mark a file as ours, and of this release."""
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {int(REVISION)}")


def in_memory() -> Sql:
    """Give an empty store that lasts as long as what is given here is kept."""
    sql = on_sqlite(sqlite3.connect(":memory:", isolation_level=None))
    create(sql)
    return sql


def found(connection: sqlite3.Connection) -> Found:
    """Look what is in a file. Raises `BadInput` ("newer-store")."""
    names = frozenset(name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"))
    ours = connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    number: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if ours:
        check_revision(f"{number:04}")
    if "alembic_version" in names:
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return Found(names, revision)
    return Found(names, _BEFORE if ours else None)


def named(error: sqlite3.DatabaseError) -> HubError:
    """Tell what the disk or the file did from what our own SQL did wrong."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _MAY_PASS:
        return TryAgain(f"the store's file: {error}")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreDamaged(f"the store's file: {error}")
    return ContractBroken(f"the store's SQL: {error}")
