"""How the shop floor is laid out: its places, shelves and homes at a moment, for counts and for the pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Executable, select

from hub.errors import ContractBroken
from hub.ledger.floorplan import HomeWord, PlaceDays, PlaceWord, home_words_at, homes_at, shelves_of
from hub.store import tables
from hub.store.places import all_days, days_of
from hub.store.sql import Row, Sql
from hub.store.statements import given
from hub.store.tables import home_given, place_given
from hub.store.tag_rows import is_tagged
from protocol.dated_words import HomeGiven, PlaceGiven, PlaceKind
from protocol.decisions import JournalEntry, decode_journal_entry
from protocol.identity import HUB_STATION, EntryId, Epoch, ItemId, PlaceId

MAX_ROWS: Final = 2000
"""Places or homes told at once."""


class StoreFloor:
    """Implements `hub.ledger.counting.Floor` on a sql, as of when it was made: for one question, not to keep."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._days: dict[PlaceId, PlaceDays] | None = None
        self._homes: dict[ItemId, list[HomeWord]] = {}
        self._shelves: dict[tuple[PlaceId, int], frozenset[PlaceId]] = {}
        self._tagged: dict[ItemId, bool] = {}

    def area(self, place: PlaceId, at_us: int) -> PlaceId:
        """See `Floor.area`."""
        days = self._all.get(place)
        return days_of(self._sql, place).area(at_us) if days is None else days.area(at_us)

    def shelves(self, area: PlaceId, at_us: int) -> frozenset[PlaceId]:
        """See `Floor.shelves`."""
        known = self._shelves.get((area, at_us))
        if known is None:
            here = (word for days in self._all.values() if (word := days.at(at_us)) is not None)
            known = self._shelves[area, at_us] = shelves_of(area, here)
        return known

    def homes(self, item: ItemId, area: PlaceId, at_us: int) -> frozenset[PlaceId]:
        """See `Floor.homes`. A home that is no shelf of the area by then is none there."""
        words = self._homes.get(item)
        if words is None:
            words = self._homes[item] = home_words(self._sql, item)
        shelves = self.shelves(area, at_us) if words else frozenset()
        return frozenset(place for _, place in homes_at(words, at_us)) & shelves

    def is_tagged(self, item: ItemId, at_us: int) -> bool:
        """See `Floor.is_tagged`. The catalogue says so, of whatever time it is asked."""
        known = self._tagged.get(item)
        if known is None:
            known = self._tagged[item] = is_tagged(self._sql, item)
        return known

    @property
    def _all(self) -> dict[PlaceId, PlaceDays]:
        if self._days is None:
            self._days = all_days(self._sql)
        return self._days


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A place as it is at a moment: since when, by whose word, and of how many items it is the home."""

    place: PlaceId
    parent: str
    area: PlaceId
    kind: PlaceKind
    from_us: int
    entry: EntryId
    author: str
    note: str
    homes: int


@dataclass(frozen=True, slots=True)
class HomeRow:
    """An item's home."""

    item: ItemId
    place: PlaceId
    from_us: int
    to_us: int | None
    entry: EntryId
    author: str
    note: str


def places(sql: Sql, at_us: int) -> tuple[PlaceRow, ...]:
    """List the places there are at a moment that anybody spoke of, parents before what is a part of them."""
    held: dict[PlaceId, int] = {}
    for _, place in homes_at(_home_words(sql, _HOMES), at_us):
        held[place] = held.get(place, 0) + 1
    words = [word for days in all_days(sql).values() if (word := days.at(at_us)) is not None]
    return tuple(_place_row(sql, word, held.get(word.place, 0)) for word in in_tree_order(words))


def place_history(sql: Sql, place: PlaceId) -> tuple[PlaceRow, ...]:
    """List what a place was and will be, the newest first."""
    return tuple(_place_row(sql, word, 0) for word in reversed(days_of(sql, place).words))


def homes(sql: Sql, at_us: int, item: str, place: str, limit: int) -> tuple[HomeRow, ...]:
    """List homes at a moment, in the order of item and place; "": of every item, at every place."""
    if item:
        said = home_words(sql, item)
    else:
        said = _home_words(sql, _HOMES_AT, place=place) if place else _home_words(sql, _HOMES)
    words = sorted(home_words_at(said, at_us))
    return tuple(_home_row(sql, word) for word in words if place in ("", word.place))[:limit]


