"""What stands in the way of declaring figures final up to a moment, and what the books hold of that moment.

A declaration keeps nobody out. An entry that comes late is folded by its own key like any other, so that on-hand is
right; what it does to the figures at that moment is posted as a correction, and what was declared stays as it was:

    the books at T = what was declared + all corrections since
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from hub.ledger.entries import COUNTER_PLACE, CounterPlace, Key, Scope, key_at
from hub.ledger.figures import Books, CountFigure, ScopeState, is_ambiguous, may_have_been_away
from protocol.identity import EntryId


class Hindrance(StrEnum):
    """Why figures cannot be declared final: a `source` may still have something to say, or something is `held`."""

    SOURCE = "source"
    HELD = "held"


def hindrances(
    until_us: int, marks: Mapping[str, int | None], held: Mapping[EntryId, int | None], excluded: Iterable[str]
) -> list[tuple[Hindrance, str]]:
    """List what stands in the way of declaring figures final up to a moment, with its name.

    `marks` are the times up to which each source has sent all there was, None if it never said so. `held` are the
    entries in quarantine and their times, None if nobody can tell. A person may have sources excluded, by name, and
    with them what is held of them: what they say later is corrected.
    """
    out = set(excluded)
    late = [(Hindrance.SOURCE, source) for source, mark_us in marks.items() if mark_us is None or mark_us <= until_us]
    waiting = [(Hindrance.HELD, identity) for identity, t_us in held.items() if t_us is None or t_us <= until_us]
    found = [(what, source) for what, source in late if source not in out]
    found += [(what, str(identity)) for what, identity in waiting if identity.station not in out]
    return sorted(found)


def state_at(books: Books, scope: Scope, until_us: int) -> ScopeState:
    """Give a scope's figures by its entries up to a moment, and nothing that is later.

    Takes what came since out of what is known now; so it costs what came since, whatever came before.
    """
    now = books.state(scope)
    if now is None:
        return ScopeState(scope)
    then = key_at(until_us + 1)
    anchor, later = books.neighbours(scope, then)
    virtual = {
        CounterPlace.SUPPLIER: now.supplier_milli,
        CounterPlace.CUSTOMER: now.customer_milli,
        CounterPlace.SHRINK: now.shrink_milli,
        CounterPlace.OPENING: now.opening_milli,
        CounterPlace.TRANSIT: now.transit_milli,
        CounterPlace.CONVERSION: now.conversion_milli,
    }
    moved_milli = now.moved_milli if later is None else later.moved_milli
    for delta in books.deltas_between(scope, then, None):
        if delta.key > then:
            virtual[COUNTER_PLACE[delta.reason]] += delta.qty_milli
            if later is None or delta.key < later.key:
                moved_milli -= delta.qty_milli
    while later is not None:
        virtual[CounterPlace.OPENING if later.opening else CounterPlace.SHRINK] += later.variance_milli
        identity = later.id
        _, later = books.neighbours(
            scope, Key(later.t_us, EntryId(identity.station, identity.epoch, identity.seq + 1))
        )  # fmt: skip
    under_milli, over_milli, ambiguous = (0, 0, 0) if anchor is None else _doubts(books, now, anchor, then)
    return ScopeState(
        scope,
        anchor,
        moved_milli,
        under_milli,
        over_milli,
        ambiguous,
        virtual[CounterPlace.SUPPLIER],
        virtual[CounterPlace.CUSTOMER],
        virtual[CounterPlace.SHRINK],
        virtual[CounterPlace.OPENING],
        virtual[CounterPlace.TRANSIT],
        virtual[CounterPlace.CONVERSION],
        now.newest_us,
        now.reach_us,
        now.before_us,
        now.after_us,
    )


def _doubts(books: Books, now: ScopeState, anchor: CountFigure, then: Key) -> tuple[int, int, int]:
    """Give how far on-hand may have been off, under and over, and by how many movements up to a moment."""
    under_milli, over_milli, ambiguous = anchor.under_milli, anchor.over_milli, 0
    if now.reach_us < anchor.from_us:
        return under_milli, over_milli, ambiguous
    low, high = key_at(anchor.from_us - now.after_us), min(then, key_at(anchor.to_us + now.before_us + 1))
    for delta in books.deltas_between(now.scope, low, high):
        if low < delta.key < high and is_ambiguous(delta, anchor):
            change_milli = -delta.qty_milli if delta.key > anchor.key else delta.qty_milli
            under_milli += min(0, change_milli)
            over_milli += max(0, change_milli)
            ambiguous += 1
    for undone in books.undone_between(now.scope, low, high):
        if low < undone.key < high and may_have_been_away(undone, anchor):
            over_milli -= undone.qty_milli
            ambiguous += 1
    return under_milli, over_milli, ambiguous
