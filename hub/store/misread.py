"""Finds what was read by words that do not hold any more, and notes where in its log it stands, to be read again."""

from __future__ import annotations

from typing import Final

from sqlalchemy import case, func, select

from hub.store import tails
from hub.store.entry_rows import REVERSAL
from hub.store.epochs import COUNTS, JOURNAL
from hub.store.pages import MOST
from hub.store.reading import NO_ITEM
from hub.store.sql import Sql
from hub.store.statements import given, greatest, putting
from hub.store.tables import entry, epoch, log, page, reread, run, scope
from protocol.identity import PlaceId

_FOR_EVER_US: Final = 1 << 62


class Misread:
    """Collects, in a transaction, what decisions just taken concern; `forget` after one that did not happen."""

    def __init__(self) -> None:
        self._spans: dict[PlaceId | None, tuple[int, int]] = {}

    def forget(self) -> None:
        """Forget what was added."""
        self._spans.clear()

    def __bool__(self) -> bool:
        """Whether there is anything to be noted."""
        return bool(self._spans)

    def add(self, area: PlaceId | None, from_us: int, until_us: int | None) -> None:
        """Add what stations scanned from a moment until before another (None: ever after), filed in an area, or all."""
        low, high = self._spans.get(area, (_FOR_EVER_US, -_FOR_EVER_US))
        self._spans[area] = min(low, from_us), max(high, _FOR_EVER_US if until_us is None else until_us)

    def note(self, sql: Sql) -> None:
        """Note all of it. The figures of scopes have to be written before (`StoredBooks.write_scopes`)."""
        everywhere = self._spans.pop(None, None)
        if everywhere is not None:
            for (area,) in sql.execute(_AREAS).fetchall():
                self.add(PlaceId(area), *everywhere)
        for area, (from_us, until_us) in self._spans.items():
            if area is not None:
                filed = _filed(sql, area, from_us, until_us)
                sql.executemany(READ_AGAIN, [(row, *span) for row, span in filed.items()])
        self._spans.clear()


_AREAS: Final = select(scope.c.area).where(scope.c.item != NO_ITEM).distinct()
_NEW: Final = putting(reread)
READ_AGAIN: Final = _NEW.on_conflict_do_update(
    index_elements=[reread.c.epoch],
    set_={
        "seq": case((_NEW.excluded.seq < reread.c.seq, _NEW.excluded.seq), else_=reread.c.seq),
        "until": greatest(_NEW.excluded.until, reread.c.until),
    },
)
_ROWS: Final = (
    select(entry.c.epoch, func.min(entry.c.seq), func.max(entry.c.seq))
    .join(scope, scope.c.id == entry.c.scope)
    .join(epoch, epoch.c.id == entry.c.epoch)
    .join(log, log.c.id == epoch.c.log)
    .where(
        scope.c.area == given("area", scope.c.area),
        scope.c.item != NO_ITEM,
        entry.c.t_us >= given("from_us", entry.c.t_us),
        entry.c.t_us < given("until_us", entry.c.t_us),
        entry.c.kind < REVERSAL,
        log.c.name != JOURNAL,
        log.c.name != COUNTS,
    )
    .group_by(entry.c.epoch)
)
_ALL_PAGES: Final = select(page.c.epoch, func.min(page.c.first), func.max(page.c.first + page.c.n - 1)).group_by(
    page.c.epoch
)
_TAILS: Final = select(scope.c.id, scope.c.tail).where(
    scope.c.area == given("area", scope.c.area),
    scope.c.item != NO_ITEM,
    scope.c.newest_us >= given("from_us", scope.c.newest_us),
    scope.c.plain > 0,
)
_RUNS: Final = select(run.c.body).where(
    run.c.scope == given("scope", run.c.scope),
    run.c.until_us >= given("from_us", run.c.until_us),
    run.c.from_us < given("until_us", run.c.from_us),
)
_PAGE: Final = select(page.c.epoch, page.c.first, page.c.first + page.c.n - 1).where(
    page.c.id == given("id", page.c.id)
)


def _filed(sql: Sql, area: PlaceId, from_us: int, until_us: int) -> dict[int, tuple[int, int]]:
    """Give, by epoch row, the first and last seq of what stations scanned in a span of time and an area's books hold.

    There may be others in between, which are read again for nothing.
    """
    found: dict[int, tuple[int, int]] = {}

    def add(epoch_row: int, first: int, last: int) -> None:
        low, high = found.get(epoch_row, (first, last))
        found[epoch_row] = min(low, first), max(high, last)

    span = {"from_us": from_us, "until_us": until_us}
    for row in sql.execute(_ROWS, {"area": area, **span}):
        add(*row)
    if from_us <= 0:
        for row in sql.execute(_ALL_PAGES):
            add(*row)
        return found
    pages: set[int] = set()
    for scope_row, tail in sql.execute(_TAILS, {"area": area, **span}).fetchall():
        pages |= _pages(tail, from_us, until_us)
        for (body,) in sql.execute(_RUNS, {"scope": scope_row, **span}):
            pages |= _pages(body, from_us, until_us)
    for number in pages:
        add(*sql.execute(_PAGE, {"id": number}).fetchone())
    return found


def _pages(refs: bytes, from_us: int, until_us: int) -> set[int]:
    """Give the pages that a tail's or run's deltas of a span of time are in."""
    numbers = iter(tails.unpacked(refs))
    return {number // MOST for t_us, number in zip(numbers, numbers, strict=True) if from_us <= t_us < until_us}
