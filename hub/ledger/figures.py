"""What comes out of the fold, and what it asks: figures of scopes and counts, the fate of entries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from hub.ledger.entries import EVER_US, Cause, Count, Delta, Entry, Key, Reversal, Scope, Status
from protocol.identity import EntryId

NEVER_US = -(1 << 62)
"""Earlier than any time; fits a signed 64-bit column."""


class CountFigure(msgspec.Struct, frozen=True, gc=False):
    """A count that stands (was not voided) and what the books said when it was made; key `id`.

    `moved_milli` is the sum of the deltas between the count before and this one, `expected_milli` what
    the books held at this count (quantity of the count before, or 0, plus `moved_milli`). `opening`: no
    count stands before it, so its variance posts to opening and not to shrink. `from_us` and `to_us` are
    the span of its readings widened by its clock error. `revision` is 1 when the count comes to stand and grows by
    one each time a batch changes any of the rest.

    A soft count has `lo_milli` and `hi_milli`, and its `qty_milli` is what of the two and all between lies nearest
    to `expected_milli`. `closed` is as for `Count`.
    """

    id: EntryId
    scope: Scope
    qty_milli: int
    t_us: int
    from_us: int
    to_us: int
    moved_milli: int
    expected_milli: int
    opening: bool
    revision: int
    lo_milli: int | None = None
    hi_milli: int | None = None
    closed: bool = False

    @property
    def key(self) -> Key:
        return Key(self.t_us, self.id)

    @property
    def variance_milli(self) -> int:
        return self.qty_milli - self.expected_milli

    @property
    def under_milli(self) -> int:
        """How much less than `qty_milli` there may have been by the count itself (≤ 0); 0 unless it is soft."""
        return 0 if self.lo_milli is None else self.lo_milli - self.qty_milli

    @property
    def over_milli(self) -> int:
        """How much more than `qty_milli` there may have been by the count itself (≥ 0); 0 unless it is soft."""
        return 0 if self.hi_milli is None else self.hi_milli - self.qty_milli


def nearest_milli(expected_milli: int, qty_milli: int, lo_milli: int | None, hi_milli: int | None) -> int:
    """Say what the books hold after a count: `qty_milli`, or of a soft one what lies nearest to what they held."""
    if lo_milli is None or hi_milli is None:
        return qty_milli
    return min(max(expected_milli, lo_milli), hi_milli)


def is_ambiguous(delta: Delta, count: CountFigure) -> bool:
    """Whether the movement may have happened while the count was read, or on its other side."""
    start_us, end_us = delta.t_us - delta.err_us, delta.t_us + delta.err_us
    if not count.closed:
        start_us -= delta.lead_us
        end_us += delta.lag_us
    elif delta.lead_us == EVER_US:
        start_us -= EVER_US
    return start_us <= count.to_us and end_us >= count.from_us


def may_have_been_away(undone: Delta, figure: CountFigure) -> bool:
    """Whether goods of a movement that was taken back may have been off the shelf while the count was read.

    Goods that leave are carried before they are scanned; refused at the till, they are carried back as long after it.
    The books then never moved, and only the count knows less than there is. What was brought in by mistake never was.
    """
    if figure.closed or undone.qty_milli >= 0 or not undone.lead_us:
        return False
    if undone.lead_us == EVER_US:
        # Nobody carried it anywhere: it was said of goods that another movement took away.
        return False
    around_us = undone.lead_us + undone.err_us
    return undone.t_us - around_us <= figure.to_us and undone.t_us + around_us >= figure.from_us


class ScopeState(msgspec.Struct, frozen=True, gc=False):
    """The figures of one item in one area: plain columns, and `anchor`, a row among the counts.

    `anchor` is the count of greatest key, None while nothing was ever counted. `moved_milli` is the sum
    of the deltas after it. The true on-hand lies `under_milli` (≤ 0) to `over_milli` (≥ 0) from
    `on_hand_milli`, because `ambiguous` movements may have happened on the other side of the anchor, or because
    the anchor is soft. The
    six virtual places hold minus what came from or went to them, so that they and `on_hand_milli` sum to
    zero.

    The last four columns only spare the fold questions to its source: the newest `t_us` of a delta, the
    latest end of a delta's interval, and the widest distances of an interval's start and end from its
    `t_us`. They are upper bounds, which a reversal or a new clock fit never lowers, and no figure depends
    on them.
    """

    scope: Scope
    anchor: CountFigure | None = None
    moved_milli: int = 0
    under_milli: int = 0
    over_milli: int = 0
    ambiguous: int = 0
    supplier_milli: int = 0
    customer_milli: int = 0
    shrink_milli: int = 0
    opening_milli: int = 0
    transit_milli: int = 0
    conversion_milli: int = 0
    newest_us: int = NEVER_US
    reach_us: int = NEVER_US
    before_us: int = 0
    after_us: int = 0

    @property
    def on_hand_milli(self) -> int:
        return self.moved_milli if self.anchor is None else self.anchor.qty_milli + self.moved_milli

    @property
    def lo_milli(self) -> int:
        return self.on_hand_milli + self.under_milli

    @property
    def hi_milli(self) -> int:
        return self.on_hand_milli + self.over_milli

    @property
    def unanchored(self) -> bool:
        return self.anchor is None

    def available_milli(self, reserved_milli: int = 0, safety_milli: int = 0) -> int:
        """What may be promised to a customer; the only figure that is cut off at zero."""
        return max(0, self.on_hand_milli - reserved_milli - safety_milli)


class Filed(msgspec.Struct, frozen=True, gc=False):
    """What became of an entry: the row to insert, or to put in place of the row of the same id.

    `reversed_by` names the reversal in force against a delta or count. `target` is what a reversal in
    force reverses, None for all else. `cause` is given exactly when `status` is quarantined.
    """

    entry: Entry
    status: Status
    cause: Cause | None = None
    reversed_by: EntryId | None = None
    target: Delta | Count | None = None

    @property
    def placed(self) -> Delta | Count | None:
        """What gives it scope, key and quantity: itself, its target, None for a reversal in quarantine."""
        return self.target if isinstance(self.entry, Reversal) else self.entry

    @property
    def qty_milli(self) -> int:
        """What it moves in its scope; a count's is what was counted, its void moves nothing."""
        if self.target is None:
            return 0 if isinstance(self.entry, Reversal) else self.entry.qty_milli
        return -self.target.qty_milli if isinstance(self.target, Delta) else 0


