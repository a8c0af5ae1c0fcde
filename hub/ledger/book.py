"""The arithmetic of one scope: deltas and counts put into the books and taken out again.

Everything rests on two inverse pairs, because the figures are a function of the set of entries in force:
a reversal takes its target out, a better clock fit takes the old version out and puts the new one in.

    key:      ----d---d------d-----d-------d----d-->      counts in key order; each knows the sum of the
    counts:   ---------[C1]-----------[C2]----------      deltas since the count before it (`moved_milli`);
    moved:     C1.moved     C2.moved      book.moved      the book knows the sum since the last one

A `ScopeBook` is mutable and lives for one batch: it is made from a frozen `ScopeState` and closes into
one. A frozen value made anew for each entry would cost more than all the rest, and a book that outlived
its batch would be wrong after a transaction that failed. Only what the batch touches is asked of the
source: the two counts an entry falls between when it is older than the last (`window`), deltas when a count comes to
stand between some of them.

A soft count holds whatever the books held, within its bounds; so what changes the books before it may change the count,
and then the one after it. `_restate` walks on as far as that goes, and no further than the next hard count.

Beyond 300 lines because each of these arithmetics is true only together with the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from hub.ledger.entries import COUNTER_PLACE, Count, CounterPlace, Delta, Key, key_at
from hub.ledger.figures import (
    NEVER_US,
    Books,
    CountFigure,
    Filed,
    ScopeState,
    is_ambiguous,
    may_have_been_away,
    nearest_milli,
)
from hub.ledger.window import CountChanges, CountWindow
from protocol.identity import EntryId

_COLUMNS = list(CounterPlace)
_COLUMN = {reason: _COLUMNS.index(place) for reason, place in COUNTER_PLACE.items()}
_SHRINK = _COLUMNS.index(CounterPlace.SHRINK)
_OPENING = _COLUMNS.index(CounterPlace.OPENING)


class ScopeBook:
    """The books of one scope for one batch.

    `filed` is what the batch filed so far, of all scopes: where it and `books` differ, it is right. It
    must show an entry as it stands before the next entry is put in. `fresh` are the deltas of this batch that `state`
    holds already.
    """

    __slots__ = (
        "_after_us",
        "_ambiguous",
        "_anchor_us",
        "_before_us",
        "_books",
        "_certain_us",
        "_counts",
        "_filed",
        "_fresh",
        "_moved",
        "_newest_us",
        "_over",
        "_reach_us",
        "_state",
        "_under",
        "_virtual",
        "counts_touched",
        "reanchored",
        "undone",
    )

    def __init__(
        self, state: ScopeState, books: Books, filed: Mapping[EntryId, Filed], fresh: Iterable[Delta] = ()
    ) -> None:
        self.counts_touched = self.reanchored = False
        self.undone: dict[EntryId, Delta] = {}
        """The deltas that this batch filed as reversed."""
        self._books = books
        self._filed = filed
        self._state = state
        self._fresh = list(fresh)
        self._counts = CountWindow(state.scope, state.anchor, books)
        self._anchor_us = self._certain_us = NEVER_US
        self._moved = state.moved_milli
        # What movements raise; what a soft anchor adds is the anchor's own.
        self._under = state.under_milli
        self._over = state.over_milli
        if (anchor := state.anchor) is not None:
            self._anchor_us = anchor.t_us
            self._certain_us = anchor.to_us
            self._under -= anchor.under_milli
            self._over -= anchor.over_milli
        self._ambiguous = state.ambiguous
        self._virtual = [
            state.supplier_milli,
            state.customer_milli,
            state.shrink_milli,
            state.opening_milli,
            state.transit_milli,
            state.conversion_milli,
        ]
        self._newest_us = state.newest_us
        self._reach_us = state.reach_us
        self._before_us = state.before_us
        self._after_us = state.after_us

    @property
    def anchor(self) -> CountFigure | None:
        return self._counts.last

    def is_after_anchor(self, key: Key) -> bool:
        """Whether a delta of this key is applied and not absorbed."""
        anchor = self._counts.last
        return anchor is None or key > anchor.key

    def put_in(self, delta: Delta) -> bool:
        """Count a delta in; whether it is applied and not absorbed."""
        self._fresh.append(delta)
        return self._post(delta, 1)

    def take_out(self, delta: Delta) -> None:
        """Undo `put_in`, of this batch or of an earlier one."""
        self._post(delta, -1)

    def set_aside(self, undone: Delta, sign: int) -> None:
        """Reckon with a delta that is reversed, which was put in by nobody or taken out; or, with -1, no more."""
        around_us = undone.lead_us + undone.err_us
        self._reach_us = max(self._reach_us, undone.t_us + around_us)
        self._before_us = max(self._before_us, around_us)
        self._after_us = max(self._after_us, around_us)
        anchor = self._counts.last
        if anchor is not None and may_have_been_away(undone, anchor):
            self._doubt(-undone.qty_milli, sign)

    def _post(self, delta: Delta, sign: int) -> bool:
        t_us = delta.t_us
        before_us = delta.lead_us + delta.err_us
        after_us = delta.lag_us + delta.err_us
        if t_us > self._newest_us:
            self._newest_us = t_us
        if t_us + after_us > self._reach_us:
            self._reach_us = t_us + after_us
        if before_us > self._before_us:
            self._before_us = before_us
        if after_us > self._after_us:
            self._after_us = after_us
        qty = delta.qty_milli * sign
        self._virtual[_COLUMN[delta.reason]] -= qty
        if t_us > self._anchor_us or self.is_after_anchor(delta.key):
            self._moved += qty
            # The common delta ends here: newer than the last count and clear of its readings.
            if t_us - before_us <= self._certain_us and is_ambiguous(delta, self._counts[-1]):
                self._doubt(-delta.qty_milli, sign)
            return True
        at = self._counts.around(delta.key)
        self._restate(at, self._counts[at].moved_milli + qty)
        if is_ambiguous(delta, self._counts[-1]):
            self._doubt(delta.qty_milli, sign)
        return False

    def put_in_count(self, count: Count, revision: int = 0) -> None:
        """Count a count in. `revision` is the last one that was published of it, in whatever scope."""
        figure = CountFigure(
            id=count.id,
            scope=self._state.scope,
            qty_milli=count.qty_milli,
            t_us=count.t_us,
            from_us=min(count.span_us, count.t_us) - count.err_us,
            to_us=count.t_us + count.err_us,
            moved_milli=0,
            expected_milli=0,
            opening=True,
            revision=revision,
            lo_milli=count.lo_milli,
            hi_milli=count.hi_milli,
            closed=count.closed,
        )
        key = figure.key
        at = self._counts.around(key)
        is_last = at == len(self._counts)
        if is_last:
            since = sum(d.qty_milli for d in self._between(key, None)) if key.t_us <= self._newest_us else 0
            until = self._moved - since
            self._moved = since
        else:
            since = sum(d.qty_milli for d in self._between(key, self._counts[at].key))
            until = self._counts[at].moved_milli - since
        self._counts.put_in(at, figure)
        self._virtual[_OPENING] -= figure.variance_milli
        self._restate_one(at, until)
        if is_last:
            self._reanchor()
        else:
            self._restate(at + 1, since)

    def take_out_count(self, count: Count) -> int:
        """Undo `put_in_count`, of this batch or of an earlier one; the count's last published revision."""
        at = self._counts.around(count.key)
        self._counts.after(at)
        gone = self._counts.take_out(at)
        self._virtual[_OPENING if gone.opening else _SHRINK] += gone.variance_milli
        if at == len(self._counts):
            self._moved += gone.moved_milli
            self._reanchor()
        else:
            self._restate(at, self._counts[at].moved_milli + gone.moved_milli)
        return gone.revision

    def count_changes(self) -> CountChanges:
        """What the batch changed among the counts; each count it changed gets its next revision."""
        return self._counts.changes()

    def state(self) -> ScopeState:
        """The scope's figures; to be asked after `count_changes`."""
        supplier, customer, shrink, opening, transit, conversion = self._virtual
        anchor = self._counts.last
        return ScopeState(
            self._state.scope,
            anchor,
            self._moved,
            self._under + (0 if anchor is None else anchor.under_milli),
            self._over + (0 if anchor is None else anchor.over_milli),
            self._ambiguous,
            supplier,
            customer,
            shrink,
            opening,
            transit,
            conversion,
            self._newest_us,
            self._reach_us,
            self._before_us,
            self._after_us,
        )

    def _restate(self, at: int, moved_milli: int) -> None:
        """State a count afresh, and those after it as far as that changes them."""
        while self._restate_one(at, moved_milli) and at + 1 < len(self._counts):
            at = self._counts.after(at)
            moved_milli = self._counts[at].moved_milli

    def _restate_one(self, at: int, moved_milli: int) -> bool:
        """State the count at this index afresh, after a change of its deltas or of the count before it.

        The count before it must be here, if there is one. Whether what the books hold after it is changed.
        """
        self.counts_touched = True
        old = self._counts[at]
        before = self._counts[at - 1] if at else None
        expected_milli = moved_milli if before is None else before.qty_milli + moved_milli
        new = replace(
            old,
            qty_milli=nearest_milli(expected_milli, old.qty_milli, old.lo_milli, old.hi_milli),
            moved_milli=moved_milli,
            expected_milli=expected_milli,
            opening=before is None,
        )
        self._virtual[_OPENING if old.opening else _SHRINK] += old.variance_milli
        self._virtual[_OPENING if new.opening else _SHRINK] -= new.variance_milli
        self._counts.restate(at, new)
        return new.qty_milli != old.qty_milli

    def _doubt(self, qty_milli: int, sign: int) -> None:
        """On-hand would be `qty_milli` more, had a movement fallen on the other side of the anchor."""
        if qty_milli < 0:
            self._under += sign * qty_milli
        else:
            self._over += sign * qty_milli
        self._ambiguous += sign

    def _reanchor(self) -> None:
        """Find which movements are ambiguous now that another count is the last."""
        self.counts_touched = self.reanchored = True
        self._under = self._over = self._ambiguous = 0
        anchor = self._counts.last
        if anchor is None:
            self._anchor_us = self._certain_us = NEVER_US
            return
        self._anchor_us = anchor.t_us
        self._certain_us = anchor.to_us
        if self._reach_us < anchor.from_us:
            return
        low, high = key_at(anchor.from_us - self._after_us), key_at(anchor.to_us + self._before_us + 1)
        for delta in self._between(low, high):
            if is_ambiguous(delta, anchor):
                applied = delta.key > anchor.key
                self._doubt(-delta.qty_milli if applied else delta.qty_milli, 1)
        before = (d for d in self._books.undone_between(self._state.scope, low, high) if d.id not in self._filed)
        for undone in (*before, *self.undone.values()):
            if may_have_been_away(undone, anchor):
                self._doubt(-undone.qty_milli, 1)

    def _between(self, low: Key | None, high: Key | None) -> Iterator[Delta]:
        """The deltas in force with low < key < high, those of this batch included."""
        for delta in self._books.deltas_between(self._state.scope, low, high):
            if _is_between(low, delta.key, high) and delta.id not in self._filed:
                yield delta
        for delta in self._fresh:
            filed = self._filed[delta.id]
            in_force = filed.entry is delta and filed.reversed_by is None
            if in_force and _is_between(low, delta.key, high):
                yield delta


def _is_between(low: Key | None, key: Key, high: Key | None) -> bool:
    return (low is None or low < key) and (high is None or key < high)
