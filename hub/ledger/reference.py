"""The naive definition of the books: everything recomputed from the set of entries by sorting it.

Slow and meant to be obviously right. Tests hold the fold against it, and so does a rebuild of the hub's
books. It shares with the fold the types it returns and the table of counter-places, nothing else. So it does with the
composing of count sessions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from hub.ledger.counting import UNKNOWN_ITEM, Floor, Goods, Part, Plan, Ruling, ShelfDone, Verdict
from hub.ledger.entries import (
    COUNTER_PLACE,
    EVER_US,
    Cause,
    Count,
    CounterPlace,
    Delta,
    Entry,
    Reversal,
    Scope,
    Status,
)
from hub.ledger.figures import CountFigure, ScopeState
from protocol.identity import EntryId


class Fate(msgspec.Struct, frozen=True):
    """What became of an entry, and which reversal is in force against it."""

    status: Status
    cause: Cause | None = None
    reversed_by: EntryId | None = None


class Reckoning(msgspec.Struct, frozen=True):
    """All figures and fates of a set of entries, comparable with `bare` and `bare_count` of what is kept.

    `counts` are those that stand, `fates` those of all entries.
    """

    scopes: Mapping[Scope, ScopeState]
    counts: Mapping[EntryId, CountFigure]
    fates: Mapping[EntryId, Fate]


def bare_count(figure: CountFigure) -> CountFigure:
    """A count's figures without what depends on the order of arrival."""
    return replace(figure, revision=0)


def bare(state: ScopeState) -> ScopeState:
    """A scope's figures without what depends on the order of arrival."""
    blank = ScopeState(state.scope)
    return replace(
        state,
        anchor=None if state.anchor is None else bare_count(state.anchor),
        newest_us=blank.newest_us,
        reach_us=blank.reach_us,
        before_us=blank.before_us,
        after_us=blank.after_us,
    )


def reckon(entries: Iterable[Entry]) -> Reckoning:
    """Recompute the books from all entries, in any order, with repeats and older versions among them."""
    newest: dict[EntryId, Entry] = {}
    for entry in entries:
        if entry.id not in newest or newest[entry.id].fit < entry.fit:
            newest[entry.id] = entry

    fates: dict[EntryId, Fate] = {}
    reversed_by: dict[EntryId, EntryId] = {}
    for identity in sorted(newest):
        entry = newest[identity]
        if isinstance(entry, Reversal):
            target = newest.get(entry.reverses)
            if target is None:
                fates[identity] = Fate(Status.QUARANTINED, Cause.REVERSES_UNKNOWN)
            elif isinstance(target, Reversal):
                fates[identity] = Fate(Status.QUARANTINED, Cause.REVERSES_A_REVERSAL)
            elif target.id in reversed_by:
                fates[identity] = Fate(Status.QUARANTINED, Cause.ALREADY_REVERSED)
            else:
                reversed_by[target.id] = identity

    scopes: dict[Scope, ScopeState] = {}
    counts: dict[EntryId, CountFigure] = {}
    placed = [entry for entry in newest.values() if not isinstance(entry, Reversal)]
    for scope in {entry.scope for entry in placed}:
        mine = [entry for entry in placed if entry.scope == scope]
        standing = [entry for entry in mine if isinstance(entry, Delta) or entry.stands]
        in_force = [entry for entry in standing if entry.id not in reversed_by]
        undone = [entry for entry in mine if isinstance(entry, Delta) and entry.id in reversed_by]
        figures, state = _reckon_scope(scope, in_force)
        state = _with_what_was_away(state, undone)
        scopes[scope] = state
        counts.update((figure.id, figure) for figure in figures)
        for entry in mine:
            reversal = reversed_by.get(entry.id)
            if isinstance(entry, Delta):
                is_after = state.anchor is None or entry.key > state.anchor.key
                status = Status.APPLIED if is_after else Status.ABSORBED
            else:
                is_anchor = state.anchor is not None and state.anchor.id == entry.id
                status = Status.APPLIED if is_anchor else Status.HISTORY
            fates[entry.id] = Fate(status, reversed_by=reversal)
            if reversal is not None:
                fates[reversal] = Fate(status if isinstance(entry, Delta) else Status.APPLIED)
    return Reckoning(scopes, counts, fates)


