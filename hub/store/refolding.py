"""Empties the books, so that the fold makes them anew from the stored lines alone."""

from __future__ import annotations

from hub.store import chunks
from hub.store.folding import Fold
from hub.store.reader_logs import HQ_CATALOGUE, NewEntries
from hub.store.schema import BOOKS, REFOLD
from hub.store.sql import Sql
from hub.store.tables import MADE

_KEPT_META = ("catalogue-hash", "life", BOOKS)
_AT_ONCE = 10_000


def is_due(connection: Sql) -> bool:
    """Say whether the books were dropped because another release had made them."""
    return connection.execute("SELECT 1 FROM meta WHERE name = ?", (REFOLD,)).fetchone() is not None


def unfold(connection: Sql, fold: Fold) -> None:
    """Forget all that was folded but head office's catalogue, whose effects are the catalogue log's."""
    catalogue = """SELECT epoch.id FROM epoch JOIN log ON log.id = epoch.log WHERE log.name = ?"""
    for table in MADE.tables:
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own table names
    connection.execute(f"DELETE FROM quarantine WHERE epoch NOT IN ({catalogue})", (HQ_CATALOGUE,))  # noqa: S608
    connection.execute(f"UPDATE chunk SET to_fold = 0 WHERE to_fold AND epoch IN ({catalogue})", (HQ_CATALOGUE,))  # noqa: S608
    connection.execute("UPDATE log SET folded = 0, movements = 0 WHERE name <> ?", (HQ_CATALOGUE,))
    connection.execute("UPDATE log SET folded = committed WHERE name = ?", (HQ_CATALOGUE,))
    connection.execute("DELETE FROM meta WHERE name NOT IN (?,?,?)", _KEPT_META)
    fold.undone()
    after = 0
    while found := chunks.to_fold(connection, after, _AT_ONCE):
        fold.look_ahead(
            connection, [NewEntries(each.epoch, each.first, each.lines) for each in found if each.flag is None]
        )
        after = found[-1].id