def home_words(sql: Sql, item: str) -> list[HomeWord]:
    """Read what was said of an item's homes."""
    return _home_words(sql, _HOMES_OF, item=item)


def in_tree_order(words: Iterable[PlaceWord]) -> list[PlaceWord]:
    """Sort places so that each comes after the one it is a part of; what is a part of nothing known comes first."""
    by_parent: dict[str, list[PlaceWord]] = {}
    known = {word.place: word for word in words}
    for word in known.values():
        by_parent.setdefault(word.parent if word.parent in known else "", []).append(word)
    ordered: list[PlaceWord] = []
    waiting = sorted(by_parent.pop("", []), reverse=True)
    while waiting:
        word = waiting.pop()
        ordered.append(word)
        waiting += sorted(by_parent.pop(word.place, []), reverse=True)
    # Words carried together from two lives of a journal may make a ring.
    return ordered + sorted(word for ring in by_parent.values() for word in ring)


def _home_words(sql: Sql, statement: Executable, **values: str) -> list[HomeWord]:
    return [
        HomeWord(ItemId(item), PlaceId(place), from_us, (Epoch.parse(name).generation, seq), to_us)
        for item, place, from_us, name, seq, to_us in sql.execute(statement, values)
    ]


def _place_row(sql: Sql, word: PlaceWord, held: int) -> PlaceRow:
    values = {"place": word.place, "from_us": word.from_us, "seq": word.number[1]}
    entry, said = _said(sql.execute(_PLACE_LINE, values).fetchall(), word.number[0])
    if not isinstance(said, PlaceGiven):
        raise ContractBroken(f"{entry} is no word on a place")
    return PlaceRow(word.place, word.parent, word.area, word.kind, word.from_us, entry, said.author, said.note, held)


def _home_row(sql: Sql, word: HomeWord) -> HomeRow:
    values = {"item": word.item, "place": word.place, "from_us": word.from_us, "seq": word.number[1]}
    entry, said = _said(sql.execute(_HOME_LINE, values).fetchall(), word.number[0])
    if not isinstance(said, HomeGiven):
        raise ContractBroken(f"{entry} is no word on a home")
    return HomeRow(word.item, word.place, word.from_us, word.to_us, entry, said.author, said.note)


def _said(rows: list[Row], generation: int) -> tuple[EntryId, JournalEntry]:
    """Choose the row of an epoch's generation; of what was carried, the rows of both lives are there."""
    for name, seq, line in rows:
        epoch = Epoch.parse(name)
        if epoch.generation == generation:
            return EntryId(HUB_STATION, epoch, seq), decode_journal_entry(line)
    raise ContractBroken(f"no row of generation {generation}")


_HOMES: Final = select(
    home_given.c.item,
    home_given.c.place,
    home_given.c.from_us,
    tables.epoch.c.name,
    home_given.c.seq,
    home_given.c.to_us,
).join(tables.epoch, tables.epoch.c.id == home_given.c.epoch)
_HOMES_OF: Final = _HOMES.where(home_given.c.item == given("item", home_given.c.item))
_HOMES_AT: Final = _HOMES.where(home_given.c.place == given("place", home_given.c.place))
_PLACE_LINE: Final = (
    select(tables.epoch.c.name, place_given.c.seq, place_given.c.line)
    .join(tables.epoch, tables.epoch.c.id == place_given.c.epoch)
    .where(
        place_given.c.place == given("place", place_given.c.place),
        place_given.c.from_us == given("from_us", place_given.c.from_us),
        place_given.c.seq == given("seq", place_given.c.seq),
    )
)
_HOME_LINE: Final = (
    select(tables.epoch.c.name, home_given.c.seq, home_given.c.line)
    .join(tables.epoch, tables.epoch.c.id == home_given.c.epoch)
    .where(
        home_given.c.item == given("item", home_given.c.item),
        home_given.c.place == given("place", home_given.c.place),
        home_given.c.from_us == given("from_us", home_given.c.from_us),
        home_given.c.seq == given("seq", home_given.c.seq),
    )
)
