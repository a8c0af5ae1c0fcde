"""Where a store lives that is a database of PostgreSQL; the other kind is `hub.store.seats.FileSeat`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hub.errors import BadInput, ContractBroken
from hub.store import copying
from hub.store.engine import Engine, naming
from hub.store.holding import held
from hub.store.postgres import Postgres
from hub.store.schema import check_books
from hub.store.sql import Sql
from hub.store.sqlite_file import on_sqlite, reading


class PostgresSeat:
    """A database of PostgreSQL; `path` is where its file would be, if it were one."""

    def __init__(self, path: Path, url: str) -> None:
        self.path = path
        self.url = url
        self._held: tuple[Postgres, Sql] | None = None

    def engine(self) -> Engine:
        """See `Seat.engine`."""
        return Postgres(self.url)

    @contextmanager
    def held(self) -> Iterator[None]:
        """See `Seat.held`: hubs are kept away from the database, and other commands from the file made meanwhile."""
        engine = Postgres(self.url)
        with held(self.path), naming(engine):
            try:
                self._held = engine, engine.open_writer()
                yield
            finally:
                self._held = None
                engine.close_writer()

    @contextmanager
    def looking(self) -> Iterator[Sql]:
        """See `Seat.looking`."""
        engine = Postgres(self.url)
        with naming(engine):
            try:
                sql = engine.open_reader()
                engine.begin(sql)
                if not engine.found(sql).tables:
                    raise BadInput("no-store", "the store's database is empty")
                yield sql
            finally:
                engine.close_reader()

    def check_current(self, sql: Sql) -> None:
        """See `Seat.check_current`."""
        check_books(sql, Postgres(self.url).found(sql))

    def copy(self, sql: Sql, part: Path, rest: float, cancelled: Callable[[], bool]) -> None:
        """See `Seat.copy`."""
        self.check_current(sql)
        copying.copy_out(sql, part, cancelled)

    def put(self, prepared: Path, when: str) -> Path | None:
        """See `Seat.put`: what was there is kept as a file, beside where its own would be."""
        if self._held is None:
            raise ContractBroken("the database is not held")
        engine, sql = self._held
        aside = self.path.with_name(f"{self.path.name}-before-{when}")
        with self.looking() as there:
            copying.copy_out(there, aside, lambda: False)
        with closing(reading(prepared)) as connection:
            engine.begin(sql)
            copying.copy_rows(on_sqlite(connection), sql)
            engine.commit(sql)
        return aside
