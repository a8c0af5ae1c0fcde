"""What goes into the fold: deltas, counts and reversals, with the words and the order they share.

An entry is a frozen msgspec struct rather than a dataclass because a backlog makes a million of them: a
struct of this size is built in about a tenth of the time.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, NamedTuple, TypeAlias

import msgspec

from protocol.events import Reason
from protocol.identity import EntryId, Epoch, ItemId, PlaceId, StationId


class Kind(StrEnum):
    """What an entry does: move stock, state stock, or take back another entry."""

    DELTA = "delta"
    COUNT = "count"
    REVERSAL = "reversal"


class Status(StrEnum):
    """What became of an entry; it has exactly one.

    `applied`: on-hand rests on it. `absorbed`: a delta older than the count that on-hand rests on.
    `history`: a count that a later count has replaced, that was voided, or that does not stand.
    `quarantined`: has no effect, `Cause` says why.
    """

    APPLIED = "applied"
    ABSORBED = "absorbed"
    HISTORY = "history"
    QUARANTINED = "quarantined"


class Cause(StrEnum):
    """Why the fold holds an entry in quarantine."""

    REVERSES_UNKNOWN = "reverses-unknown"
    ALREADY_REVERSED = "already-reversed"
    REVERSES_A_REVERSAL = "reverses-a-reversal"


class CounterPlace(StrEnum):
    """The virtual places, where stock comes from and goes to: each item sums to zero over all places."""

    SUPPLIER = "supplier"
    CUSTOMER = "customer"
    SHRINK = "shrink"
    OPENING = "opening"
    TRANSIT = "transit"
    CONVERSION = "conversion"


COUNTER_PLACE: dict[Reason, CounterPlace] = {
    Reason.SALE: CounterPlace.CUSTOMER,
    Reason.RETURN: CounterPlace.CUSTOMER,
    Reason.RECEIPT: CounterPlace.SUPPLIER,
    Reason.WASTE: CounterPlace.SHRINK,
    # An adjustment is a difference nobody could name a partner for, which is what shrink means.
    Reason.ADJUSTMENT: CounterPlace.SHRINK,
    Reason.TRANSFER: CounterPlace.TRANSIT,
    Reason.REPACK: CounterPlace.CONVERSION,
}
"""The other side of a delta. A count's variance posts to shrink, the first count's to opening."""


class Scope(NamedTuple):
    """What one set of books is about: an item in an area."""

    item: ItemId
    area: PlaceId


class Key(NamedTuple):
    """The order of entries: time, then station, epoch and seq. Compares as its tuple does."""

    t_us: int
    id: EntryId


_BEFORE_ALL = EntryId(StationId(""), Epoch(0, 0), 0)


def key_at(t_us: int) -> Key:
    """A key below that of every entry at `t_us` and above that of every earlier one; no entry has it."""
    return Key(t_us, _BEFORE_ALL)


EVER_US = 1 << 60
"""The lead of a movement of which nobody knows whether it happened at all: each count before it may have it already,
also one that was taken in a closed area."""


class Delta(msgspec.Struct, frozen=True, gc=False):
    """A movement of `qty_milli` into the area (negative: out of it).

    `t_us` is UTC in microseconds, true to ± `err_us`. Goods leave the shelf up to `lead_us` before the
    scan and come back up to `lag_us` after it. `fit` numbers the clock fit that gave `t_us`: the same id
    with a greater one replaces what is known, with a smaller one is a repeat.
    """

    kind: ClassVar[Kind] = Kind.DELTA

    id: EntryId
    scope: Scope
    qty_milli: int
    reason: Reason
    t_us: int
    err_us: int = 0
    lead_us: int = 0
    lag_us: int = 0
    document: str | None = None
    fit: int = 0

    @property
    def key(self) -> Key:
        return Key(self.t_us, self.id)


class Count(msgspec.Struct, frozen=True, gc=False):
    """A statement that the area held `qty_milli`.

    Its readings were taken from `span_us` to `t_us`, both UTC in microseconds, both true to ± `err_us`.
    `document` is the count session. `fit` is as for `Delta`.

    A soft count has `lo_milli` and `hi_milli` (lo ≤ hi) and knows only that the area held no less and no more: it
    leaves the books alone unless they lie outside, and its `qty_milli` is what was seen, which nothing rests on.
    `closed`: nobody else was in the area, so that no movement was under way but by clock error.
    Without `stands` it says nothing; a later fit may say something again.
    """

    kind: ClassVar[Kind] = Kind.COUNT

    id: EntryId
    scope: Scope
    qty_milli: int
    span_us: int
    t_us: int
    err_us: int = 0
    document: str | None = None
    fit: int = 0
    lo_milli: int | None = None
    hi_milli: int | None = None
    closed: bool = False
    stands: bool = True

    @property
    def key(self) -> Key:
        return Key(self.t_us, self.id)


class Reversal(msgspec.Struct, frozen=True, gc=False):
    """An entry that takes back the delta or voids the count `reverses`.

    Its scope, quantity and key are its target's. `t_us` is when it was taken back; the fold does not read
    it. `fit` is as for `Delta`, and never changes `reverses`.
    """

    kind: ClassVar[Kind] = Kind.REVERSAL

    id: EntryId
    reverses: EntryId
    t_us: int
    err_us: int = 0
    document: str | None = None
    fit: int = 0


Entry: TypeAlias = Delta | Count | Reversal
