"""What the books say, as rows of tables for other programs: stock, counts, movements; on a reader's connection.

The words and units are those of REST: `_milli` is thousandths of the item's unit, `_us` UTC microseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hub.ledger.entries import Count, Delta
from hub.store import stock_queries
from hub.store.books import StoredBooks
from hub.store.epochs import EpochRows
from hub.store.reading import NO_ITEM
from hub.store.sql import Sql
from hub.store.unlogged import is_withdrawn

Cell = str | int | bool | None
Row = tuple[Cell, ...]

STOCK: Final = (
    *("item", "name", "unit", "area", "on_hand_milli", "lo_milli", "hi_milli", "available_milli", "reserved_milli"),
    *("safety_milli", "unanchored", "ambiguous", "counted_us", "final", "price_minor", "currency"),
)
COUNTS: Final = (
    *("entry", "item", "area", "session", "counted_milli", "expected_milli", "variance_milli", "opening"),
    *("from_us", "t_us", "err_us"),
)
MOVEMENTS: Final = (
    *("entry", "item", "area", "qty_milli", "reason", "document", "code", "t_us", "err_us", "taken_back_by"),
)


def stock(sql: Sql, now_us: int) -> Iterator[Row]:
    """Give the figures of all items that have books, by item and area."""
    after: str | None = None
    while True:
        page = stock_queries.stock(sql, after, stock_queries.MAX_PAGE, "", now_us)
        for row in page.rows:
            yield tuple(getattr(row, name) for name in STOCK)
        if (after := page.next) is None:
            return


def counts(sql: Sql) -> Iterator[Row]:
    """Give the counts that stand, those of an item and area together, in the order of time."""
    books = _books(sql)
    sessions: dict[object, tuple[str | None, int]] = {
        kept.read.entry.id: (kept.read.entry.document, kept.read.entry.err_us)
        for kept in books.entries()
        if isinstance(kept.read.entry, Count)
    }
    for scope in sorted(books.scopes()):
        for figure in sorted(books.counts(scope), key=lambda figure: figure.key):
            session, err_us = sessions.get(figure.id, (None, 0))
            yield (
                *(str(figure.id), scope.item, scope.area, session, figure.qty_milli, figure.expected_milli),
                *(figure.variance_milli, figure.opening, figure.from_us, figure.t_us, err_us),
            )


def movements(sql: Sql) -> Iterator[Row]:
    """Give every movement of an item that is known, also what was taken back."""
    for kept in _books(sql).entries():
        entry = kept.read.entry
        if isinstance(entry, Delta) and entry.scope.item != NO_ITEM and not is_withdrawn(entry):
            back = None if kept.reversed_by is None else str(kept.reversed_by)
            yield (
                *(str(entry.id), entry.scope.item, entry.scope.area, entry.qty_milli, entry.reason.value),
                *(entry.document, kept.read.code, entry.t_us, entry.err_us, back),
            )


def _books(sql: Sql) -> StoredBooks:
    books = StoredBooks(EpochRows())
    books.begin(sql)
    return books
