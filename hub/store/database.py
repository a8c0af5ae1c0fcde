"""One SQLite file, one process, two threads: all writing on one connection, all web reading on another.

The writer's connection is the only one that ever writes or checkpoints, so releases of SQLite before 3.51.3,
whose checkpoint can race a second writing connection, are safe here. The reader's connection is read-only and
never checkpoints, and so is that of a backup (`hub.store.backing_up`), in whatever process it is made.
"""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from hub.errors import ContractBroken, HubError, TryAgain
from hub.store import price_history
from hub.store.folder import sync_folder
from hub.store.holding import hold, release
from hub.store.schema import prepare
from hub.store.whole_files import sync_file
from hub.store.worker import Worker

T = TypeVar("T")

_CHECKPOINT_PAGES = 8000
_CACHE_KIB = 64 * 1024
_MAY_PASS = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
)


class StoreDamaged(HubError):
    """The file is no database, or one that contradicts itself: it takes a person and a backup."""


class Follower(Protocol):
    """Whoever remembers something between transactions; both calls come in the writer's thread."""

    def committed(self, connection: sqlite3.Connection) -> None:
        """A transaction is durable; nothing may be written here."""
        ...

    def undone(self) -> None:
        """A transaction did not happen: what was remembered of it is wrong."""
        ...


class Database:
    """The file at `path`, held by this process alone from `open` to `close`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: int | None = None
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._writing: Worker | None = None
        self._reading: Worker | None = None
        self._followers: tuple[Follower, ...] = ()

    async def open(self) -> None:
        """Create or open the file.

        Raises `TryAgain` (another hub holds it; the disk), `BadInput` ("newer-store", "not-a-store"), `StoreDamaged`.
        """
        if self._writing is not None:
            raise ContractBroken("the store is open already")
        self._writing = Worker("hub-store-writer")
        self._reading = Worker("hub-store-reader")
        try:
            await self._writing.run(self._open_writer)
            await self._reading.run(self._open_reader)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let the file go; harmless when repeated. Waits for what is under way."""
        self._followers = ()
        reading, self._reading = self._reading, None
        if reading is not None:
            await reading.run(self._close_reader)
            reading.stop()
        writing, self._writing = self._writing, None
        if writing is not None:
            await writing.run(self._close_writer)
            writing.stop()

    def follow(self, follower: Follower) -> None:
        """Tell `follower` of every transaction from now on."""
        self._followers = (*self._followers, follower)

    async def write(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run `job` in one transaction, durable when this returns.

        Raises `TryAgain` when the disk would not take it, and whatever `job` raises; nothing has happened then.
        """
        if self._writing is None:
            raise ContractBroken("the store is not open")
        return await self._writing.run(lambda: self._transact(job))

    def awaited(self) -> bool:
        """Say whether another transaction waits for the one under way; for a long one to ask, which may end early."""
        return self._writing is not None and self._writing.awaited()

    async def read(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run `job` on one consistent state of the file, beside the writer. Raises as `write` does."""
        if self._reading is None:
            raise ContractBroken("the store is not open")
        return await self._reading.run(lambda: self._look(job))

    def _transact(self, job: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._writer
        if connection is None:
            raise ContractBroken("the store is not open")
        try:
            connection.execute("BEGIN IMMEDIATE")
            with _uncollected():
                result = job(connection)
            connection.execute("COMMIT")
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            for follower in self._followers:
                follower.undone()
            if isinstance(error, sqlite3.DatabaseError):
                raise named(error) from error
            raise
        for follower in self._followers:
            follower.committed(connection)
        return result

    def _look(self, job: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._reader
        if connection is None:
            raise ContractBroken("the store is not open")
        try:
            connection.execute("BEGIN")
            try:
                return job(connection)
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.DatabaseError as error:
            raise named(error) from error

    def _open_writer(self) -> None:
        self._held = hold(self._path)
        self._settle()
        try:
            self._prepare_writer()
        except sqlite3.DatabaseError as error:
            raise named(error) from error

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

    def _prepare_writer(self) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None, cached_statements=256)
        self._writer = connection
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("PRAGMA temp_store = MEMORY")
        prepare(connection)
        price_history.prepare(connection)

    def _open_reader(self) -> None:
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, cached_statements=256
        )
        self._reader = connection
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB // 4}")

    def _close_reader(self) -> None:
        connection, self._reader = self._reader, None
        if connection is not None:
            connection.close()

    def _close_writer(self) -> None:
        connection, self._writer = self._writer, None
        if connection is not None:
            connection.close()
        held, self._held = self._held, None
        if held is not None:
            release(held)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the collector of cycles away: a large job makes objects by the hundred thousand and no cycle among them.

    To look through them every few hundred costs a quarter of its time. Other threads lose nothing but that their
    cycles wait for the end of the job.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def named(error: sqlite3.DatabaseError) -> HubError:
    """Tell what the disk or the file did from what our own SQL did wrong."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _MAY_PASS:
        return TryAgain(f"the store's file: {error}")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreDamaged(f"the store's file: {error}")
    return ContractBroken(f"the store's SQL: {error}")
