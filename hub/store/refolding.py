"""Empties the books, so that the fold makes them anew from the stored lines alone."""

from __future__ import annotations

from typing import Final

from sqlalchemy import delete, select, update

from hub.store import chunks, count_log, meta, tables
from hub.store.chunks import TO_FOLD
from hub.store.epochs import JOURNAL, OF_LOGS
from hub.store.folding import Fold
from hub.store.held_words import READER
from hub.store.reader_logs import HQ_CATALOGUE, NewEntries
from hub.store.schema import BOOKS, REFOLD
from hub.store.sql import Sql
from hub.store.statements import total
from hub.store.tables import MADE

_KEPT_META = ("catalogue-hash", "life", BOOKS, READER)
_AT_ONCE = 10_000

_LOG: Final = tables.log.c
_OF_CATALOGUE: Final = select(tables.epoch.c.id).select_from(OF_LOGS).where(_LOG.name == HQ_CATALOGUE)
_STORED: Final = (
    select(total(tables.chunk.c.n))
    .select_from(tables.chunk.join(tables.epoch, tables.epoch.c.id == tables.chunk.c.epoch))
    .where(tables.epoch.c.log == _LOG.id)
    .scalar_subquery()
)
_FORGET: Final = (
    *(delete(table) for table in MADE.tables.values()),
    delete(tables.quarantine).where(tables.quarantine.c.epoch.not_in(_OF_CATALOGUE)),
    update(tables.chunk).where(TO_FOLD, tables.chunk.c.epoch.in_(_OF_CATALOGUE)).values(to_fold=0),
    update(tables.log).where(_LOG.name != HQ_CATALOGUE).values(folded=0, movements=0),
    update(tables.log).where(_LOG.name == HQ_CATALOGUE).values(folded=_LOG.committed),
    # What a new epoch of the journal carried on was counted twice, as it was folded twice; now it is once.
    update(tables.log).where(_LOG.name == JOURNAL).values(committed=_STORED),
    delete(tables.meta).where(*(tables.meta.c.name != name for name in _KEPT_META)),
)


def is_due(connection: Sql) -> bool:
    """Say whether the books were dropped because another release had made them."""
    return meta.read(connection, REFOLD) is not None


def unfold(connection: Sql, fold: Fold) -> None:
    """Forget all that was folded but head office's catalogue, whose effects are the catalogue log's."""
    for statement in _FORGET:
        connection.execute(statement)
    count_log.drop(connection)
    fold.undone()
    after = 0
    while found := chunks.to_fold(connection, after, _AT_ONCE):
        fold.look_ahead(
            connection, [NewEntries(each.epoch, each.first, each.lines) for each in found if each.flag is None]
        )
        after = found[-1].id
