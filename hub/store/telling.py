"""What the fold changed, as lines of the store feed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

from hub.ledger.entries import Count, Delta, Scope
from hub.ledger.figures import CountFigure
from hub.ledger.transfers import TransferState
from hub.store.reading import NO_ITEM
from hub.store.stated_queries import ConflictRow
from protocol.feed import (
    SPECVERSION,
    CorrectionEntry,
    CountEntry,
    CountResult,
    FeedStatus,
    FinalEntry,
    Moved,
    Movement,
    MovementEntry,
    Movements,
    MovementsEntry,
    PeriodCorrection,
    PeriodFinal,
    encode_feed_entry,
    feed_source,
    revision_number,
)
from protocol.feed_documents import ConflictEntry, ConflictTold, TransferEntry, TransferRow, TransferTold
from protocol.identity import Epoch, ItemId, PlaceId, StoreId
from protocol.period_words import Corrected, PeriodWord

MOST_ROWS: Final = 200
"""Movements in one line of the feed."""
LINE_BYTES: Final = 48 * 1024
"""How long such a line may be, unless it states one movement."""
_EPOCH_DAY = date(1970, 1, 1)
_FIRST_DAY = (date.min - _EPOCH_DAY).days
_LAST_DAY = (date.max - _EPOCH_DAY).days


class Teller:
    """Writes feed lines of one store. Remembers the text of the last second, since entries come in runs."""

    def __init__(self, store: StoreId) -> None:
        self._source = feed_source(store)
        self._second = 0
        self._second_text = "1970-01-01T00:00:00"
        self._numbered_from = 0

    def begin(self, feed_epoch: Epoch) -> None:
        """Say which epoch of the feed the next lines are for."""
        self._numbered_from = revision_number(feed_epoch, 0)

    def movement(self, entry: str, told: int, delta: Delta, code: str | None, is_reversed: bool) -> bytes:
        """State a movement; `entry` is the text of its id, `told` the number of this statement about it."""
        revision = self._numbered_from + told
        item, area, status = _standing(delta.scope, is_reversed)
        return encode_feed_entry(
            MovementEntry(
                SPECVERSION,
                f"{entry}:{revision}",
                self._source,
                self._time(delta.t_us),
                Movement(
                    entry,
                    revision,
                    status,
                    item,
                    area,
                    delta.qty_milli,
                    delta.reason,
                    delta.document,
                    code,
                    delta.t_us,
                    delta.err_us,
                ),
            )
        )

    def movements(self, entries: str, rows: Sequence[Moved]) -> Iterator[bytes]:
        """State movements of one epoch for the first time; `entries` is the text that begins the ids of all."""
        for start in range(0, len(rows), MOST_ROWS):
            yield from self._movements(entries, rows[start : start + MOST_ROWS])

    def _movements(self, entries: str, rows: Sequence[Moved]) -> Iterator[bytes]:
        revision = self._numbered_from + 1
        line = encode_feed_entry(
            MovementsEntry(
                SPECVERSION,
                f"{entries}{rows[0].seq}+{len(rows)}:{revision}",
                self._source,
                self._time(rows[-1].t_us),
                Movements(entries, revision, tuple(rows)),
            )
        )
        if len(line) <= LINE_BYTES or len(rows) == 1:
            yield line
            return
        for half in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
            yield from self._movements(entries, half)

    def count(self, entry: str, told: int, count: Count, code: str | None, figure: CountFigure | None) -> bytes:
        """State a count; it is voided when no figure of it stands."""
        revision = self._numbered_from + told
        item, area, status = _standing(count.scope, figure is None)
        return encode_feed_entry(
            CountEntry(
                SPECVERSION,
                f"{entry}:{revision}",
                self._source,
                self._time(count.t_us),
                CountResult(
                    entry,
                    revision,
                    status,
                    item,
                    area,
                    # What a soft count comes to is what the books hold after it.
                    count.qty_milli if figure is None else figure.qty_milli,
                    0 if figure is None else figure.variance_milli,
                    figure is not None and figure.opening,
                    count.document,
                    code,
                    count.t_us,
                    count.err_us,
                ),
            )
        )

    def period(self, entry: str, word: PeriodWord) -> bytes:
        """State that a period was declared final, or a correction of one; `entry` is the text of the decision's id."""
        revision = self._numbered_from + 1
        head = SPECVERSION, f"{entry}:{revision}", self._source, self._time(word.at_us)
        if isinstance(word, Corrected):
            correction = PeriodCorrection(entry, revision, word.until_us, word.at_us, word.rows, word.note)
            return encode_feed_entry(CorrectionEntry(*head, correction))
        final = PeriodFinal(
            entry, revision, word.until_us, word.part, word.parts, word.excluded, word.rows, word.author, word.note
        )
        return encode_feed_entry(FinalEntry(*head, final))

    def transfer(self, entry: str, told: int, state: TransferState) -> list[bytes]:
        """State how far a transfer is; `entry` is its name in the feed, `told` the number of this statement."""
        revision = self._numbered_from + told
        route = ("", "", "", "")
        if state.route is not None:
            route = state.route.from_store, state.route.from_area, state.route.to_store, state.route.to_area
        drafted_us, approved_us, closed_us = (
            None if step is None else step.at_us for step in (state.drafted, state.approved, state.closed)
        )
        rows = [
            TransferRow(
                each.item,
                each.planned_milli,
                each.moved.shipped_milli,
                each.moved.received_milli,
                each.moved.settled_milli,
            )
            for each in state.items
        ]
        parts = [tuple(rows[at : at + MOST_ROWS]) for at in range(0, len(rows), MOST_ROWS)] or [()]
        time = self._time(
            max((at_us for at_us in (drafted_us, approved_us, closed_us) if at_us is not None), default=0)
        )
        return [
            encode_feed_entry(
                TransferEntry(
                    SPECVERSION,
                    f"{entry}+{part}:{revision}",
                    self._source,
                    time,
                    TransferTold(
                        entry,
                        revision,
                        part,
                        len(parts),
                        state.document,
                        state.phase,
                        *route,
                        drafted_us,
                        approved_us,
                        closed_us,
                        some,
                    ),
                )
            )
            for part, some in enumerate(parts, 1)
        ]

    def conflict(self, entry: str, told: int, row: ConflictRow) -> bytes:
        """State what became of a figure of head office's."""
        revision = self._numbered_from + told
        answer = row.answers[-1] if row.answers else None
        return encode_feed_entry(
            ConflictEntry(
                SPECVERSION,
                f"{entry}:{revision}",
                self._source,
                self._time(row.at_us if answer is None else answer.at_us),
                ConflictTold(
                    entry,
                    revision,
                    row.standing,
                    row.document,
                    row.item,
                    row.area,
                    str(row.epoch),
                    row.seq,
                    row.hq_milli,
                    row.ours_milli,
                    row.pending_milli,
                    row.at_us,
                    None if answer is None else answer.answer,
                    None if answer is None else answer.at_us,
                    "" if answer is None else answer.author,
                    "" if answer is None else answer.note,
                ),
            )
        )

    def _time(self, t_us: int) -> str:
        """Write RFC 3339; a time no calendar holds is told as a moment of the nearest day that one does."""
        second, micros = divmod(t_us, 1_000_000)
        if second != self._second:
            self._second = second
            day, of_day = divmod(second, 86_400)
            date_text = (_EPOCH_DAY + timedelta(min(max(day, _FIRST_DAY), _LAST_DAY))).isoformat()
            minute, of_minute = divmod(of_day, 60)
            self._second_text = f"{date_text}T{minute // 60:02d}:{minute % 60:02d}:{of_minute:02d}"
        return f"{self._second_text}.{micros:06d}Z"


def _standing(scope: Scope, is_reversed: bool) -> tuple[ItemId | None, PlaceId | None, FeedStatus]:
    if scope.item == NO_ITEM:
        return None, None, FeedStatus.QUARANTINED
    return scope.item, scope.area, FeedStatus.REVERSED if is_reversed else FeedStatus.STANDS
