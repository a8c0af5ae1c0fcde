"""What the archive is told: everything that was committed since the round before, read in one moment of the file.

A round holds what is *born* outside the books: entries of the stations' logs and of head office's documents with the
readers' states, losses, the journal and the catalogue log with their chapters. Not the feed, which the fold makes of
these; and of head office's catalogue only how far it was read, once it is folded, since what it changed is in the
catalogue log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
from sqlalchemy import bindparam, func, or_, select

from hub.store import chunks, tables
from hub.store.chunks import TO_FOLD, Chunk
from hub.store.epochs import CATALOGUE, COUNTS, FEED, JOURNAL, OF_LOGS
from hub.store.progress import cursor
from hub.store.reader_logs import HQ_CATALOGUE
from hub.store.sql import Sql
from protocol.chain import Chapter, Position, extend
from protocol.identity import Epoch

ROUND_BYTES = 8 << 20
"""A round takes no more bytes of lines than this, unless a single chunk is longer; the next goes on from there."""

_LOG: Final = tables.log.c
_EPOCH: Final = tables.epoch.c
_CHUNK: Final = tables.chunk.c
_LOSS: Final = tables.loss.c
_STATES: Final = select(_LOG.name, _LOG.state).where(_LOG.state.is_not(None))
_LOSS_COUNT: Final = select(func.count()).select_from(tables.loss)
_EPOCHS: Final = (
    select(_LOG.name, _EPOCH.id, _EPOCH.name, _EPOCH.head)
    .select_from(OF_LOGS)
    .where(_LOG.name != FEED, _LOG.name != COUNTS, _LOG.name != HQ_CATALOGUE)
    .where(or_(_EPOCH.told != 0, (_LOG.name != JOURNAL) & (_LOG.name != CATALOGUE)))
    .order_by(_EPOCH.id)
)
_later = tables.epoch.alias("later")
_LATER: Final = (
    select(func.count())
    .select_from(OF_LOGS.join(_later, (_later.c.log == _LOG.id) & (_later.c.id > _EPOCH.id)))
    .where(_LOG.name == bindparam("log"), _EPOCH.name == bindparam("epoch"))
)
_CHAPTER: Final = select(_EPOCH.base_epoch, _EPOCH.base_seq, _EPOCH.base_digest, _EPOCH.depth).where(
    _EPOCH.id == bindparam("row")
)
_BEHIND: Final = (
    select(func.count())
    .select_from(OF_LOGS.join(tables.chunk, _CHUNK.epoch == _EPOCH.id))
    .where(TO_FOLD, _CHUNK.id > bindparam("cursor"), _LOG.name == HQ_CATALOGUE)
)
_LOSSES: Final = (
    select(_LOG.name, _LOSS.epoch, _LOSS.first, _LOSS.last, _LOSS.at_us)
    .join_from(tables.loss, tables.log, _LOG.id == _LOSS.log)
    .order_by(_LOSS.id)
    .offset(bindparam("told"))
)


class Part(msgspec.Struct, frozen=True, array_like=True):
    """Lines of `epoch` from `first`; `digest` is the chain before them, `flag` why a single one came unread."""

    log: str
    epoch: str
    first: int
    digest: bytes
    lines: tuple[bytes, ...]
    flag: str | None

    @property
    def last(self) -> int:
        """The seq of the last line."""
        return self.first + len(self.lines) - 1


class Opened(msgspec.Struct, frozen=True, array_like=True):
    """A chapter of one of our own logs; `base` is (epoch, seq, digest)."""

    log: str
    epoch: str
    base: tuple[str, int, bytes] | None
    depth: int

    @property
    def chapter(self) -> Chapter:
        """The chapter; what it carried is found out again by whoever opens it."""
        base = None if self.base is None else Position(Epoch.parse(self.base[0]), *self.base[1:])
        return Chapter(Epoch.parse(self.epoch), base, self.depth)


class Lost(msgspec.Struct, frozen=True, array_like=True):
    """A record of loss."""

    log: str
    epoch: str
    first: int
    last: int | None
    at_us: int


class Round(msgspec.Struct, frozen=True, array_like=True):
    """What was new at `at_us` (UTC); `states` are readers' states as stored, by log. `whole`: nothing was left over."""

    at_us: int
    opened: tuple[Opened, ...]
    parts: tuple[Part, ...]
    states: dict[str, str]
    losses: tuple[Lost, ...]
    whole: bool

    @property
    def is_news(self) -> bool:
        """Whether it says anything."""
        return bool(self.opened or self.parts or self.states or self.losses)


class Reached(msgspec.Struct, frozen=True, array_like=True):
    """Up to where an epoch of a log is archived, and the chain there of our own logs (of others: empty)."""

    log: str
    epoch: str
    seq: int
    digest: bytes


