"""The in-memory twin of a store that keeps count sessions: what came in, what was filed of it, and the books."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from hub.ledger.counting import Composed, Part, Plan, Ruling, ShelfDone, Verdict
from hub.ledger.entries import Count, Delta, Entry, Reversal, Scope
from hub.ledger.figures import CountFigure, Outcome, ScopeState
from hub.ledger.reference import Reckoning, reckon
from hub.ledger.restating import changes, stated
from hub.ledger.sessions import compose
from protocol.identity import EntryId, ItemId, PlaceId
from tests.unit.ledger.memory_books import MemoryBooks


class ShelfGiven(NamedTuple):
    """A person at the hub said that an area has this shelf, from a moment on."""

    place: PlaceId
    area: PlaceId
    from_us: int = 0


class HomeGiven(NamedTuple):
    """A person at the hub said that a shelf holds an item, from a moment on."""

    item: ItemId
    place: PlaceId
    from_us: int = 0


class Tagged(NamedTuple):
    """A person at the hub said that every piece of an item has a tag, from a moment on."""

    item: ItemId
    from_us: int = 0


class Again(NamedTuple):
    """A part, timed or read better: the later fit counts."""

    fit: int
    part: Part


Told = Delta | Reversal | Part | Again | ShelfDone | Plan | Ruling | ShelfGiven | HomeGiven | Tagged


class MemoryFloor:
    """Shelves and homes as they were given; a place nobody spoke of belongs to "shop"."""

    def __init__(self) -> None:
        self.given: set[ShelfGiven] = set()
        self.homes_given: set[HomeGiven] = set()
        self.tagged: set[Tagged] = set()

    def area(self, place: PlaceId, at_us: int) -> PlaceId:
        mine = sorted((given.from_us, given.area) for given in self.given if given.place == place)
        return next((area for from_us, area in reversed(mine) if from_us <= at_us), PlaceId("shop"))

    def shelves(self, area: PlaceId, at_us: int) -> frozenset[PlaceId]:
        places = {given.place for given in self.given if given.from_us <= at_us}
        return frozenset(place for place in places if self.area(place, at_us) == area)

    def homes(self, item: ItemId, area: PlaceId, at_us: int) -> frozenset[PlaceId]:
        places = {given.place for given in self.homes_given if given.item == item and given.from_us <= at_us}
        return frozenset(place for place in places if self.area(place, at_us) == area)

    def is_tagged(self, item: ItemId, at_us: int) -> bool:
        return any(tagged.item == item and tagged.from_us <= at_us for tagged in self.tagged)


class _Material:
    """All that was told of one session."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        # A sweep is a part of each item that it saw, under one entry.
        self.parts: dict[tuple[EntryId, ItemId | None], Again] = {}
        self.done: dict[EntryId, ShelfDone] = {}
        self.rulings: dict[EntryId, Ruling] = {}


class CountingShop:
    """Takes what is told in batches, in any order, and files what follows from it."""

    def __init__(self) -> None:
        self.floor = MemoryFloor()
        self.books = MemoryBooks()
        self.composed: dict[str, Composed] = {}
        self._sessions: dict[str, _Material] = defaultdict(_Material)
        self._entries: dict[EntryId, Entry] = {}
        self._undone: dict[EntryId, Reversal] = {}
        self._filed: dict[str, dict[EntryId, Count]] = defaultdict(dict)
        self._scopes: set[Scope] = set()

    def take(self, *told: Told) -> Outcome:
        touched: set[str] = set()
        entries: list[Entry] = []
        for one in told:
            match one:
                case Delta():
                    entries.append(one)
                    self._scopes.add(one.scope)
                case Reversal():
                    entries.append(one)
                    self._undone[one.reverses] = one
                    touched |= {name for name, its in self._sessions.items() if self._speaks_of(its, one.reverses)}
                case Part():
                    touched |= self._keep_part(Again(0, one))
                case Again():
                    touched |= self._keep_part(one)
                case ShelfDone():
                    self._sessions[one.session].done[one.entry] = one
                    touched.add(one.session)
                case Plan():
                    self._sessions[one.session].plan = one
                    touched.add(one.session)
                case Ruling():
                    self._sessions[one.session].rulings[one.entry] = one
                    touched.add(one.session)
                case ShelfGiven():
                    self.floor.given.add(one)
                    touched |= self._sessions.keys()
                case HomeGiven():
                    self.floor.homes_given.add(one)
                    touched |= self._sessions.keys()
                case Tagged():
                    self.floor.tagged.add(one)
                    touched |= self._sessions.keys()
        self._entries.update((entry.id, entry) for entry in entries)
        for session in touched:
            self.composed[session] = self._compose(session)
            self._scopes |= {count.scope for count in self.composed[session].entries.values()}
        for session, composed in self.composed.items():
            if session in touched or composed.complete is not None:
                changed = changes(self._filed[session], stated(composed, self._scopes, self.floor))
                self._filed[session].update((count.id, count) for count in changed)
                entries += changed
        return self.books.take(*entries)

    def defined(self) -> Reckoning:
        """All figures by the definition, from what was told and nothing that was filed."""
        composed = {session: self._compose(session) for session in self._sessions}
        scopes = {entry.scope for entry in self._entries.values() if isinstance(entry, Delta)}
        scopes |= {count.scope for one in composed.values() for count in one.entries.values()}
        counts = [count for one in composed.values() for count in stated(one, scopes, self.floor).values()]
        return reckon([*self._entries.values(), *counts])

    def material(self, session: str) -> tuple[Plan | None, list[Part], list[ShelfDone], list[Ruling]]:
        """All that was told of a session; what was taken back by an undo is a ruling on it."""
        told = self._sessions[session]
        undone = [
            Ruling(undo.id, Verdict.VOID, session, target=target)
            for target, undo in self._undone.items()
            if self._speaks_of(told, target)
        ]
        parts = [again.part for again in told.parts.values()]
        return told.plan, parts, list(told.done.values()), [*told.rulings.values(), *undone]

    def state(self, item: str = "tea", area: str = "shop") -> ScopeState:
        return self.books.scopes[Scope(ItemId(item), PlaceId(area))]

    def on_hand(self, item: str = "tea", area: str = "shop") -> int:
        """In pieces."""
        return self.state(item, area).on_hand_milli // 1000

    def figures(self, item: str = "tea", area: str = "shop") -> list[CountFigure]:
        mine = [figure for figure in self.books.counts.values() if figure.scope == (item, area)]
        return sorted(mine, key=lambda figure: figure.key)

    def _keep_part(self, again: Again) -> set[str]:
        parts = self._sessions[again.part.session].parts
        name = (again.part.entry, None if again.part.soft_hi_milli is None else again.part.item)
        if name not in parts or parts[name].fit < again.fit:
            parts[name] = again
        return {again.part.session}

    def _compose(self, session: str) -> Composed:
        return compose(*self.material(session), self.floor)

    @staticmethod
    def _speaks_of(told: _Material, target: EntryId) -> bool:
        return target in told.done or any(entry == target for entry, _ in told.parts)


def in_batches(batches: Iterable[Iterable[Told]], watch: Callable[[CountingShop], None] | None = None) -> CountingShop:
    """A shop that was told all this; `watch` is called after each batch."""
    shop = CountingShop()
    for batch in batches:
        shop.take(*batch)
        if watch is not None:
            watch(shop)
    return shop