class AnchorMoved(msgspec.Struct, frozen=True, gc=False):
    """On-hand of a scope rests on another count: `after` in place of `before` (None: on no count).

    The count `before` is history and then the count `after` is applied. Every delta with its key between
    the two, and the reversal in force against it, is absorbed if `after` is the greater (None is below
    all keys), else applied.
    """

    scope: Scope
    before: Key | None
    after: Key | None


class Outcome(msgspec.Struct, frozen=True):
    """All that a batch changed, each thing once and as it is at the batch's end; to be kept in this order.

    `anchors` change statuses of rows kept before. `filed` replace the rows of the same id and are right
    as they come. `dropped` are counts that stand no longer, voided or moved to another scope, in which
    case `counts` has them again. `counts` and `scopes` replace what is kept under the same id or scope.
    """

    anchors: Sequence[AnchorMoved]
    filed: Sequence[Filed]
    dropped: Sequence[EntryId]
    counts: Sequence[CountFigure]
    scopes: Sequence[ScopeState]


class Books(Protocol):
    """What the fold asks of whoever keeps the books. All answers are as of the end of the batch before."""

    def state(self, scope: Scope) -> ScopeState | None:
        """The scope's figures, None if it has none yet."""
        ...

    def related(self, ids: Sequence[EntryId]) -> Iterable[Entry]:
        """Each known entry that has one of `ids` or reverses one of them; others do no harm.

        Known is what a batch filed, also in quarantine. Asked once for each batch.
        """
        ...

    def deltas_between(self, scope: Scope, low: Key | None, high: Key | None) -> Iterable[Delta]:
        """The deltas of the scope that are not reversed, with low < key < high (None: no bound), in any order.

        Others of them do no harm, so that bounds of `t_us` alone, inclusive, will do.
        """
        ...

    def undone_between(self, scope: Scope, low: Key, high: Key) -> Iterable[Delta]:
        """The deltas of the scope that are reversed, with low < key < high, in any order; others of them do no harm."""
        ...

    def neighbours(self, scope: Scope, key: Key) -> tuple[CountFigure | None, CountFigure | None]:
        """The last count of the scope under `key`, and the first at or over it; None where there is none."""
        ...