@dataclass(slots=True)
class ArchiveCursor:
    """How far the archive has come: by log and epoch the last seq, readers' states as last told, losses told."""

    reached: dict[tuple[str, str], Reached] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    losses: int = 0

    def seq(self, log: str, epoch: str) -> int:
        """Give the last seq archived of an epoch."""
        known = self.reached.get((log, epoch))
        return 0 if known is None else known.seq

    def advance(self, told: Round) -> None:
        """Take a round that is archived."""
        for opened in told.opened:
            self.reached[opened.log, opened.epoch] = Reached(opened.log, opened.epoch, 0, b"")
        for part in told.parts:
            digest = extend(part.digest, part.lines) if part.log in (JOURNAL, CATALOGUE) else b""
            self.reached[part.log, part.epoch] = Reached(part.log, part.epoch, part.last, digest)
        self.states.update(told.states)
        self.losses += len(told.losses)


def cursor_at(connection: Sql) -> ArchiveCursor:
    """Give the cursor of an archive that begins now, having told of everything there is."""
    found = ArchiveCursor()
    for log, row, epoch, head in _epochs(connection):
        digest = b""
        if log in (JOURNAL, CATALOGUE) and head:
            digest = chunks.digests(connection, row, [head])[head] or b""
        found.reached[log, epoch] = Reached(log, epoch, head, digest)
    found.states = dict(connection.execute(_STATES).fetchall())
    found.losses = connection.execute(_LOSS_COUNT).fetchone()[0]
    return found


def agrees(connection: Sql, reached: Sequence[Reached], losses: int) -> bool:
    """Say whether this file holds all that an archive was told of it: an older copy of it, or another, does not."""
    heads = {(log, epoch): (row, head) for log, row, epoch, head in _epochs(connection)}
    for each in reached:
        row, head = heads.get((each.log, each.epoch), (0, -1))
        if head < each.seq and not _is_given_up(connection, each):
            return False
        if each.digest and head >= each.seq and chunks.digests(connection, row, [each.seq])[each.seq] != each.digest:
            return False
    return bool(connection.execute(_LOSS_COUNT).fetchone()[0] >= losses)


def round_after(connection: Sql, done: ArchiveCursor, now_us: int) -> Round:
    """Read what is new since `done`, within one transaction."""
    room = ROUND_BYTES
    opened: list[Opened] = []
    found: list[tuple[int, Part]] = []
    whole = True
    for log, row, epoch, head in _epochs(connection):
        if log in (JOURNAL, CATALOGUE) and (log, epoch) not in done.reached:
            opened.append(_opened(connection, log, row, epoch))
        seq = done.seq(log, epoch)
        while seq < head:
            chunk = chunks.holding(connection, row, seq + 1) or chunks.after(connection, row, seq)
            if chunk is None:
                break
            part = _part(log, epoch, chunk, seq)
            size = sum(map(len, part.lines))
            if found and room < size:
                whole = False
                break
            room -= size
            found.append((chunk.id, part))
            seq = part.last
        if not whole:
            break
    # States stand for entries: what is not told whole says nothing yet of how far it was read.
    states = _states(connection, done) if whole else {}
    losses = _losses(connection, done.losses) if whole else ()
    parts = tuple(part for _, part in sorted(found, key=lambda each: each[0]))
    return Round(now_us, tuple(opened), parts, states, losses, whole)


def _epochs(connection: Sql) -> list[tuple[str, int, str, int]]:
    """List the epochs the archive is told of, oldest first: log, row, name, head."""
    return connection.execute(_EPOCHS).fetchall()


def _is_given_up(connection: Sql, each: Reached) -> bool:
    """Say whether what is missing was carried on into a later epoch, or left the lineage with its own."""
    if each.log not in (JOURNAL, CATALOGUE):
        return False
    return bool(connection.execute(_LATER, {"log": each.log, "epoch": each.epoch}).fetchone()[0])


def _opened(connection: Sql, log: str, row: int, epoch: str) -> Opened:
    base, seq, digest, depth = connection.execute(_CHAPTER, {"row": row}).fetchone()
    return Opened(log, epoch, None if base is None else (base, seq, digest), depth)


def _part(log: str, epoch: str, chunk: Chunk, after: int) -> Part:
    """Make a part of a chunk, without the lines up to seq `after`, which were told before."""
    known = max(0, after + 1 - chunk.first)
    digest = extend(chunk.digest, chunk.lines[:known])
    return Part(log, epoch, chunk.first + known, digest, chunk.lines[known:], chunk.flag)


def _states(connection: Sql, done: ArchiveCursor) -> dict[str, str]:
    rows = connection.execute(_STATES).fetchall()
    behind = connection.execute(_BEHIND, {"cursor": cursor(connection)}).fetchone()[0]
    return {
        name: state for name, state in rows if done.states.get(name) != state and not (name == HQ_CATALOGUE and behind)
    }


def _losses(connection: Sql, told: int) -> tuple[Lost, ...]:
    return tuple(Lost(*row) for row in connection.execute(_LOSSES, {"told": told}))
