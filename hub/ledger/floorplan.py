"""Where places stand at a moment, by what people said of them at any time and in any order. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hub.ledger.dated import Dated, Number
from protocol.dated_words import PlaceKind
from protocol.identity import ItemId, PlaceId

SHELVES = (PlaceKind.SHELF, PlaceKind.POP_UP)
"""The kinds where goods are looked for in a count."""
OF_THEIR_OWN = (PlaceKind.AREA, PlaceKind.VIRTUAL)
"""The kinds that have books of their own."""


class PlaceWord(NamedTuple):
    """A decision on a place: from `from_us` (UTC) on it is a part of `parent` ("": of none), in `area`."""

    place: PlaceId
    from_us: int
    number: Number
    parent: str
    area: PlaceId
    kind: PlaceKind


class HomeWord(NamedTuple):
    """A decision on where an item is kept, until before `to_us` (None: until further notice)."""

    item: ItemId
    place: PlaceId
    from_us: int
    number: Number
    to_us: int | None


class PlaceDays:
    """What one place was, and when."""

    def __init__(self, words: Iterable[PlaceWord], default: PlaceId) -> None:
        """`default` is the area of the place before anybody said anything."""
        kept = [*words]
        self._words: Dated[PlaceWord | None] = Dated([(word.from_us, word.number, word) for word in kept], None)
        self.areas: Dated[PlaceId] = Dated([(word.from_us, word.number, word.area) for word in kept], default)

    @property
    def words(self) -> tuple[PlaceWord, ...]:
        """Those that hold, the earliest first."""
        return tuple(word for word in self._words.said() if word is not None)

    def at(self, t_us: int) -> PlaceWord | None:
        """Give what holds at a moment, None if nobody had said anything of it."""
        return self._words.at(t_us)

    def area(self, t_us: int) -> PlaceId:
        """Give the area whose books a place belongs to at a moment."""
        return self.areas.at(t_us)


def home_words_at(words: Iterable[HomeWord], t_us: int) -> list[HomeWord]:
    """Choose those that hold at a moment."""
    last: dict[tuple[ItemId, PlaceId, int], HomeWord] = {}
    for word in words:
        key = (word.item, word.place, word.from_us)
        if key not in last or last[key].number < word.number:
            last[key] = word
    return [word for word in last.values() if word.from_us <= t_us and (word.to_us is None or t_us < word.to_us)]


def homes_at(words: Iterable[HomeWord], t_us: int) -> frozenset[tuple[ItemId, PlaceId]]:
    """Give which items have which homes at a moment."""
    return frozenset((word.item, word.place) for word in home_words_at(words, t_us))


def shelves_of(area: PlaceId, places: Iterable[PlaceWord]) -> frozenset[PlaceId]:
    """Give the shelves of an area, of what holds at one moment: a rack that has shelves is gone to by its shelves."""
    here = [word for word in places if word.area == area and word.kind in SHELVES]
    divided = {word.parent for word in here}
    return frozenset(word.place for word in here if word.place not in divided)
