"""The store's two threads: all writing on one connection, all web reading on another."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from hub.errors import ContractBroken
from hub.store.engine import Engine, naming
from hub.store.sql import Sql
from hub.store.worker import Worker

T = TypeVar("T")


class Follower(Protocol):
    """Whoever remembers something between transactions; both calls come in the writer's thread."""

    def committed(self, connection: Sql) -> None:
        """A transaction is durable; nothing may be written here."""
        ...

    def undone(self) -> None:
        """A transaction did not happen: what was remembered of it is wrong."""
        ...


class Database:
    """What an engine keeps, held by this process alone from `open` to `close`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writer: Sql | None = None
        self._reader: Sql | None = None
        self._writing: Worker | None = None
        self._reading: Worker | None = None
        self._followers: tuple[Follower, ...] = ()

    async def open(self) -> None:
        """Create or open the store.

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
        """Let the store go; harmless when repeated. Waits for what is under way."""
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

    async def write(self, job: Callable[[Sql], T]) -> T:
        """Run `job` in one transaction, durable when this returns.

        Raises `TryAgain` when the disk would not take it, and whatever `job` raises; nothing has happened then. But a
        database that dies may have committed without having said so: after a `TryAgain` of `Postgres` nobody knows.
        """
        if self._writing is None:
            raise ContractBroken("the store is not open")
        return await self._writing.run(lambda: self._transact(job))

    async def answers(self) -> None:
        """Return once the writer's thread could do something; nothing is written."""
        if self._writing is not None:
            await self._writing.run(lambda: None)

    def awaited(self) -> bool:
        """Say whether another transaction waits for the one under way; for a long one to ask, which may end early."""
        return self._writing is not None and self._writing.awaited()

    async def read(self, job: Callable[[Sql], T]) -> T:
        """Run `job` on one consistent state of the store, beside the writer. Raises as `write` does."""
        if self._reading is None:
            raise ContractBroken("the store is not open")
        return await self._reading.run(lambda: self._look(job))

    def _transact(self, job: Callable[[Sql], T]) -> T:
        sql = self._writer
        if sql is None:
            raise ContractBroken("the store is not open")
        try:
            self._engine.begin(sql)
            with _uncollected():
                result = job(sql)
            self._engine.commit(sql)
        except BaseException as error:
            self._engine.undo(sql)
            for follower in self._followers:
                follower.undone()
            if (named := self._engine.named(error)) is not None:
                raise named from error
            raise
        for follower in self._followers:
            follower.committed(sql)
        return result

    def _look(self, job: Callable[[Sql], T]) -> T:
        sql = self._reader
        if sql is None:
            raise ContractBroken("the store is not open")
        with naming(self._engine):
            self._engine.begin(sql)
            try:
                return job(sql)
            finally:
                self._engine.undo(sql)

    def _open_writer(self) -> None:
        with naming(self._engine):
            self._writer = self._engine.open_writer()

    def _open_reader(self) -> None:
        with naming(self._engine):
            self._reader = self._engine.open_reader()

    def _close_reader(self) -> None:
        self._reader = None
        self._engine.close_reader()

    def _close_writer(self) -> None:
        self._writer = None
        self._engine.close_writer()


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
