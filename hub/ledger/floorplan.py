"""Where places stand at a moment, by what people said of them at any time and in any order. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from protocol.decisions import PlaceKind
from protocol.identity import ItemId, PlaceId

SHELVES = (PlaceKind.SHELF, PlaceKind.POP_UP)
"""The kinds where goods are looked for in a count."""
OF_THEIR_OWN = (PlaceKind.AREA, PlaceKind.VIRTUAL)
"""The kinds that have books of their own."""
Number = tuple[int, int]
"""Generation of a journal's epoch, seq: the order of decisions."""


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


class Moved(NamedTuple):
    """From `from_us` until before `until_us` (None: for ever) what happened at a place is not of this area."""

    area: PlaceId
    from_us: int
    until_us: int | None


class PlaceDays:
    """What one place was, and when."""

    def __init__(self, words: Iterable[PlaceWord], default: PlaceId) -> None:
        """`default` is the area of the place before anybody said anything."""
        last: dict[int, PlaceWord] = {}
        for word in words:
            known = last.get(word.from_us)
            if known is None or known.number < word.number:
                last[word.from_us] = word
        self._words = sorted(last.values(), key=lambda word: word.from_us)
        self._from_us = [word.from_us for word in self._words]
        self._default = default

    @property
    def words(self) -> tuple[PlaceWord, ...]:
        """Those that hold, the earliest first."""
        return tuple(self._words)

    def at(self, t_us: int) -> PlaceWord | None:
        """Give what holds at a moment, None if nobody had said anything of it."""
        number = bisect_right(self._from_us, t_us)
        return self._words[number - 1] if number else None

    def area(self, t_us: int) -> PlaceId:
        """Give the area whose books a place belongs to at a moment."""
        word = self.at(t_us)
        return self._default if word is None else word.area

    def since(self) -> tuple[int | None, PlaceId]:
        """Give the area that holds from a moment on (None: always) until further notice."""
        area = self._words[-1].area if self._words else self._default
        from_us: int | None = None
        for word in reversed(self._words):
            if word.area != area:
                return from_us, area
            from_us = word.from_us
        return (None if self._default == area else from_us), area

    def moved(self, now: PlaceDays) -> list[Moved]:
        """Say when, under these words, the place was in another area than by `now`, and in which."""
        edges: list[int | None] = [None, *sorted({*self._from_us, *now._from_us})]
        found: list[Moved] = []
        for from_us, until_us in zip(edges, [*edges[1:], None], strict=True):
            at_us = -(1 << 62) if from_us is None else from_us
            area = self.area(at_us)
            if area == now.area(at_us):
                continue
            if found and found[-1].area == area and found[-1].until_us == at_us:
                found[-1] = found[-1]._replace(until_us=until_us)
            else:
                found.append(Moved(area, at_us, until_us))
        return found


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
