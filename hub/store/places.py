"""Which area a place belongs to when: by the decisions of the journal, for the fold, which asks with every scan.

A decision on a place holds for entries from a moment on, whenever either arrived. So entries that were filed under
another area before it came are read again: `hub.store.misread` finds where they stand in their logs.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from sqlalchemy import select

from hub.ledger.entries import Scope
from hub.ledger.floorplan import PlaceDays, PlaceWord
from hub.store import count_rows
from hub.store.epochs import EpochRow
from hub.store.misread import Misread
from hub.store.sql import Row, Sql
from hub.store.statements import given, replacing
from hub.store.tables import epoch, home_given, place, place_given
from protocol.dated_words import FloorWord, HomeGiven, PlaceKind
from protocol.identity import Epoch, ItemId, PlaceId

_REMEMBERED: Final = 100_000
STORE_AREA: Final = PlaceId("store")
"""The one area a store starts as: of every place nobody has said anything of."""


class Places:
    """Answers the fold. Belongs to the writer's thread; `forget` after a transaction that did not happen."""

    def __init__(self, misread: Misread) -> None:
        self._misread = misread
        self._days: dict[str, PlaceDays] = {}
        self._scopes: dict[PlaceId, dict[str, Scope]] = {}
        self.changes = 0
        """Grows whenever a place may be of another area than before."""

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self.changes += 1
        self._days.clear()
        self._scopes.clear()

    def scope_of(self, sql: Sql, name: str, item: str, t_us: int) -> Scope:
        """Give the scope of an item at a place at a moment (UTC)."""
        return self.scope(self._days_of(sql, name).area(t_us), item)

    def since(self, sql: Sql, name: str) -> tuple[int | None, PlaceId]:
        """Give the area a place is of from a moment (UTC; None: always) until further notice."""
        return self._days_of(sql, name).areas.since()

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
        """Take an entry of the journal; one that was taken before changes nothing. `Misread.note` is to follow."""
        count_rows.recount_since(sql, word.from_us)
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
        for from_us, until_us, area in before.areas.differences(self._days_of(sql, word.place).areas):
            self._misread.add(area, from_us, until_us)

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
