"""How far the fold has come in what is stored, and how much is left for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, literal, select, update

from hub.store import meta, tables
from hub.store.sql import Sql
from hub.store.statements import given, greatest, total

CURSOR = "fold-cursor"
_log, _reread = tables.log, tables.reread
_PASSED: Final = (
    update(_log)
    .where(_log.c.id == bindparam("log"))
    .values(
        folded=_log.c.folded + given("passed", _log.c.folded),
        movements=_log.c.movements + given("moved", _log.c.movements),
    )
)
_WAITING = (tables.chunk.c.to_fold != 0, tables.chunk.c.id > bindparam("cursor"))
_PASS_ENTRIES: Final = (
    update(_log)
    .where(_log.c.name == bindparam("log"))
    .values(
        folded=_log.c.folded
        + select(total(tables.chunk.c.n))
        .select_from(tables.chunk.join(tables.epoch, tables.epoch.c.id == tables.chunk.c.epoch))
        .where(tables.epoch.c.log == _log.c.id, *_WAITING)
        .scalar_subquery()
    )
)
_PASS_CHUNKS: Final = (
    update(tables.chunk)
    .where(
        *_WAITING,
        tables.chunk.c.epoch.in_(
            select(tables.epoch.c.id).join(_log, _log.c.id == tables.epoch.c.log).where(_log.c.name == bindparam("log"))
        ),
    )
    .values(to_fold=0)
)
_LEFT: Final = select(
    select(total(_log.c.committed - _log.c.folded)).where(_log.c.folds != 0).scalar_subquery(),
    select(total(greatest(literal(1), _reread.c.until - _reread.c.seq + 1))).scalar_subquery()
    + select(func.count()).select_from(tables.relink).scalar_subquery()
    + select(func.count()).select_from(tables.redocument).scalar_subquery()
    + select(func.count()).select_from(tables.recount).scalar_subquery()
    + select(func.count()).select_from(tables.retry).scalar_subquery()
    + select(func.count()).select_from(tables.tag_due).scalar_subquery(),
    select(func.count()).select_from(tables.resweep).scalar_subquery(),
)


class Left(NamedTuple):
    """What is left to do: entries not folded; entries to be read again (at most), codes, documents, sessions and tags
    to be looked up again; passes to be counted by their sweeps, once all else is done.
    """

    unread: int
    again: int
    sweeps: int

    @property
    def before_sweeps(self) -> int:
        """How much is to be done before tags are counted."""
        return self.unread + self.again

    @property
    def lag(self) -> int:
        """How much it is in all."""
        return self.before_sweeps + self.sweeps


def cursor(connection: Sql) -> int:
    """Give the row of the last chunk folded."""
    return int(meta.read(connection, CURSOR) or 0)


def move_cursor(connection: Sql, chunk: int) -> None:
    """Note the row of the last chunk folded."""
    meta.write(connection, CURSOR, str(chunk))


def folded(connection: Sql, passed: Mapping[int, int], moved: Mapping[int, int]) -> None:
    """Count what went by, and what of it went into the books, by log row; none where `moved` says nothing."""
    rows = [(entries, moved.get(log, 0), log) for log, entries in passed.items()]
    connection.executemany(_PASSED, rows, ("passed", "moved", "log"))


def pass_by(connection: Sql, log: str) -> None:
    """Leave out what waits for the fold in a log."""
    waiting = {"cursor": cursor(connection), "log": log}
    connection.execute(_PASS_ENTRIES, waiting)
    connection.execute(_PASS_CHUNKS, waiting)


def left(connection: Sql) -> Left:
    """Count what is left to do."""
    return Left(*connection.execute(_LEFT).fetchone())


def lag(connection: Sql) -> int:
    """Count what is left to do in all."""
    return left(connection).lag
