"""Holds head office's stock statements against what the store feed had told by the position that they name.

The feed's own lines are read for it, up to that position and no further: of each entry what was told of it last. So it
does not matter what is known today, when the statement came, or how often it is compared. A position that the feed has
not come to yet is waited for; one that it never had, because head office heard it from a life of the file that was
lost, is compared with nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from sqlalchemy import func, select

from hub.errors import ContractBroken
from hub.ledger.conflicts import final_answer
from hub.store import tables
from hub.store.database import Database
from hub.store.epochs import JOURNAL, EpochRows
from hub.store.own_log import NotKept, OwnLog
from hub.store.own_rows import OwnRows
from hub.store.reader_logs import HQ_DOCUMENTS
from hub.store.sql import Sql
from hub.store.stated import IS_COMPARED, Disputed, Stated, answers_to, line_of
from hub.store.statements import given
from protocol.errors import BadInput
from protocol.events import encode_entry
from protocol.feed import CountResult, FeedStatus, decode_feed_entry, statements
from protocol.feed_documents import Standing
from protocol.frames import MAX_LINE_BYTES
from protocol.hq_decisions import ComparedRow, StatementCompared
from protocol.identity import HUB_STATION, EntryId, Epoch
from protocol.replication.ports import LogView

READ_BYTES: Final = 512 * 1024
"""Lines of the feed read and gone through at a time, so that nothing else waits for long."""
READ_ENTRIES: Final = 1000
AT_ONCE: Final = 100
"""Parts of statements that are looked at in one go."""
ROWS: Final = 400
"""Differing figures in one entry of the journal."""
WRITER: Final = "hub"
COMPARED: Final = "head office's figures beside those of the feed"
_row_bytes: Final = MAX_LINE_BYTES // 2

ItemArea = tuple[str, str]
_statement, _conflict = tables.statement.c, tables.conflict.c
_WAITING: Final = (
    select(_statement.document, _statement.part, _statement.feed_epoch, _statement.feed_seq)
    .where(~IS_COMPARED)
    .order_by(_statement.feed_generation, _statement.feed_seq, _statement.document, _statement.part)
)
_log = tables.log.c
_TO_COME: Final = select(func.count()).where(_log.name.in_([JOURNAL, HQ_DOCUMENTS]), _log.committed > _log.folded)
_ACCEPTED: Final = select(
    _conflict.document, _conflict.hq_milli - _conflict.ours_milli - _conflict.pending_milli
).where(
    _conflict.item == given("item", _conflict.item),
    _conflict.area == given("area", _conflict.area),
    _conflict.standing == Standing.ACCEPTED.value,
)


class Reach(StrEnum):
    """Whether the store feed has a position."""

    REACHED = "reached"
    AHEAD = "ahead"
    """The feed is to come to it."""
    NEVER = "never"
    """It is of a feed that this store never told, as far as its file goes."""


def reach(view: LogView, epoch: Epoch, seq: int) -> Reach:
    """Say whether a log has a position."""
    index = view.index(epoch)
    if index is None:
        return Reach.NEVER
    if seq <= view.end_of(index):
        return Reach.REACHED
    return Reach.AHEAD if index == len(view.lineage) - 1 else Reach.NEVER


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a statement whose position the feed has."""

    document: str
    part: int
    epoch: Epoch
    seq: int


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
        self._journal = journal
        self._epochs = epochs
        self._stated = stated
        self._now_us = now_us

    async def compare(self) -> int:
        """Compare the parts of statements that wait and whose position the feed has come to; count them."""
        done = 0
        for part in await self._waiting():
            try:
                told, pending = await self._figures(part)
            except NotKept:
                # The feed has begun another epoch meanwhile: it is looked at again.
                continue
            done += await self._database.write(partial(self._note, part=part, told=told, pending=pending))
        return done

    async def _waiting(self) -> list[_Part]:
        view = self._feed.view
        # Of what is not folded yet it is not known whether it was compared.
        rows = await self._database.read(
            lambda c: () if c.execute(_TO_COME).fetchone()[0] else c.execute(_WAITING).fetchall()
        )
        found = [_Part(document, part, Epoch.parse(epoch), seq) for document, part, epoch, seq in rows]
        return [each for each in found if reach(view, each.epoch, each.seq) is Reach.REACHED][:AT_ONCE]

    async def _figures(self, part: _Part) -> tuple[dict[ItemArea, int], dict[ItemArea, int]]:
        """Give what the feed had told of the items and areas of a part, and what was accepted and not told by then."""

        def asked(sql: Sql) -> tuple[list[ItemArea], dict[str, tuple[ItemArea, int]]]:
            scopes = [(each.item, each.area) for each in line_of(sql, part.document, part.part).lines]
            return scopes, _accepted(sql, scopes, part.document)

        scopes, accepted = await self._database.read(asked)
        twin = _Twin(scopes)
        view = self._feed.view
        last = view.index(part.epoch)
        if last is None:
            raise NotKept(f"{part.epoch} is told no more")
        for index in range(last + 1):
            chapter = view.lineage[index].epoch
            await self._read(chapter, part.seq if index == last else view.end_of(index), twin)
        pending: defaultdict[ItemArea, int] = defaultdict(int)
        for entry, (scope, milli) in accepted.items():
            if not twin.knows(entry):
                pending[scope] += milli
        return twin.sums(), pending

    async def _read(self, epoch: Epoch, until: int, twin: _Twin) -> None:
        at = 1
        while at <= until:
            found = await self._feed.read(epoch, at, min(READ_ENTRIES, until + 1 - at), READ_BYTES)
            if not found.lines:
                raise NotKept(f"{epoch} ends before {until}")
            twin.take(found.lines)
            at += len(found.lines)

    def _note(self, sql: Sql, part: _Part, told: dict[ItemArea, int], pending: dict[ItemArea, int]) -> int:
        if (part.document, part.part) not in {(row[0], row[1]) for row in sql.execute(_WAITING).fetchall()}:
            return 0
        said = line_of(sql, part.document, part.part)
        rows = [
            ComparedRow(each.item, each.area, each.on_hand_milli, ours, still)
            for each in said.lines
            if each.on_hand_milli
            != (ours := told.get((each.item, each.area), 0)) + (still := pending.get((each.item, each.area), 0))
        ]
        now_us = self._now_us()
        words = [
            StatementCompared(
                now_us, part.document, part.part, str(part.epoch), part.seq, len(said.lines), some, WRITER, COMPARED
            )
            for some in _parts(rows)
        ]
        lines = [encode_entry(word) for word in words]
        head = self._journal.append(sql, lines, now_us)
        first = head.seq + 1 - len(lines)
        row = self._epochs.of_entry(sql, EntryId(HUB_STATION, head.epoch, head.seq))
        if row is None:
            raise ContractBroken(f"entry {head.seq} was appended and its epoch is not there")
        for seq, (line, word) in enumerate(zip(lines, words, strict=True), first):
            self._stated.take(sql, row, seq, line, word)
        return 1


