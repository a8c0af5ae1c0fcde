"""Composes what the people and readers of a count session found into counts for the fold.

    shelf A, pass 1:  2 + 3 ──┐ compared, never summed; the last counts
    shelf A, pass 2:  4 ──────┴─> 4 ─┐
    shelf B, pass 1:  6 ────────> 6 ─┴─> 10 in the area, once every shelf that may hold it was counted

All of it is a function of sets: of what was said by whom and when, never of what arrived first. Whenever something
comes in, a session is composed anew, and `restating` says what that means to the fold.

An area that has no shelves is one place to its people, and there every count of a station is a count of the area by
itself, as it was before there were sessions; unless the session has a plan for it, or went from place to place and said
of each that it was counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from hub.errors import ContractBroken
from hub.ledger.counting import (
    UNKNOWN_ITEM,
    Complete,
    Composed,
    Floor,
    Goods,
    Part,
    PassResult,
    Plan,
    Result,
    Ruling,
    ShelfDone,
    ShelfResult,
    session_entry,
)
from hub.ledger.entries import Count, Scope
from hub.ledger.rulings import Judged, Rulings
from protocol.identity import EntryId, PlaceId


def compose(
    plan: Plan | None, parts: Collection[Part], done: Collection[ShelfDone], rulings: Collection[Ruling], floor: Floor
) -> Composed:
    """Say what a session comes to, of all that is known of it, in any order.

    Raises `ContractBroken` if two scopes would share an id.
    """
    session = _Session(plan, parts, done, rulings, floor)
    entries: dict[EntryId, Count] = {}
    results: dict[Scope, Result] = {}
    missing: dict[Scope, frozenset[PlaceId]] = {}
    for scope in session.scopes():
        session.file_parts(scope, entries)
        answer = session.count(scope)
        if isinstance(answer, frozenset):
            missing[scope] = answer
        elif answer is not None:
            results[scope] = answer
            count = answer.count
            if entries.setdefault(count.id, count) is not count:
                raise ContractBroken(f"{scope} shares {count.id} with {entries[count.id].scope}")
    return Composed(entries, results, missing, session.complete())


class _Session:
    """A session while it is composed."""

    def __init__(
        self,
        plan: Plan | None,
        parts: Collection[Part],
        done: Collection[ShelfDone],
        rulings: Collection[Ruling],
        floor: Floor,
    ) -> None:
        self._plan = plan
        self._floor = floor
        self._rulings = Rulings(rulings)
        voided = self._rulings.voided
        self._parts: dict[Scope, list[Part]] = defaultdict(list)
        self._done: dict[PlaceId, list[ShelfDone]] = defaultdict(list)
        self._said_of: dict[tuple[PlaceId, bool], dict[PlaceId, list[ShelfDone]]] = {}
        # Areas where goods were found that may be of any item: until a person accepts that, none is known to be absent.
        self._unknown: set[PlaceId] = set()
        self._ends: dict[PlaceId, int] = {}
        for part in sorted(parts, key=lambda part: (part.entry, part.item)):
            area = floor.area(part.place, part.to_us)
            if part.item != UNKNOWN_ITEM:
                self._parts[Scope(part.item, area)].append(part)
            elif part.entry not in voided:
                self._unknown.add(area)
            if part.entry not in voided:
                self._ends[area] = max(self._ends.get(area, part.to_us), part.to_us)
        for shelf in done:
            if shelf.entry not in voided:
                area = floor.area(shelf.place, shelf.to_us)
                self._done[area].append(shelf)
                self._ends[area] = max(self._ends.get(area, shelf.to_us), shelf.to_us)
        if plan is not None:
            self._ends.setdefault(plan.area, plan.at_us)
            for item in plan.items or ():
                self._parts.setdefault(Scope(item, plan.area), [])
        # What stands where is asked as of the session's last reading in an area, so that a later move changes nothing.
        self._shelves = {area: floor.shelves(area, end_us) for area, end_us in self._ends.items()}

    def scopes(self) -> list[Scope]:
        """List what was found or was to be counted."""
        return sorted(self._parts)

    def file_parts(self, scope: Scope, entries: dict[EntryId, Count]) -> None:
        """File the stations' own counts. One that an undo took back is left to the fold, which knows of the undo."""
        stands = self._is_one_place(scope.area) and not self._rulings.on(scope.item).refused
        for part in self._parts[scope]:
            if part.soft_hi_milli is None:
                entries[part.entry] = Count(
                    part.entry,
                    scope,
                    part.qty_milli,
                    part.from_us,
                    part.to_us,
                    part.err_us,
                    document=part.session,
                    stands=stands,
                )

    def count(self, scope: Scope) -> Result | frozenset[PlaceId] | None:
        """Give the count of a scope, the shelves it waits for, or None where the session says nothing."""
        verdict = self._rulings.on(scope.item)
        if verdict.refused:
            return None
        parts = [part for part in self._parts[scope] if part.entry not in self._rulings.voided]
        if self._is_one_place(scope.area):
            parts = [part for part in parts if part.soft_hi_milli is not None]
        if not parts:
            if not self._asks_for(scope):
                return None
            if scope.area in self._unknown and not verdict.settled:
                return frozenset()
        shelves: list[ShelfResult] = []
        readings: list[Part | ShelfDone] = []
        missing: set[PlaceId] = set()
        is_tagged = self._floor.is_tagged(scope.item, self._ends[scope.area])
        said = self._said(scope.area, is_tagged)
        required = self._required(scope, parts, said)
        if not verdict.out and (untouched := required.difference(said, (part.place for part in parts))):
            # While an area is gone through, that is nearly every item of it.
            return untouched
        for place in sorted(required):
            shelf, of_pass = self._at_shelf(place, parts, said, verdict)
            if shelf is None:
                missing.add(place)
            else:
                shelves.append(shelf)
                readings += of_pass
        if missing or not required:
            return frozenset(missing)
        found = [part for part in readings if isinstance(part, Part)]
        lo_milli = sum(part.qty_milli for part in found)
        is_soft = any(part.soft_hi_milli is not None for part in found)
        hi_milli = sum(part.qty_milli if part.soft_hi_milli is None else part.soft_hi_milli for part in found)
        session = self._name
        plan = self._plan_of(scope.area)
        count = Count(
            session_entry(session, scope),
            scope,
            lo_milli,
            min(reading.from_us for reading in readings),
            max(reading.to_us for reading in readings),
            max(reading.err_us for reading in readings),
            document=session,
            lo_milli=lo_milli if is_soft else None,
            hi_milli=hi_milli if is_soft else None,
            closed=plan is not None and plan.closed,
        )
        return Result(count, tuple(shelves), verdict.settled)

    def complete(self) -> Complete | None:
        """Give the record of a complete count, once every shelf of the area was counted."""
        plan = self._plan
        if plan is None or plan.items is not None or self._rulings.on_all.refused:
            return None
        if plan.area in self._unknown and not self._rulings.on_all.settled:
            return None
        out = self._rulings.on_all.out
        said = [shelf for shelf in self._done[plan.area] if shelf.pass_ not in out]
        by_hand = [shelf for shelf in said if shelf.looked_for(is_tagged=False)]
        shelves = self._shelves[plan.area] | plan.shelves
        if not by_hand or not shelves <= {shelf.place for shelf in by_hand}:
            return None
        of_tags = {shelf.place for shelf in said if shelf.looked_for(is_tagged=True)}
        has_tags = (shelves or {shelf.place for shelf in by_hand}) <= of_tags
        done = said if has_tags else by_hand
        spoken_for = {
            scope.item
            for scope, parts in self._parts.items()
            if scope.area == plan.area and any(part.entry not in self._rulings.voided for part in parts)
        }
        return Complete(
            plan.session,
            plan.area,
            min(shelf.from_us for shelf in done),
            max(shelf.to_us for shelf in done),
            max(shelf.err_us for shelf in done),
            plan.closed,
            frozenset(spoken_for | {item for item in self._rulings.items() if self._rulings.on(item).refused}),
            Goods.ALL if has_tags else Goods.UNTAGGED,
        )

    @property
    def _name(self) -> str:
        if self._plan is not None:
            return self._plan.session
        return next(part.session for parts in self._parts.values() for part in parts)

    def _plan_of(self, area: PlaceId) -> Plan | None:
        return self._plan if self._plan is not None and self._plan.area == area else None

    def _said(self, area: PlaceId, is_tagged: bool) -> Mapping[PlaceId, Sequence[ShelfDone]]:
        """Give what was said to be counted, by place, of goods that have tags or have none."""
        known = self._said_of.get((area, is_tagged))
        if known is None:
            known = self._said_of[area, is_tagged] = defaultdict(list)
            for shelf in self._done[area]:
                if shelf.looked_for(is_tagged):
                    known[shelf.place].append(shelf)
        return known

    def _asks_for(self, scope: Scope) -> bool:
        plan = self._plan_of(scope.area)
        return plan is not None and plan.items is not None and scope.item in plan.items

    def _is_one_place(self, area: PlaceId) -> bool:
        return self._plan_of(area) is None and not self._shelves.get(area) and not self._done.get(area)

    def _required(self, scope: Scope, parts: list[Part], said: Iterable[PlaceId]) -> frozenset[PlaceId]:
        """Give the shelves that may hold an item: its homes, or all if it has none, and wherever it was found."""
        found = {part.place for part in parts}
        homes = self._floor.homes(scope.item, scope.area, self._ends[scope.area])
        if homes:
            return homes | found
        plan = self._plan_of(scope.area)
        shelves = (plan.shelves if plan is not None else frozenset()) or self._shelves[scope.area]
        # Where there is no shelf, people say of the place they stand in that it was counted.
        return (shelves | found) or frozenset(said)

    def _at_shelf(
        self, place: PlaceId, parts: list[Part], said: Mapping[PlaceId, Sequence[ShelfDone]], verdict: Judged
    ) -> tuple[ShelfResult | None, list[Part | ShelfDone]]:
        """Give what the passes found of an item at a shelf, and the readings of the one that counts.

        It is the last that found any. One that found none after one that did is no proof: people go back for other
        goods of the shelf, and say that it was counted. It is told in the result, and a person may choose it.
        """
        found: dict[int, list[Part]] = defaultdict(list)
        for part in parts:
            if part.place == place and part.pass_ not in verdict.out:
                found[part.pass_].append(part)
        done: dict[int, list[ShelfDone]] = defaultdict(list)
        for shelf in said.get(place, ()):
            if shelf.pass_ not in verdict.out:
                done[shelf.pass_].append(shelf)
        passes = sorted(found.keys() | done.keys())
        if not passes:
            return None, []
        counts = max(found, default=passes[-1])
        if verdict.chosen in passes:
            counts = verdict.chosen
        results = tuple(
            PassResult(
                pass_,
                sum(part.qty_milli for part in found.get(pass_, ())),
                frozenset(reading.person for reading in (*found.get(pass_, ()), *done.get(pass_, ()))) - {""},
            )
            for pass_ in passes
        )
        return ShelfResult(place, counts, results), [*(found.get(counts) or done[counts])]
