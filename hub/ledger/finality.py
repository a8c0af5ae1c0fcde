"""The books as they were declared final: what stood in the way, what they held then, and what came later.

Declaring figures final up to a moment T stops two things from changing for the entries that were there: their times
and what their codes mean. It keeps nobody out. An entry that comes late is folded by its own key like any other, so
that on-hand is right; what it does to the figures at T is posted as a correction dated now, and what was declared stays
as it was declared:

    the books at T = what was declared + all corrections since
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from hub.ledger.entries import COUNTER_PLACE, CounterPlace, Entry, Key, Reversal, Scope, key_at
from hub.ledger.figures import Books, CountFigure, ScopeState, is_ambiguous
from protocol.identity import EntryId


class Frozen(msgspec.Struct, frozen=True):
    """What a declaration froze: each log up to one of its entries, the last whose time was `until_us` or earlier.

    Times do not fall along a log, so that these are the entries of the closed time, whatever better clock fits make of
    them. They keep the time and the item they had then, by what the hub had read then. Which those are depends on their
    place in the log alone, and never on what came after.
    """

    until_us: int
    heads: tuple[EntryId, ...]

    def holds(self, identity: EntryId) -> bool:
        """Whether an entry may no longer be timed or read anew. A log's earlier epochs lie wholly below."""
        for head in self.heads:
            if head.station == identity.station:
                if identity.epoch == head.epoch:
                    return identity.seq <= head.seq
                return identity.epoch.generation < head.epoch.generation
        return False


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


class Correction(msgspec.Struct, frozen=True):
    """What an entry that came late changed of a scope's figures as of `until_us`, posted at `at_us`.

    The seven quantities are changes, and sum to zero.
    """

    scope: Scope
    until_us: int
    at_us: int
    on_hand_milli: int
    supplier_milli: int
    customer_milli: int
    shrink_milli: int
    opening_milli: int
    transit_milli: int
    conversion_milli: int


def correction(before: ScopeState, after: ScopeState, until_us: int, at_us: int) -> Correction | None:
    """Compare the figures at `until_us` before and after a batch, each by `state_at`; None if they are the same."""
    changed = Correction(
        after.scope,
        until_us,
        at_us,
        after.on_hand_milli - before.on_hand_milli,
        after.supplier_milli - before.supplier_milli,
        after.customer_milli - before.customer_milli,
        after.shrink_milli - before.shrink_milli,
        after.opening_milli - before.opening_milli,
        after.transit_milli - before.transit_milli,
        after.conversion_milli - before.conversion_milli,
    )
    nothing = Correction(after.scope, until_us, at_us, 0, 0, 0, 0, 0, 0, 0)
    return None if changed == nothing else changed


def scopes_reached(entries: Iterable[Entry], known: Iterable[Entry], until_us: int) -> set[Scope]:
    """Give the scopes whose figures at a moment a batch may change.

    `known` are what the books know of the entries of the batch and of those they reverse, as by `Books.related`.
    """
    reached: set[Scope] = set()
    for entry in (*entries, *known):
        if not isinstance(entry, Reversal) and entry.t_us <= until_us:
            reached.add(entry.scope)
    return reached


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
    return under_milli, over_milli, ambiguous
