"""Hands what moves nothing by itself to whom it concerns: words, counts, tags, baskets, and how far a log is told."""

from __future__ import annotations

from typing import Final

from hub.ledger.timefit import Timed, TimeSource
from hub.store import own_fields, tables
from hub.store.baskets import Baskets
from hub.store.beside import Beside
from hub.store.counting import CountSessions
from hub.store.epochs import EpochRow
from hub.store.lines import Lines
from hub.store.sql import Sql
from hub.store.stated import Stated
from hub.store.statements import changing, replacing
from hub.store.tagging import Tags
from hub.store.transfers import Transfers
from hub.store.words import Word, Words
from protocol.count_decisions import CountPlanned, CountRuled
from protocol.decisions import BasketEnded, JournalEntry, TransferSaid
from protocol.events import BasketEvent, Mark, ShelfCounted, StationEntry, Sweep, TagChange
from protocol.hq_decisions import ConflictAnswered, FieldWritten, StatementCompared

_MARK: Final = replacing(tables.mark)
_CLOSING: Final = changing(tables.mark, "closing")


class HandingOn:
    """Works on the writer's connection; what it hands on is remembered and forgotten by whom it hands it to."""

    def __init__(
        self,
        lines: Lines,
        transfers: Transfers,
        words: Words,
        stated: Stated,
        counting: CountSessions,
        beside: Beside,
        tags: Tags,
        baskets: Baskets,
    ) -> None:
        self._lines = lines
        self._transfers = transfers
        self._words = words
        self._stated = stated
        self._counting = counting
        self._beside = beside
        self._tags = tags
        self._baskets = baskets

    def take(
        self,
        connection: Sql,
        epoch: EpochRow,
        seq: int,
        line: bytes,
        event: StationEntry | JournalEntry,
        before: Timed | None,
    ) -> None:
        """Take an entry that has no time of its own in the books; `before` as in `Fold`. Raises `BadInput`."""
        if isinstance(event, Mark):
            self._mark(connection, epoch, seq, event)
        elif isinstance(event, TransferSaid):
            self._transfers.take(connection, epoch, seq, line, event)
        elif isinstance(event, Word):
            self._words.take(connection, epoch, seq, line, event)
        elif isinstance(event, StatementCompared | ConflictAnswered):
            self._stated.take(connection, epoch, seq, line, event)
        elif isinstance(event, FieldWritten):
            own_fields.take(connection, epoch, seq, line, event)
        elif isinstance(event, CountPlanned | CountRuled):
            self._counting.decided(connection, epoch, seq, line, event)
        elif isinstance(event, ShelfCounted):
            self._beside.take(connection, epoch, seq, event, before or self._lines.head(connection, epoch))
        elif isinstance(event, TagChange | Sweep):
            self._tags.take(connection, epoch, [(seq, event)])
        elif isinstance(event, BasketEvent):
            self._baskets.take(connection, epoch, seq, line, event)
        elif isinstance(event, BasketEnded):
            self._baskets.end(connection, epoch, seq, line, event)

    def _mark(self, connection: Sql, epoch: EpochRow, seq: int, mark: Mark) -> None:
        timed = self._lines.clocks.unraised(connection, epoch, seq, mark.when)
        if timed.source is TimeSource.ANCHORS:
            values = {"log": epoch.log, "t_us": timed.t_us - timed.err_us, "closing": int(mark.closing)}
            connection.execute(_MARK, values)
        else:
            # Its station may believe to be in 2036: what a mark before it said still holds.
            connection.execute(_CLOSING, {"log": epoch.log, "closing": int(mark.closing)})
