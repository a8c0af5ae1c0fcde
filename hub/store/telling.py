"""What the fold changed, as lines of the store feed."""

from __future__ import annotations

from datetime import UTC, datetime

from hub.ledger.entries import Count, Delta, Scope
from hub.ledger.figures import CountFigure
from hub.store.reading import NO_ITEM
from protocol.feed import (
    SPECVERSION,
    CountEntry,
    CountResult,
    FeedStatus,
    Movement,
    MovementEntry,
    encode_feed_entry,
    feed_source,
    revision_number,
)
from protocol.identity import Epoch, ItemId, PlaceId, StoreId

_FIRST_S = -62135596800
_LAST_S = 253402300799


class Teller:
    """Writes feed lines of one store. Remembers the text of the last second, since entries come in runs."""

    def __init__(self, store: StoreId) -> None:
        self._source = feed_source(store)
        self._second = 0
        self._second_text = "1970-01-01T00:00:00"
        self.feed_epoch = Epoch(1, 0)
        """The epoch of the feed that the lines are for."""

    def movement(self, entry: str, told: int, delta: Delta, code: str | None, is_reversed: bool) -> bytes:
        """State a movement; `entry` is the text of its id, `told` the number of this statement about it."""
        revision = revision_number(self.feed_epoch, told)
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

    def count(self, entry: str, told: int, count: Count, code: str | None, figure: CountFigure | None) -> bytes:
        """State a count; it is voided when no figure of it stands."""
        revision = revision_number(self.feed_epoch, told)
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
                    count.qty_milli,
                    0 if figure is None else figure.variance_milli,
                    figure is not None and figure.opening,
                    count.document,
                    code,
                    count.t_us,
                    count.err_us,
                ),
            )
        )

    def _time(self, t_us: int) -> str:
        """Write RFC 3339; a time no calendar holds is told as the nearest that one does."""
        second, micros = divmod(t_us, 1_000_000)
        if second != self._second:
            self._second = second
            within = min(max(second, _FIRST_S), _LAST_S)
            self._second_text = datetime.fromtimestamp(within, UTC).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
        return f"{self._second_text}.{micros:06d}Z"


def _standing(scope: Scope, is_reversed: bool) -> tuple[ItemId | None, PlaceId | None, FeedStatus]:
    if scope.item == NO_ITEM:
        return None, None, FeedStatus.QUARANTINED
    return scope.item, scope.area, FeedStatus.REVERSED if is_reversed else FeedStatus.STANDS
