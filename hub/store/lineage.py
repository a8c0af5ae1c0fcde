"""Why a figure is what it is: the count it rests on, what moved since, and what the count's variance comes from.

on hand = counted + moved since                  counted = before + moved between + variance
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from sqlalchemy import and_, bindparam, select

from hub.ledger.entries import EVER_US, Kind, Status
from hub.store import stock_queries, tables
from hub.store.epochs import EpochRows
from hub.store.sql import Sql
from hub.store.timelines import in_area
from hub.store.views import Basis, Lineage, MovedBy, TimelineEntry
from protocol.events import Reason
from protocol.identity import EntryId, ItemId, PlaceId

MOST_READ: Final = 5000
"""Entries that are gone through for one figure; of a busier item since its last count only the newest are summed up."""
_AT_ONCE: Final = 500
_scope, _count = tables.scope.c, tables.count_figure.c
_FIGURES: Final = (
    select(
        _scope.area, _scope.on_hand_milli, _scope.under_milli, _scope.over_milli, _scope.ambiguous, _scope.after_us,
        _scope.anchor_epoch, _scope.anchor_seq, _count.qty_milli, _count.expected_milli, _count.from_us, _count.to_us,
        _count.opening, _count.revision, _count.closed,
    )
    .select_from(
        tables.scope.outerjoin(
            tables.count_figure, and_(_count.epoch == _scope.anchor_epoch, _count.seq == _scope.anchor_seq)
        )
    )
    .where(_scope.item == bindparam("item"), in_area(_scope.area))
    .order_by(_scope.area)
)  # fmt: skip


def lineage(connection: Sql, epochs: EpochRows, item: ItemId, area: PlaceId | None) -> tuple[Lineage, ...]:
    """See `HubStore.lineage`."""
    found = connection.execute(_FIGURES, {"item": item, "area": area}).fetchall()
    return tuple(told for row in found if (told := _Figure(*row).told(connection, epochs, item)) is not None)


class _Figure:
    """A scope's row, and what is found out of its entries."""

    def __init__(
        self,
        area: str,
        on_hand_milli: int,
        under_milli: int,
        over_milli: int,
        ambiguous: int,
        after_us: int,
        anchor_epoch: int | None,
        anchor_seq: int | None,
        *count: int | None,
    ) -> None:
        self._area = PlaceId(area)
        self._on_hand_milli = on_hand_milli
        self._lo_milli = on_hand_milli + under_milli
        self._hi_milli = on_hand_milli + over_milli
        self._ambiguous = ambiguous
        self._after_us = after_us
        self._anchor = (anchor_epoch, anchor_seq)
        self._count = count

    def told(self, connection: Sql, epochs: EpochRows, item: ItemId) -> Lineage | None:
        """Go through the entries, newest first; None if there are none."""
        anchor = self._anchor_id(connection, epochs)
        from_us, to_us = self._span()
        since: list[TimelineEntry] = []
        between: list[TimelineEntry] = []
        ambiguous: list[TimelineEntry] = []
        undone: list[TimelineEntry] = []
        count: TimelineEntry | None = None
        before: TimelineEntry | None = None
        read, whole = 0, True
        for entry in _entries(connection, epochs, item, self._area):
            if count is not None and self._is_past(entry, before, from_us):
                break
            if read == MOST_READ:
                whole = False
                break
            read += 1
            if entry.kind is Kind.COUNT:
                if entry.entry == anchor:
                    count = entry
                elif count is not None and before is None and entry.variance_milli is not None:
                    before = entry
            elif entry.reversed_by is not None and entry.kind is Kind.DELTA:
                if (
                    from_us is not None
                    and to_us is not None
                    and not self._closed
                    and _may_have_been_away(entry, from_us, to_us)
                ):
                    undone.append(entry)
            elif entry.kind is Kind.DELTA and entry.cause is None:
                if entry.status is Status.APPLIED:
                    since.append(entry)
                elif before is None:
                    between.append(entry)
                if (
                    from_us is not None
                    and to_us is not None
                    and _may_be_either_side(entry, from_us, to_us, self._closed)
                ):
                    ambiguous.append(entry)
        if not read:
            return None
        # What was taken back is told where the books reckon with it.
        ambiguous += undone[: max(0, self._ambiguous - len(ambiguous))]
        return Lineage(
            item=item,
            area=self._area,
            on_hand_milli=self._on_hand_milli,
            lo_milli=self._lo_milli,
            hi_milli=self._hi_milli,
            basis=None if count is None else self._basis(count, before, between),
            moved=_by_reason(since),
            ambiguous=tuple(ambiguous),
            whole=whole,
        )

    def _anchor_id(self, connection: Sql, epochs: EpochRows) -> EntryId | None:
        epoch, seq = self._anchor
        return None if epoch is None or seq is None else epochs.by_id(connection, epoch).entry(seq)

    @property
    def _closed(self) -> bool:
        """Whether nobody else was in the area when it was counted."""
        return bool(self._count[6])

    def _span(self) -> tuple[int | None, int | None]:
        return self._count[2], self._count[3]

    def _is_past(self, entry: TimelineEntry, before: TimelineEntry | None, from_us: int | None) -> bool:
        """Whether neither this entry nor an older one has to do with the figure or its count."""
        return before is not None and from_us is not None and entry.t_us + self._after_us < from_us

    def _basis(self, count: TimelineEntry, before: TimelineEntry | None, between: Iterable[TimelineEntry]) -> Basis:
        qty_milli, expected_milli, _, _, opening, revision, _ = self._count
        return Basis(
            entry=count.entry,
            t_us=count.t_us,
            err_us=count.err_us,
            counted_milli=qty_milli or 0,
            expected_milli=expected_milli or 0,
            opening=bool(opening),
            restated=(revision or 1) - 1,
            before=None if before is None else before.entry,
            before_milli=0 if before is None else before.qty_milli,
            moved=_by_reason(between),
        )


def _entries(connection: Sql, epochs: EpochRows, item: ItemId, area: PlaceId) -> Iterator[TimelineEntry]:
    after: str | None = None
    while True:
        page = stock_queries.timeline(connection, epochs, item, area, after, _AT_ONCE)
        yield from page.entries
        after = page.next
        if after is None:
            return


def _may_be_either_side(entry: TimelineEntry, from_us: int, to_us: int, closed: bool) -> bool:
    """As `hub.ledger.figures.is_ambiguous`, of an entry as the timeline has it."""
    lead_us, lag_us = (0, 0) if closed and entry.lead_us != EVER_US else (entry.lead_us, entry.lag_us)
    return entry.t_us - lead_us - entry.err_us <= to_us and entry.t_us + lag_us + entry.err_us >= from_us


def _may_have_been_away(undone: TimelineEntry, from_us: int, to_us: int) -> bool:
    """Whether goods that were refused at a till may have been off the shelf, there and back, while it was counted."""
    around_us = undone.lead_us + undone.err_us
    left = undone.qty_milli < 0 < undone.lead_us < EVER_US
    return left and undone.t_us - around_us <= to_us and undone.t_us + around_us >= from_us


def _by_reason(entries: Iterable[TimelineEntry]) -> tuple[MovedBy, ...]:
    sums: defaultdict[Reason, list[int]] = defaultdict(list)
    for entry in entries:
        sums[entry.reason or Reason.ADJUSTMENT].append(entry.qty_milli)
    return tuple(MovedBy(reason, len(sums[reason]), sum(sums[reason])) for reason in Reason if reason in sums)
