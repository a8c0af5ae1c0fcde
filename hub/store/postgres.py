"""A database of PostgreSQL of a hub's own: one connection writes, another only reads.

One hub at a time has it: by a lock of the database that ends with the connection, however that ends. A connection that
was lost is made anew for the next transaction, and has to get the lock again.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any, Final

import psycopg
from psycopg import errors
from psycopg.abc import Buffer
from psycopg.pq import TransactionStatus
from psycopg.types.string import StrDumperUnknown
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import psycopg as dialect

from hub.errors import ContractBroken, HubError, TryAgain
from hub.store.engine import StoreDamaged
from hub.store.schema import Found, prepare
from hub.store.sql import Compiler, Sql
from hub.store.tables import alembic_version

_LOCK: Final = 0x53484C46
"""The number of the lock: "SHLF"."""
_CONNECT_S: Final = 10
_LOCK_S: Final = 3
"""How long the lock is waited for: the server may not have noticed yet that the hub before was killed."""
_TABLES: Final = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
# Seen while the server stops or starts, is full, or does not let us in: a person or a while may change that.
_MAY_PASS: Final = (psycopg.OperationalError, psycopg.InterfaceError, errors.InsufficientPrivilege)
_DAMAGED: Final = (errors.DataCorrupted, errors.IndexCorrupted)


@cache
def _compiler() -> Compiler:
    return Compiler(dialect.dialect(paramstyle="format"))  # type: ignore[no-untyped-call]


class Postgres:
    """The database at `url`, held by this process alone while its writer is open."""

    def __init__(self, url: str) -> None:
        """`url` is one of libpq: postgresql://user:password@host:port/database."""
        self.url = url
        self._writer: psycopg.Connection[Any] | None = None
        self._reader: psycopg.Connection[Any] | None = None

    def open_writer(self) -> Sql:
        """See `Engine.open_writer`."""
        connection = self._connect_writer()
        sql = self._sql(connection)
        prepare(self, sql, self.found(sql))
        return sql

    @staticmethod
    def found(sql: Sql) -> Found:
        """Look what is in the database."""
        names = frozenset(name for (name,) in sql.driver.execute(_TABLES))
        row = sql.execute(select(alembic_version.c.version_num)).fetchone() if alembic_version.name in names else None
        return Found(names, None if row is None else str(row[0]))

    def open_reader(self) -> Sql:
        """See `Engine.open_reader`."""
        return self._sql(self._connect_reader())

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

    def begin(self, sql: Sql) -> None:
        """See `Engine.begin`."""
        reader = self._reader
        if reader is not None and sql.driver is reader:
            if reader.broken or reader.closed:
                sql.driver = self._connect_reader()
            sql.driver.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        else:
            if self._writer is not None and (self._writer.broken or self._writer.closed):
                sql.driver = self._connect_writer()
            sql.driver.execute("BEGIN")

    def commit(self, sql: Sql) -> None:
        """See `Engine.commit`."""
        sql.driver.execute("COMMIT")

    def undo(self, sql: Sql) -> None:
        """See `Engine.undo`."""
        connection = self._reader if sql.driver is self._reader else self._writer
        if connection is not None and connection.info.transaction_status != TransactionStatus.IDLE:
            # A connection that is lost has no transaction either.
            with suppress(psycopg.OperationalError):
                connection.execute("ROLLBACK")

    def named(self, error: BaseException) -> HubError | None:
        """See `Engine.named`."""
        if not isinstance(error, psycopg.Error):
            return None
        said = str(error).strip()
        if isinstance(error, _DAMAGED):
            return StoreDamaged(f"the store's database: {said}")
        if isinstance(error, _MAY_PASS):
            return TryAgain(f"the store's database: {said}")
        return ContractBroken(f"the store's SQL: {said}")

    def _sql(self, connection: psycopg.Connection[Any]) -> Sql:
        return Sql(connection, _compiler(), errors.UniqueViolation)

    def _connect_writer(self) -> psycopg.Connection[Any]:
        connection = self._connect("hub: writes")
        try:
            connection.execute("SELECT set_config('lock_timeout', %s, false)", [f"{_LOCK_S}s"])
            connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        except errors.LockNotAvailable as error:
            connection.close()
            raise TryAgain("the store's database is in use by another hub") from error
        # What is told as committed has to be on the disk, whatever the server does by itself.
        connection.execute("SET synchronous_commit = on")
        self._writer = connection
        return connection

    def _connect_reader(self) -> psycopg.Connection[Any]:
        connection = self._reader = self._connect("hub: reads")
        connection.execute("SET default_transaction_read_only = on")
        return connection

    def _connect(self, name: str) -> psycopg.Connection[Any]:
        connection = psycopg.connect(self.url, autocommit=True, connect_timeout=_CONNECT_S, application_name=name)
        connection.adapters.register_dumper(str, _TextDumper)
        return connection


class _TextDumper(StrDumperUnknown):
    """Writes U+FFFD for the one character that PostgreSQL's texts cannot hold: U+0000, of which nobody means anything.

    The lines that it came in are bytes, and keep it.
    """

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\0", "\ufffd"))