def reckon_until(entries: Iterable[Entry], until_us: int) -> Reckoning:
    """Recompute the books by the entries up to a moment alone, as their newest versions time them."""
    newest: dict[EntryId, Entry] = {}
    for entry in entries:
        if entry.id not in newest or newest[entry.id].fit < entry.fit:
            newest[entry.id] = entry
    return reckon(entry for entry in newest.values() if isinstance(entry, Reversal) or entry.t_us <= until_us)


def _reckon_scope(scope: Scope, in_force: list[Delta | Count]) -> tuple[list[CountFigure], ScopeState]:
    on_hand = 0
    moved = 0
    virtual = dict.fromkeys(CounterPlace, 0)
    counts: list[CountFigure] = []
    for entry in sorted(in_force, key=lambda entry: entry.key):
        if isinstance(entry, Delta):
            on_hand += entry.qty_milli
            moved += entry.qty_milli
            virtual[COUNTER_PLACE[entry.reason]] -= entry.qty_milli
        else:
            opening = not counts
            held = entry.qty_milli
            if entry.lo_milli is not None and entry.hi_milli is not None:
                # Presence is proved and absence is not: the books are moved only as far as they must be.
                held = on_hand
                if on_hand < entry.lo_milli:
                    held = entry.lo_milli
                if on_hand > entry.hi_milli:
                    held = entry.hi_milli
            virtual[CounterPlace.OPENING if opening else CounterPlace.SHRINK] -= held - on_hand
            counts.append(
                CountFigure(
                    id=entry.id,
                    scope=scope,
                    qty_milli=held,
                    t_us=entry.t_us,
                    from_us=min(entry.span_us, entry.t_us) - entry.err_us,
                    to_us=entry.t_us + entry.err_us,
                    moved_milli=moved,
                    expected_milli=on_hand,
                    opening=opening,
                    revision=0,
                    lo_milli=entry.lo_milli,
                    hi_milli=entry.hi_milli,
                    closed=entry.closed,
                )
            )
            on_hand = held
            moved = 0

    under = over = ambiguous = 0
    if counts and counts[-1].lo_milli is not None and counts[-1].hi_milli is not None:
        under = counts[-1].lo_milli - counts[-1].qty_milli
        over = counts[-1].hi_milli - counts[-1].qty_milli
    for entry in in_force:
        if isinstance(entry, Delta) and counts:
            anchor = counts[-1]
            # Nothing is carried to the till or back while nobody is in the area.
            lead_us, lag_us = (0, 0) if anchor.closed else (entry.lead_us, entry.lag_us)
            if entry.lead_us == EVER_US:
                # Whether it was at all nobody knows, however closed the area.
                lead_us = EVER_US
            starts_us = entry.t_us - lead_us - entry.err_us
            ends_us = entry.t_us + lag_us + entry.err_us
            if starts_us <= anchor.to_us and ends_us >= anchor.from_us:
                # The count has it already although it is applied, or has it not although it is absorbed.
                change = -entry.qty_milli if entry.key > anchor.key else entry.qty_milli
                under += min(0, change)
                over += max(0, change)
                ambiguous += 1
    state = ScopeState(
        scope,
        anchor=counts[-1] if counts else None,
        moved_milli=moved,
        under_milli=under,
        over_milli=over,
        ambiguous=ambiguous,
        supplier_milli=virtual[CounterPlace.SUPPLIER],
        customer_milli=virtual[CounterPlace.CUSTOMER],
        shrink_milli=virtual[CounterPlace.SHRINK],
        opening_milli=virtual[CounterPlace.OPENING],
        transit_milli=virtual[CounterPlace.TRANSIT],
        conversion_milli=virtual[CounterPlace.CONVERSION],
    )
    return counts, state


class Said(msgspec.Struct, frozen=True):
    """What a session says an area held of an item: no less and no more, by readings over this span."""

    least_milli: int
    most_milli: int
    span_us: int
    t_us: int


