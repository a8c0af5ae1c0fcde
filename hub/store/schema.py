"""The tables of a store: made in a new one, brought up to date in an older one, refused in a newer one.

What is kept goes from release to release by the migrations beside this file. The books need none: where a release keeps
them otherwise, they are dropped and made anew of the logs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from typing import Final, NamedTuple

from sqlalchemy import MetaData, Table, UniqueConstraint, insert, select
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from hub.errors import BadInput
from hub.store.engine import Engine
from hub.store.migrations.running import upgrade
from hub.store.sql import Sql
from hub.store.statements import replacing
from hub.store.tables import KEPT, MADE, alembic_version, meta

REVISION: Final = "0003"
"""Of the tables that are kept: the newest of the migrations. A file of SQLite has it as its `user_version`, too."""
MEANING: Final = 2
"""Of the books: raised where their tables stay as they are and come to mean other things."""
REFOLD: Final = "refold"
"""The name in `meta` that says that the books are to be made anew; what empties them takes it away."""
BOOKS: Final = "books"
"""The name in `meta` of what the books look like."""
_SET: Final = replacing(meta)
_LOOK: Final = select(meta.c.value).where(meta.c.name == BOOKS)


class Found(NamedTuple):
    """What is in a store before it is opened: the names of its tables, and the revision of those that are kept."""

    tables: frozenset[str]
    revision: str | None


def prepare(engine: Engine, sql: Sql, found: Found) -> None:
    """Make the tables of a new store, or bring those of an older release up to date.

    The books that were made by an older one are dropped, to be made anew of the logs: `REFOLD`. Raises `BadInput`
    ("newer-store", "not-a-store").
    """
    if not found.tables:
        with _transaction(engine, sql):
            create(sql)
        return
    if found.revision is None:
        raise BadInput("not-a-store", "there are tables that are not ours")
    check_revision(found.revision)
    if found.revision != REVISION:
        upgrade(sql, found.revision)
    row = sql.execute(_LOOK).fetchone()
    if row is None or row[0] != books_look():
        with _transaction(engine, sql):
            for name in found.tables - KEPT.tables.keys() - {alembic_version.name}:
                sql.execute(DropTable(Table(name, MetaData())))
            _create(sql, MADE)
            sql.execute(_SET, {"name": BOOKS, "value": books_look()})
            sql.execute(_SET, {"name": REFOLD, "value": "1"})


def create(sql: Sql) -> None:
    """Make all tables where there are none, in a transaction that is open."""
    _create(sql, KEPT)
    _create(sql, MADE)
    sql.execute(CreateTable(alembic_version))
    sql.execute(insert(alembic_version).values(version_num=REVISION))
    sql.execute(_SET, {"name": BOOKS, "value": books_look()})


def check_revision(revision: str) -> None:
    """Raise `BadInput` ("newer-store") for what a later release wrote."""
    if int(revision) > int(REVISION):
        raise BadInput("newer-store", f"the store has schema {revision}; this release knows up to {REVISION}")


def check_books(sql: Sql, found: Found) -> None:
    """Raise `BadInput` ("older-store", "newer-store") unless a store is as this release keeps it."""
    if found.revision is not None:
        check_revision(found.revision)
    row = sql.execute(_LOOK).fetchone() if found.revision == REVISION else None
    if row is None or row[0] != books_look():
        raise BadInput("older-store", "it is of an older release; once started, this release makes its books anew")


def books_look() -> str:
    """Tell the books of this release from those of others: a hash of their tables and of what these mean."""
    looks: list[object] = [MEANING]
    for name, table in sorted(MADE.tables.items()):
        columns = [(column.name, str(column.type), column.nullable) for column in table.columns]
        keys = [list(part.columns.keys()) for part in (table.primary_key, *_unique(table))]
        indexes = sorted((str(index.name), list(index.columns.keys()), bool(index.unique)) for index in table.indexes)
        looks.append((name, columns, keys, indexes))
    return sha256(repr(looks).encode()).hexdigest()[:16]


def _create(sql: Sql, part: MetaData) -> None:
    for made in _making(part):
        sql.execute(made)


@cache
def _making(part: MetaData) -> tuple[CreateTable | CreateIndex, ...]:
    """Say how tables are made, always by the same statements: to compile one takes longer than to run it."""
    made: list[CreateTable | CreateIndex] = []
    for table in part.tables.values():
        made += [CreateTable(table), *(CreateIndex(index) for index in table.indexes)]
    return tuple(made)


def _unique(table: Table) -> list[UniqueConstraint]:
    return [part for part in table.constraints if isinstance(part, UniqueConstraint)]


@contextmanager
def _transaction(engine: Engine, sql: Sql) -> Iterator[None]:
    engine.begin(sql)
    try:
        yield
        engine.commit(sql)
    finally:
        engine.undo(sql)
