"""Where plain deltas are kept: one row for each chunk that was folded, its entries in columns.

    page.body = column "sort" | column "t_us" | column "err_us" | column "qty_milli"
    column    = width (1 byte: 1, 2, 4 or 8) | base (8 bytes) | for each entry its value - base

All numbers are little-endian. A plain delta stands, was read once, was told of once and names no document; which books
it is in, by which code and why is its sort's (`hub.store.standings`). Sort 0: the entry of that place is none, or its
row is in `entry`, where an entry goes when it becomes more than that.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence

from hub.errors import ContractBroken
from hub.store.sql import Sql

MOST = 1 << 16
"""The most entries of one page, so that a place is a number: page row and index."""
_HEAD = struct.Struct("<bq")
_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
_SELECT = "SELECT id, epoch, first, n, body FROM page"
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
    connection.executemany("INSERT INTO page (id, epoch, first, n, body) VALUES (?,?,?,?,?)", rows)


def row_holding(connection: Sql, epoch: int, seq: int) -> int | None:
    """Find the row of the last page of an epoch that begins at `seq` or before it."""
    row = connection.execute(
        "SELECT id FROM page WHERE epoch = ? AND first <= ? ORDER BY first DESC LIMIT 1", (epoch, seq)
    ).fetchone()
    return None if row is None else int(row[0])


def by_id(connection: Sql, page: int) -> Page:
    """Give a page that is there."""
    row = connection.execute(f"{_SELECT} WHERE id = ?", (page,)).fetchone()
    if row is None:
        raise ContractBroken(f"there is no page {page}")
    return Page(row)


def newest_first(connection: Sql, epoch: int, below: int) -> Iterator[Page]:
    """Walk the pages of an epoch that have places below seq `below`."""
    while True:
        row = connection.execute(
            f"{_SELECT} WHERE epoch = ? AND first < ? ORDER BY first DESC LIMIT 1", (epoch, below)
        ).fetchone()
        if row is None:
            return
        yield Page(row)
        below = row[2]


def oldest_first(connection: Sql) -> Iterator[Page]:
    """Walk all pages."""
    for row in connection.execute(f"{_SELECT} ORDER BY id"):
        yield Page(row)


def strike(connection: Sql, page: Page, places: Iterable[int]) -> Page:
    """Take entries out of their page; give the page as it is then."""
    row = page.without(places)
    connection.execute("UPDATE page SET body = ? WHERE id = ?", (row[4], row[0]))
    return Page(row)


def place_number(page: int, place: int) -> int:
    """Make one number of a page's row and a place in it."""
    return page * MOST + place