def counted(
    plan: Plan | None, parts: Iterable[Part], done: Iterable[ShelfDone], rulings: Iterable[Ruling], floor: Floor
) -> dict[Scope, Said]:
    """Say what a session found where it covers an area's shelves, for each item that it found or was to count.

    What stations count in areas that are one place is not here: those counts speak for themselves.
    """
    decisions = sorted(rulings, key=lambda ruling: ruling.entry)
    voided = {ruling.target for ruling in decisions if ruling.target is not None}
    read = [part for part in parts if part.entry not in voided]
    found = [part for part in read if part.item != UNKNOWN_ITEM]
    shut = [shelf for shelf in done if shelf.entry not in voided]
    asked = {Scope(item, plan.area) for item in plan.items or ()} if plan is not None else set()
    answers: dict[Scope, Said] = {}
    for scope in asked | {Scope(part.item, floor.area(part.place, part.to_us)) for part in found}:
        item, area = scope
        mine = [part for part in found if part.item == item and floor.area(part.place, part.to_us) == area]
        here = [part for part in read if floor.area(part.place, part.to_us) == area]
        shut_here = [shelf for shelf in shut if floor.area(shelf.place, shelf.to_us) == area]
        ends = [part.to_us for part in here] + [shelf.to_us for shelf in shut_here]
        planned = plan if plan is not None and plan.area == area else None
        end_us = max(ends) if ends else planned.at_us if planned is not None else 0
        about = [ruling for ruling in decisions if ruling.target is None and ruling.item in (None, item)]
        if any(ruling.verdict is Verdict.VOID for ruling in about):
            continue
        whole = [ruling for ruling in about if ruling.pass_ is None or ruling.verdict is Verdict.ACCEPT]
        if whole and whole[-1].verdict is Verdict.REJECT:
            continue
        strange = any(part.item == UNKNOWN_ITEM for part in here)
        if not mine and strange and (not about or about[-1].verdict is not Verdict.ACCEPT):
            continue
        last_word = {ruling.pass_: ruling.verdict for ruling in about if ruling.pass_ is not None}
        out = {pass_ for pass_, verdict in last_word.items() if verdict is Verdict.REJECT}
        wanted = whole[-1].pass_ if whole else None

        went_round = bool(shut_here)
        is_tagged = floor.is_tagged(item, end_us)
        about_it = {Goods.ALL, Goods.TAGGED if is_tagged else Goods.UNTAGGED}
        shut_here = [shelf for shelf in shut_here if shelf.goods in about_it]
        shelves = floor.shelves(area, end_us)
        if planned is None and not shelves and not went_round:
            mine = [part for part in mine if part.soft_hi_milli is not None]
            if not mine:
                continue
        where = floor.homes(item, area, end_us)
        if not where and planned is not None:
            where = planned.shelves
        if not where:
            where = shelves
        where |= {part.place for part in mine}
        if not where:
            where = frozenset(shelf.place for shelf in shut_here)

        readings: list[Part | ShelfDone] = []
        is_covered = bool(where)
        for place in where:
            at_shelf = [part for part in mine if part.place == place and part.pass_ not in out]
            said_done = [shelf for shelf in shut_here if shelf.place == place and shelf.pass_ not in out]
            if not at_shelf and not said_done:
                is_covered = False
                break
            finding = {part.pass_ for part in at_shelf}
            gone = finding | {shelf.pass_ for shelf in said_done}
            counts = wanted if wanted in gone else max(finding or gone)
            of_pass = [part for part in at_shelf if part.pass_ == counts]
            readings += of_pass or [shelf for shelf in said_done if shelf.pass_ == counts]
        if is_covered:
            pieces = [reading for reading in readings if isinstance(reading, Part)]
            answers[scope] = Said(
                sum(part.qty_milli for part in pieces),
                sum(part.qty_milli if part.soft_hi_milli is None else part.soft_hi_milli for part in pieces),
                min(reading.from_us for reading in readings),
                max(reading.to_us for reading in readings),
            )
    return answers


def _with_what_was_away(state: ScopeState, undone: list[Delta]) -> ScopeState:
    over, ambiguous, anchor = state.over_milli, state.ambiguous, state.anchor
    for entry in undone:
        if anchor is not None and not anchor.closed and 0 < entry.lead_us < EVER_US and entry.qty_milli < 0:
            # Carried to the till and, as far as anybody knows, as long back again: the count may have missed it.
            away_us = entry.lead_us + entry.err_us
            if entry.t_us - away_us <= anchor.to_us and entry.t_us + away_us >= anchor.from_us:
                over -= entry.qty_milli
                ambiguous += 1
    return replace(state, over_milli=over, ambiguous=ambiguous)
