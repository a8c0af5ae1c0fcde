"""Holds head office's stock statements against what the store feed had told by the position that they name.

So it does not matter what is known today, when the statement came, or how often it is compared. A position that the
feed has not come to yet is waited for; one that it never had, because head office heard it from a life of the file that
was lost, is compared with nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import func, select

from hub.errors import ContractBroken
from hub.ledger.conflicts import final_answer
from hub.store import tables
from hub.store.database import Database
from hub.store.epochs import JOURNAL, EpochRows
from hub.store.feed_then import FeedThen, ItemArea, Now, Place, Reach, look, reach
from hub.store.own_log import NotKept, OwnLog
from hub.store.own_rows import OwnRows
from hub.store.reader_logs import HQ_DOCUMENTS
from hub.store.sql import Sql
from hub.store.stated import IS_COMPARED, Disputed, Stated, answers_to, line_of
from protocol.events import encode_entry
from protocol.feed_documents import Standing
from protocol.frames import MAX_LINE_BYTES
from protocol.hq_decisions import ComparedRow, StatementCompared
from protocol.identity import HUB_STATION, EntryId, Epoch

AT_ONCE: Final = 30
"""Parts of statements that are looked at in one go."""
ROWS: Final = 400
"""Differing figures in one entry of the journal."""
WRITER: Final = "hub"
COMPARED: Final = "head office's figures beside those of the feed"
_row_bytes: Final = MAX_LINE_BYTES // 2

_statement, _conflict = tables.statement.c, tables.conflict.c
_WAITING: Final = (
    select(_statement.document, _statement.part, _statement.feed_epoch, _statement.feed_seq)
    .where(~IS_COMPARED)
    .order_by(_statement.feed_generation, _statement.feed_seq, _statement.document, _statement.part)
)
_log = tables.log.c
_TO_COME: Final = select(func.count()).where(_log.name.in_([JOURNAL, HQ_DOCUMENTS]), _log.committed > _log.folded)
_ACCEPTED: Final = select(
    _conflict.document,
    _conflict.item,
    _conflict.area,
    _conflict.hq_milli - _conflict.ours_milli - _conflict.pending_milli,
).where(_conflict.standing == Standing.ACCEPTED.value)

_Part = tuple[str, int]
"""A part of a statement: document and number."""
_Posted = dict[str, tuple[ItemArea, int]]


@dataclass(frozen=True, slots=True)
class _Figures:
    """What the feed had told, and what was accepted and not told by then."""

    told: dict[ItemArea, int]
    pending: dict[ItemArea, int]

    def of(self, scope: ItemArea) -> tuple[int, int]:
        return self.told.get(scope, 0), self.pending.get(scope, 0)


class Comparing:
    """Works beside the writer, and writes what it found into the journal."""

    def __init__(
        self,
        database: Database,
        feed: OwnLog,
        journal: OwnRows,
        epochs: EpochRows,
        stated: Stated,
        now_us: Callable[[], int],
    ) -> None:
        """`epochs` and `stated` are the writer's."""
        self._database = database
        self._feed = feed
        self._then = FeedThen(feed)
        self._journal = journal
        self._epochs = epochs
        self._stated = stated
        self._now_us = now_us

    async def compare(self) -> int:
        """Compare the parts of statements that wait and whose position the feed has come to; count them."""
        done = 0
        for place, parts in await self._waiting():
            try:
                figures = await self._figures(place, parts)
            except NotKept:
                # The feed has begun another epoch meanwhile: it is looked at again.
                continue
            if figures is None:
                continue
            for part in parts:
                done += await self._database.write(partial(self._note, place=place, part=part, figures=figures))
        return done

    async def _waiting(self) -> list[tuple[Place, list[_Part]]]:
        view = self._feed.view
        rows = await self._database.read(lambda c: c.execute(_WAITING).fetchall())
        found: dict[Place, list[_Part]] = {}
        for document, part, epoch, seq in rows:
            place = Place(Epoch.parse(epoch), seq)
            if reach(view, *place) is Reach.REACHED and (place in found or len(found) < AT_ONCE):
                found.setdefault(place, []).append((document, part))
        return [
            (place, parts[first : first + AT_ONCE])
            for place, parts in found.items()
            for first in range(0, len(parts), AT_ONCE)
        ]

    async def _figures(self, place: Place, parts: Sequence[_Part]) -> _Figures | None:
        """Give what the feed had told by a place of what these parts speak of; None while that is not known yet."""
        known = await self._database.read(lambda c: _known(c, parts))
        if known is None:
            return None
        now, posted = known
        then = await self._then.figures(place, now)
        pending: defaultdict[ItemArea, int] = defaultdict(int)
        for entry, (scope, milli) in posted.items():
            if not then.knows(entry):
                pending[scope] += milli
        return _Figures(then.milli, pending)

    def _note(self, sql: Sql, place: Place, part: _Part, figures: _Figures) -> int:
        if part not in {(row[0], row[1]) for row in sql.execute(_WAITING).fetchall()}:
            return 0
        said = line_of(sql, *part)
        rows: list[ComparedRow] = []
        for each in said.lines:
            ours, pending = figures.of((each.item, each.area))
            if each.on_hand_milli != ours + pending:
                rows.append(ComparedRow(each.item, each.area, each.on_hand_milli, ours, pending))
        now_us, at = self._now_us(), str(place.epoch)
        words = [
            StatementCompared(now_us, *part, at, place.seq, len(said.lines), some, WRITER, COMPARED)
            for some in _parts(rows)
        ]
        lines = [encode_entry(word) for word in words]
        head = self._journal.append(sql, lines, now_us)
        row = self._epochs.of_entry(sql, EntryId(HUB_STATION, head.epoch, head.seq))
        if row is None:
            raise ContractBroken(f"entry {head.seq} was appended and its epoch is not there")
        for seq, (line, word) in enumerate(zip(lines, words, strict=True), head.seq + 1 - len(lines)):
            self._stated.take(sql, row, seq, line, word)
        return 1


