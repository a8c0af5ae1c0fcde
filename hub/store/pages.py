"""Where plain deltas are kept: one row for each chunk that was folded, its entries in columns.

    page.body = column "sort" | column "t_us" | column "err_us" | column "qty_milli"
    column    = width (1 byte: 1, 2, 4 or 8) | base (8 bytes) | for each entry its value - base

All numbers are little-endian. A plain delta stands, was read once, was told of once and names no document; which books
it is in, by which code and why is its sort's (`hub.store.standing`). Sort 0: the entry of that place is none, or its
row is in `entry`, where an entry goes when it becomes more than that.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import bindparam, func, select

from hub.errors import ContractBroken
from hub.store import tables
from hub.store.sql import Sql
from hub.store.statements import changing, given, putting

MOST = 1 << 16
"""The most entries of one page, so that a place is a number: page row and index."""
_HEAD = struct.Struct("<bq")
_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
_c = tables.page.c
_SELECT = select(_c.id, _c.epoch, _c.first, _c.n, _c.body)
_INSERT = putting(tables.page)
_REPLACE_BODY = changing(tables.page, "body")
_BY_ID = _SELECT.where(_c.id == bindparam("page"))
_OLDEST_FIRST = _SELECT.order_by(_c.id)
_HOLDING = (
    _SELECT.where(_c.epoch == bindparam("epoch"), _c.first <= bindparam("seq")).order_by(_c.first.desc()).limit(1)
)
_other = tables.page.alias().c
_AMONG = _SELECT.where(
    _c.epoch == bindparam("epoch"),
    _c.first <= bindparam("last"),
    _c.first
    >= func.coalesce(
        select(func.max(_other.first))
        .where(_other.epoch == bindparam("epoch"), _other.first <= bindparam("first"))
        .scalar_subquery(),
        given("first", _c.first),
    ),
)
PageRow = tuple[int, int, int, int, bytes]
"""id, epoch, first, n, body; the id is the chunk's."""


class Page:
    """A page read. Places count from 0."""

    __slots__ = ("_bases", "_columns", "epoch", "first", "id", "n")

    def __init__(self, row: PageRow) -> None:
        self.id, self.epoch, self.first, self.n, body = row
        self._bases: list[int] = []
        self._columns: list[array[int]] = []
        at = 0
        for _ in range(4):
            width, base = _HEAD.unpack_from(body, at)
            at += _HEAD.size
            values = array(_CODES[width])
            values.frombytes(body[at : at + width * self.n])
            if sys.byteorder == "big":
                values.byteswap()
            at += width * self.n
            self._bases.append(base)
            self._columns.append(values)

    @property
    def end(self) -> int:
        """The seq after the last entry's."""
        return self.first + self.n

    def sort(self, place: int) -> int:
        """Give the sort of an entry, 0 if it is not kept here."""
        return self._bases[0] + self._columns[0][place]

    def time(self, place: int) -> tuple[int, int]:
        """Give an entry's time and error."""
        return self._bases[1] + self._columns[1][place], self._bases[2] + self._columns[2][place]

    def qty_milli(self, place: int) -> int:
        return self._bases[3] + self._columns[3][place]

    def without(self, places: Iterable[int]) -> PageRow:
        """Give the row of the page without some of its entries."""
        columns = [[base + value for value in column] for base, column in zip(self._bases, self._columns, strict=True)]
        for place in places:
            columns[0][place] = 0
        return self.id, self.epoch, self.first, self.n, pack(columns)


def pack(columns: Sequence[Sequence[int]]) -> bytes:
    """Write the columns of a page, all of one length, at least one entry."""
    parts: list[bytes] = []
    for column in columns:
        base = min(column)
        span = max(column) - base
        width = 1 if span < 1 << 8 else 2 if span < 1 << 16 else 4 if span < 1 << 32 else 8
        values = array(_CODES[width], [value - base for value in column] if base else column)
        if sys.byteorder == "big":
            values.byteswap()
        parts += (_HEAD.pack(width, base), values.tobytes())
    return b"".join(parts)


def insert(connection: Sql, rows: Sequence[PageRow]) -> None:
    """Add pages."""
    connection.executemany(_INSERT, rows)


def holding(connection: Sql, epoch: int, seq: int) -> Page | None:
    """Find the page with the place of an entry."""
    row = connection.execute(_HOLDING, {"epoch": epoch, "seq": seq}).fetchone()
    found = None if row is None else Page(row)
    return found if found is not None and seq < found.end else None


def among(connection: Sql, epoch: int, first: int, last: int) -> list[Page]:
    """Give the pages of an epoch with the places of entries from seq `first` to `last`."""
    rows = connection.execute(_AMONG, {"epoch": epoch, "first": first, "last": last}).fetchall()
    return [found for row in rows if (found := Page(row)).end > first]


def by_id(connection: Sql, page: int) -> Page:
    """Give a page that is there."""
    row = connection.execute(_BY_ID, {"page": page}).fetchone()
    if row is None:
        raise ContractBroken(f"there is no page {page}")
    return Page(row)


def newest_first(connection: Sql, epoch: int, below: int) -> Iterator[Page]:
    """Walk the pages of an epoch that have places below seq `below`."""
    while True:
        row = connection.execute(_HOLDING, {"epoch": epoch, "seq": below - 1}).fetchone()
        if row is None:
            return
        yield Page(row)
        below = row[2]


def oldest_first(connection: Sql) -> Iterator[Page]:
    """Walk all pages."""
    for row in connection.walk(_OLDEST_FIRST):
        yield Page(row)


def strike(connection: Sql, page: Page, places: Iterable[int]) -> Page:
    """Take entries out of their page; give the page as it is then."""
    row = page.without(places)
    connection.executemany(_REPLACE_BODY, [(row[4], row[0])])
    return Page(row)


def place_number(page: int, place: int) -> int:
    """Make one number of a page's row and a place in it."""
    return page * MOST + place
