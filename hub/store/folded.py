"""What of an epoch is in the books, wherever it is kept there."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from typing import Final

from sqlalchemy import bindparam, func, select, union_all

from hub.store import pages, tables
from hub.store.sql import Sql

_entry, _page = tables.entry, tables.page
_BELOW: Final = (
    select(_entry.c.seq, _entry.c.t_us, _entry.c.err_us)
    .where(_entry.c.epoch == bindparam("epoch"), _entry.c.seq < bindparam("below"))
    .order_by(_entry.c.seq.desc())
)
_other = _page.alias()
_LAST: Final = union_all(
    select(func.max(_entry.c.seq)).where(_entry.c.epoch == bindparam("epoch")),
    select(_page.c.first + _page.c.n - 1).where(
        _page.c.epoch == bindparam("epoch"),
        _page.c.first == select(func.max(_other.c.first)).where(_other.c.epoch == bindparam("epoch")).scalar_subquery(),
    ),
    select(func.max(tables.beside.c.seq)).where(tables.beside.c.epoch == bindparam("epoch")),
    select(func.max(tables.tag_told.c.seq)).where(tables.tag_told.c.epoch == bindparam("epoch")),
)


def times_before(connection: Sql, epoch: int, seq: int) -> Iterator[tuple[int, int, int]]:
    """Walk the entries of an epoch row below `seq` from the last on: seq, time, error."""
    rows = connection.walk(_BELOW, {"epoch": epoch, "below": seq})
    plain = (
        (page.first + place, *page.time(place))
        for page in pages.newest_first(connection, epoch, seq)
        for place in range(min(page.n, seq - page.first) - 1, -1, -1)
        if page.sort(place)
    )
    return merge(rows, plain, reverse=True)


def last_seq(connection: Sql, epoch: int) -> int | None:
    """Give the seq of the last entry of an epoch row in the books or beside them, or of one passed after it.

    None if there is none.
    """
    places = [last for (last,) in connection.execute(_LAST, {"epoch": epoch}).fetchall() if last is not None]
    return max(places, default=None)