def _known(sql: Sql, parts: Sequence[_Part]) -> tuple[Now, _Posted] | None:
    """Look at the books of what parts speak of, and at what was posted for other statements; None while it may change.

    Of what is not folded yet it is not known whether it was compared, or told.
    """
    if sql.execute(_TO_COME).fetchone()[0]:
        return None
    scopes = {(each.item, each.area) for part in parts for each in line_of(sql, *part).lines}
    return look(sql, scopes), _accepted(sql, scopes, {document for document, _ in parts})


def _accepted(sql: Sql, scopes: set[ItemArea], but: set[str]) -> _Posted:
    """Give what was posted for other statements on these items and areas, by the adjustments' ids in the feed."""
    found: _Posted = {}
    for document, item, area, milli in sql.execute(_ACCEPTED).fetchall():
        final = final_answer(answers_to(sql, Disputed(document, item, area))) if (item, area) in scopes else None
        if document not in but and final is not None:
            generation, seq = final.number
            found[str(EntryId(HUB_STATION, _journal_epoch(sql, generation), seq + 1))] = ((item, area), milli)
    return found


_JOURNAL_EPOCHS: Final = (
    select(tables.epoch.c.name)
    .join(tables.log, tables.log.c.id == tables.epoch.c.log)
    .where(tables.log.c.name == JOURNAL, tables.epoch.c.told != 0)
)


def _journal_epoch(sql: Sql, generation: int) -> Epoch:
    for (name,) in sql.execute(_JOURNAL_EPOCHS).fetchall():
        epoch = Epoch.parse(name)
        if epoch.generation == generation:
            return epoch
    raise ContractBroken(f"the journal has no epoch of generation {generation}")


def _parts(rows: Sequence[ComparedRow]) -> Iterator[tuple[ComparedRow, ...]]:
    """Share rows out among entries; there is one even if all figures are equal."""
    part: list[ComparedRow] = []
    size = 0
    for row in rows:
        length = len(encode_entry(row))
        if part and (len(part) == ROWS or size + length > _row_bytes):
            yield tuple(part)
            part, size = [], 0
        part.append(row)
        size += length
    if part or not rows:
        yield tuple(part)