class _Twin:
    """What a prefix of the feed says of some items and areas: of each entry its last statement, in the feed's order."""

    def __init__(self, scopes: Sequence[ItemArea]) -> None:
        self._sums = dict.fromkeys(scopes, 0)
        self._told: dict[str, tuple[ItemArea, int]] = {}

    def take(self, lines: Sequence[bytes]) -> None:
        """Take the lines that follow."""
        sums, told = self._sums, self._told
        for line in lines:
            try:
                entry = decode_feed_entry(line)
            except BadInput:
                # Of a later release: then it is told of nowhere in these books either.
                continue
            for said in statements(entry):
                before = told.pop(said.entry, None)
                if before is not None:
                    sums[before[0]] -= before[1]
                if said.item is None or said.area is None or (said.item, said.area) not in sums:
                    continue
                milli = said.variance_milli if isinstance(said, CountResult) else said.qty_milli
                told[said.entry] = now = (said.item, said.area), milli if said.status is FeedStatus.STANDS else 0
                sums[now[0]] += now[1]

    def knows(self, entry: str) -> bool:
        """Say whether an entry of these items and areas was told."""
        return entry in self._told

    def sums(self) -> dict[ItemArea, int]:
        """Give the figures."""
        return self._sums


def _accepted(sql: Sql, scopes: Sequence[ItemArea], but: str) -> dict[str, tuple[ItemArea, int]]:
    """Give what was posted for other statements on these items and areas, by the adjustments' ids in the feed."""
    found: dict[str, tuple[ItemArea, int]] = {}
    if sql.execute(_ANY_ACCEPTED).fetchone() is None:
        return found
    for item, area in scopes:
        for document, milli in sql.execute(_ACCEPTED, {"item": item, "area": area}).fetchall():
            final = final_answer(answers_to(sql, Disputed(document, item, area)))
            if document != but and final is not None:
                generation, seq = final.number
                found[str(EntryId(HUB_STATION, _journal_epoch(sql, generation), seq + 1))] = ((item, area), milli)
    return found


_ANY_ACCEPTED: Final = select(_conflict.document).where(_conflict.standing == Standing.ACCEPTED.value).limit(1)
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
