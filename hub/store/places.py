"""Which area a place belongs to when: by the decisions of the journal, for the fold, which asks with every scan.

A decision on a place holds for entries from a moment on, whenever either arrived. So entries that were filed under
another area before it came are read again: `Places.note_moved` finds where they stand in their logs.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from sqlalchemy import case, func, select

from hub.ledger.entries import Scope
from hub.ledger.floorplan import Moved, PlaceDays, PlaceWord
from hub.store import tails
from hub.store.entry_rows import REVERSAL
from hub.store.epochs import JOURNAL, EpochRow
from hub.store.pages import MOST
from hub.store.reading import NO_ITEM
from hub.store.sql import Row, Sql, given, greatest, putting, replacing
from hub.store.tables import entry, epoch, home_given, log, page, place, place_given, reread, run, scope
from protocol.decisions import FloorWord, HomeGiven, PlaceKind
from protocol.identity import Epoch, ItemId, PlaceId

_REMEMBERED: Final = 100_000
STORE_AREA: Final = PlaceId("store")
"""The one area a store starts as: of every place nobody has said anything of."""


class Places:
    """Answers the fold. Belongs to the writer's thread; `forget` after a transaction that did not happen."""

    def __init__(self) -> None:
        self._days: dict[str, PlaceDays] = {}
        self._scopes: dict[PlaceId, dict[str, Scope]] = {}
        self.moved: list[Moved] = []
        """What `note_moved` has to look for."""
        self.changes = 0
        """Grows whenever a place may be of another area than before."""

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self.changes += 1
        self._days.clear()
        self._scopes.clear()
        self.moved.clear()

    def scope_of(self, sql: Sql, name: str, item: str, t_us: int) -> Scope:
        """Give the scope of an item at a place at a moment (UTC)."""
        return self.scope(self._days_of(sql, name).area(t_us), item)

    def since(self, sql: Sql, name: str) -> tuple[int | None, PlaceId]:
        """Give the area a place is of from a moment (UTC; None: always) until further notice."""
        return self._days_of(sql, name).since()

    def scope(self, area: PlaceId, item: str) -> Scope:
        """Give one object for each scope: whoever looks it up finds it without comparing text."""
        scopes = self._scopes.get(area)
        if scopes is None or len(scopes) >= _REMEMBERED:
            scopes = self._scopes[area] = {}
        known = scopes.get(item)
        if known is None:
            known = scopes[item] = Scope(ItemId(item), area)
        return known

    def take(self, sql: Sql, teller: EpochRow, seq: int, line: bytes, word: FloorWord) -> None:
        """Take an entry of the journal; one that was taken before changes nothing. `note_moved` is to follow."""
        if isinstance(word, HomeGiven):
            sql.executemany(_PUT_HOME, [(word.item, word.place, word.from_us, teller.id, seq, word.to_us, line)])
            return
        before = self._days_of(sql, word.place)
        sql.executemany(
            _PUT_PLACE,
            [(word.place, word.from_us, teller.id, seq, word.parent, word.area, word.kind.value, line)],
        )
        self.changes += 1
        del self._days[word.place]
        self.moved += before.moved(self._days_of(sql, word.place))

    def note_moved(self, sql: Sql) -> None:
        """Note for rereading what was filed under areas that its place was not of.

        All figures of scopes have to be written before (`SqliteBooks.write_scopes`).
        """
        spans: dict[PlaceId, tuple[int, int]] = {}
        for moved in self.moved:
            low, high = spans.get(moved.area, (1 << 62, -(1 << 62)))
            until_us = (1 << 62) if moved.until_us is None else moved.until_us
            spans[moved.area] = min(low, moved.from_us), max(high, until_us)
        self.moved.clear()
        for area, (from_us, until_us) in spans.items():
            filed = _filed(sql, area, from_us, until_us)
            sql.executemany(_READ_AGAIN, [(row, *span) for row, span in filed.items()])

    def _days_of(self, sql: Sql, name: str) -> PlaceDays:
        days = self._days.get(name)
        if days is None:
            if len(self._days) >= _REMEMBERED:
                self._days.clear()
            days = self._days[name] = days_of(sql, name)
        return days


_WORDS: Final = select(
    place_given.c.place,
    place_given.c.from_us,
    epoch.c.name,
    place_given.c.seq,
    place_given.c.parent,
    place_given.c.area,
    place_given.c.kind,
).join(epoch, epoch.c.id == place_given.c.epoch)
_WORDS_OF: Final = _WORDS.where(place_given.c.place == given("place", place_given.c.place))
_DEFAULTS: Final = select(place.c.place, place.c.area)
_DEFAULT_OF: Final = select(place.c.area).where(place.c.place == given("place", place.c.place))
_PUT_PLACE: Final = replacing(place_given)
_PUT_HOME: Final = replacing(home_given)
_NEW: Final = putting(reread)
_READ_AGAIN: Final = _NEW.on_conflict_do_update(
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


def days_of(sql: Sql, name: str) -> PlaceDays:
    """Read what was said of a place. Files of releases without such decisions may hold an area for it."""
    row = sql.execute(_DEFAULT_OF, {"place": name}).fetchone()
    words = [_word(each) for each in sql.execute(_WORDS_OF, {"place": name})]
    return PlaceDays(words, STORE_AREA if row is None else PlaceId(row[0]))


def all_days(sql: Sql) -> dict[PlaceId, PlaceDays]:
    """Read what was said of all places that anybody spoke of."""
    words: defaultdict[PlaceId, list[PlaceWord]] = defaultdict(list)
    for row in sql.execute(_WORDS):
        word = _word(row)
        words[word.place].append(word)
    defaults = {PlaceId(name): PlaceId(area) for name, area in sql.execute(_DEFAULTS)}
    return {name: PlaceDays(said, defaults.get(name, STORE_AREA)) for name, said in words.items()}


def _word(row: Row) -> PlaceWord:
    name, from_us, epoch_name, seq, parent, area, kind = row
    number = Epoch.parse(epoch_name).generation, seq
    return PlaceWord(PlaceId(name), from_us, number, parent, PlaceId(area), PlaceKind(kind))


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
