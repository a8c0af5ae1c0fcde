"""Brings rounds of the archive back into the file they were read from, or an older copy of it of the same life."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import bindparam, exists, select

from hub.errors import BadInput
from hub.store import chunks, reader_logs, tables
from hub.store.archive_rounds import Lost, Opened, Part, Round
from hub.store.epochs import CATALOGUE, JOURNAL, epoch_row
from hub.store.folding import Fold
from hub.store.live_rows import LiveRows
from hub.store.own_rows import OwnRows
from hub.store.reader_logs import Flagged, LogCommit
from hub.store.sql import Sql
from hub.store.statements import given, putting_found
from protocol.chain import extend
from protocol.identity import Epoch
from protocol.replication.ports import ReaderState, Slice

_LOST: Final = tables.loss.c
_HEAD: Final = select(tables.epoch.c.head).where(tables.epoch.c.id == bindparam("row"))
_LOSS: Final = ("name", "epoch", "first", "last", "at_us")
_LOSE: Final = putting_found(
    tables.loss,
    ["log", "epoch", "first", "last", "at_us"],
    select(
        tables.log.c.id,
        given("epoch", _LOST.epoch),
        given("first", _LOST.first),
        given("last", _LOST.last),
        given("at_us", _LOST.at_us),
    ).where(
        tables.log.c.name == bindparam("name"),
        ~exists().where(
            _LOST.log == tables.log.c.id,
            _LOST.epoch == bindparam("epoch"),
            _LOST.first == bindparam("first"),
            _LOST.last.is_not_distinct_from(given("last", _LOST.last)),
            _LOST.at_us == bindparam("at_us"),
        ),
    ),
)

_to_state: Callable[[str], ReaderState] = msgspec.json.Decoder(ReaderState).decode


@dataclass(frozen=True, slots=True)
class Replay:
    """Works in the writer's transactions."""

    journal: OwnRows
    catalogue: OwnRows
    live: LiveRows
    fold: Fold

    def take(self, connection: Sql, rounds: Sequence[Round], now_us: int) -> int:
        """See `hub.store.keeping.Keeping.replay`."""
        entries = 0
        news: dict[str, list[Slice | Flagged]] = defaultdict(list)
        heads: dict[tuple[str, str], int] = {}
        states: dict[str, str] = {}
        for told in rounds:
            for opened in told.opened:
                self._open(connection, opened, now_us)
            for part in told.parts:
                if part.log in (JOURNAL, CATALOGUE):
                    entries += self._append(connection, part, now_us)
                    continue
                new = _new_of(connection, part, heads)
                if new is not None:
                    news[part.log].append(new)
                    entries += len(part.lines)
            states.update(told.states)
        commits = [
            LogCommit(
                log,
                tuple(news.get(log, ())),
                _to_state(states[log]) if log in states else reader_logs.load_state(connection, log),
            )
            for log in news.keys() | states.keys()
        ]
        committed = reader_logs.commit(connection, commits, now_us)
        self.fold.look_ahead(connection, committed.entries)
        for told in rounds:
            _lose(connection, told.losses)
        return entries

    def _rows(self, log: str) -> OwnRows:
        return self.journal if log == JOURNAL else self.catalogue

    def _open(self, connection: Sql, opened: Opened, now_us: int) -> None:
        rows, chapter = self._rows(opened.log), opened.chapter
        view = rows.view(connection)
        if view.index(chapter.epoch) is not None:
            return
        if chapter.base is None or chapter.epoch.generation <= view.head.epoch.generation:
            raise BadInput("archive-forks", f"{opened.log} has another history here: it never began {chapter.epoch}")
        rows.open_epoch(connection, chapter, now_us)

    def _append(self, connection: Sql, part: Part, now_us: int) -> int:
        """Bring an own log on; what an epoch holds that has ended since was carried into the next."""
        rows = self._rows(part.log)
        head = rows.view(connection).head
        if str(head.epoch) != part.epoch or part.last <= head.seq:
            return 0
        known = head.seq + 1 - part.first
        if known < 0 or extend(part.digest, part.lines[:known]) != head.digest:
            raise BadInput("archive-forks", f"{part.log} does not go on from its entry {head.seq} of {head.epoch}")
        lines = part.lines[known:]
        if part.log == CATALOGUE:
            self.live.apply(connection, lines, now_us)
        else:
            rows.append(connection, lines, now_us)
        return len(lines)


def _new_of(connection: Sql, part: Part, heads: dict[tuple[str, str], int]) -> Slice | Flagged | None:
    """Give what of a part of a log that we read is not held yet."""
    key = (part.log, part.epoch)
    epoch = Epoch.parse(part.epoch)
    if key not in heads:
        heads[key] = _held(connection, part, epoch)
    known = max(0, heads[key] + 1 - part.first)
    lines = part.lines[known:]
    if not lines:
        return None
    heads[key] = part.last
    new = Slice(epoch, part.first + known, extend(part.digest, part.lines[:known]), lines)
    return new if part.flag is None else Flagged(new, part.flag)


def _held(connection: Sql, part: Part, epoch: Epoch) -> int:
    """Give the last entry held of an epoch. Raises `BadInput` ("archive-forks") if the part says otherwise of it."""
    row = epoch_row(connection, part.log, epoch)
    if row is None:
        return 0
    head: int = connection.execute(_HEAD, {"row": row}).fetchone()[0]
    if part.first <= head + 1 and head:
        seen = min(head, part.last)
        if chunks.digests(connection, row, [seen])[seen] != extend(part.digest, part.lines[: seen + 1 - part.first]):
            raise BadInput("archive-forks", f"{part.log} differs at entry {seen} of {epoch}")
    return head


def _lose(connection: Sql, losses: Sequence[Lost]) -> None:
    """Note losses, those that the file does not know."""
    rows = [(each.log, each.epoch, each.first, each.last, each.at_us) for each in losses]
    connection.executemany(_LOSE, rows, _LOSS)
