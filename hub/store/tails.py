"""Which plain deltas a scope has: times and places in `page`, the newest in the scope's row, older ones in runs.

    scope.tail, run.body = (t_us, place) of each delta, 8 bytes little-endian each, in the order they were folded

A tail that has grown long becomes a row of `run`, so that a delta touches no row of its own. What is written here
stays: when an entry leaves its page, its mention here is void and says nothing.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from sqlalchemy import bindparam, select

from hub.store import pages
from hub.store.pages import MOST, Page
from hub.store.sql import Sql
from hub.store.statements import putting
from hub.store.tables import run

LONGEST = 32
"""Deltas in a tail; one that has more is moved to a run."""
REF_BYTES = 16


class Found(NamedTuple):
    """A plain delta of a scope: its page and its place there."""

    t_us: int
    page: Page
    place: int

    @property
    def seq(self) -> int:
        return self.page.first + self.place


class Pages:
    """Pages read by one batch or one question, each once."""

    def __init__(self, connection: Sql) -> None:
        self._connection = connection
        self._known: dict[int, Page] = {}
        self._last: dict[int, Page] = {}

    def get(self, page: int) -> Page:
        known = self._known.get(page)
        if known is None:
            known = self._known[page] = pages.by_id(self._connection, page)
        return known

    def holding(self, epoch: int, seq: int) -> Page | None:
        """Find the page with the place of an entry."""
        last = self._last.get(epoch)
        if last is not None and last.first <= seq < last.end:
            return self._known[last.id]
        found = pages.holding(self._connection, epoch, seq)
        if found is None:
            return None
        self._last[epoch] = found = self._known.setdefault(found.id, found)
        return found

    def among(self, epoch: int, first: int, last: int) -> list[Page]:
        """See `pages.among`."""
        found = pages.among(self._connection, epoch, first, last)
        return [self._known.setdefault(page.id, page) for page in found]

    def strike(self, page: Page, places: Iterable[int]) -> None:
        """See `pages.strike`."""
        self._known[page.id] = pages.strike(self._connection, page, places)


def packed(refs: Sequence[int]) -> bytes:
    """Write times and places, one after the other."""
    values = array("q", refs)
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()


def unpacked(body: bytes) -> array[int]:
    """Undo `packed`."""
    values = array("q")
    values.frombytes(body)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def spilled(scope: int, tail: bytes) -> tuple[int, int, int, bytes]:
    """Make the row of `run` that a tail becomes: scope, oldest, newest, body."""
    times = unpacked(tail)[::2]
    return scope, min(times), max(times), tail


INSERT_RUN: Final = putting(run, "scope", "from_us", "until_us", "body")
_TOUCHING = select(run.c.until_us, run.c.body).where(
    run.c.scope == bindparam("scope"), run.c.until_us >= bindparam("low"), run.c.from_us <= bindparam("high")
)
_NEWEST_FIRST = (
    select(run.c.until_us, run.c.body)
    .where(run.c.scope == bindparam("scope"), run.c.from_us <= bindparam("high"))
    .order_by(run.c.until_us.desc())
)


def between(connection: Sql, known: Pages, scope: int, tail: bytes, low: int, high: int) -> list[Found]:
    """Give the plain deltas of a scope row with low <= t_us <= high, in any order; `tail` is as the row's stands."""
    bodies = [tail]
    rows = connection.execute(_TOUCHING, {"scope": scope, "low": low, "high": high})
    bodies += [body for _, body in rows.fetchall()]
    return [found for body in bodies for found in _found(known, body, low, high)]


def newest_first(connection: Sql, known: Pages, scope: int, tail: bytes, high: int) -> Iterator[list[Found]]:
    """Give the plain deltas of a scope row with t_us <= `high`, in parts none of which has a newer one than the part
    before; within a part the newest first."""
    waiting = _found(known, tail, -(1 << 62), high)
    for until_us, body in connection.walk(_NEWEST_FIRST, {"scope": scope, "high": high}):
        ready = [found for found in waiting if found.t_us > until_us]
        if ready:
            waiting = [found for found in waiting if found.t_us <= until_us]
            yield sorted(ready, key=_newest, reverse=True)
        waiting += _found(known, body, -(1 << 62), high)
    yield sorted(waiting, key=_newest, reverse=True)


def _newest(found: Found) -> tuple[int, int, int]:
    return found.t_us, found.page.epoch, found.seq


def _found(known: Pages, body: bytes, low: int, high: int) -> list[Found]:
    refs = unpacked(body)
    found: list[Found] = []
    for at in range(0, len(refs), 2):
        t_us = refs[at]
        if low <= t_us <= high:
            row, place = divmod(refs[at + 1], MOST)
            page = known.get(row)
            if page.sort(place):
                found.append(Found(t_us, page, place))
    return found
