"""A station log in one file, for the one thread that owns it: every change is one transaction.

What is in memory (`view`, `notes`, `marks`) changes after the commit only, and so is always what is durable.

One file although it is past 300 lines: every method reads or moves the same few values, in one transaction.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from edge.buffer.api import BLOCK_ENTRIES, READ_BYTES, LogLimits
from edge.buffer.chaining import Chaining, Checkpoint
from edge.buffer.disk_queue import Append
from edge.buffer.errors import LogCorrupt, LogFull, LogRefused, NotKept
from edge.buffer.lineage import Hole, acked_depth, kept_depth, position_at, readable, with_chapter
from edge.buffer.tables import Tables
from edge.errors import ContractBroken
from protocol.chain import Chapter, Position, extend
from protocol.identity import Epoch
from protocol.replication.ports import LogView, Slice

T = TypeVar("T")

_DIGESTS_KEPT = 1024 * BLOCK_ENTRIES
"""How far back digests of pruned lines are kept: a reader restored from an old copy is still recognised."""
_ENDS_REMEMBERED = 16
_LIVE_LINES = 64
"""The most lines of one commit that are remembered to be sent on from memory."""
_LOOK_AGAIN_BYTES = 1024 * 1024
"""How much may be stored by its estimated size before the file is asked again what it really took, about."""


class LogFile:
    """The log as it stands on disk.

    The event loop's thread may call `acknowledge` and the properties, and look at what is public here, at any time:
    it is replaced, not changed, but for `marks`, which also grows at its end.
    """

    def __init__(self, tables: Tables, clock: Callable[[], int], nonce: Callable[[], int], limits: LogLimits) -> None:
        """Find the head, or begin the first epoch in a new file. Raises `LogRefused`."""
        self.tables = tables
        self._clock = clock
        self._limits = limits
        self._asked = 0
        self._ends: dict[int, bytes] = {}
        self.appended = 0
        self.stored_bytes = 0
        self.room = 0
        """How much more may be stored, by size: what the cap leaves, not what the disk has."""
        lineage = tables.chapters() or self._create(Epoch(1, nonce()))
        kept, self._saved_ack, head = tables.bounds()
        self._origin = lineage[0].origin().digest
        self.marks: list[tuple[int, int]] = tables.marks(kept)
        """Depth and time of every checkpoint from the last one no deeper than what is pruned."""
        self.notes: Mapping[str, bytes] = MappingProxyType(tables.notes())
        self._holes = [hole for hole in tables.holes() if hole.end > kept]
        first = position_at(lineage, kept, self._nearest(kept).digest)
        self.view = LogView(lineage, first, position_at(lineage, head, self._find_head(kept, head)))
        acked = position_at(lineage, self._saved_ack, b"")
        self._acked: tuple[Epoch, int] = (acked.epoch, acked.seq)
        self._newest: Slice | None = None
        tables.use(lineage)
        self._measure_room()

    def write(self, group: Sequence[Append]) -> list[Position | LogFull]:
        """Store a group of appends in one transaction; tell where each ended, or that it found no room.

        A disk without room first takes it from the reserve, then from what is acknowledged, oldest first. Raises
        `LogRefused` if nothing was stored.
        """
        return self._with_room(lambda: self._write(group))

    def _write(self, group: Sequence[Append]) -> list[Position | LogFull]:
        room = self._find_room(sum(append.size for append in group))
        outcomes: list[Position | LogFull] = []
        lines: list[bytes] = []
        notes: dict[str, bytes | None] = {}
        now_us = self._clock()
        view = self.view
        current = view.lineage[-1]
        chain = self._chaining()
        for append in group:
            if append.size > room:
                outcomes.append(LogFull(f"{append.size} bytes are more than the {room} left"))
                continue
            room -= append.size
            chain.over(append.lines, now_us)
            lines += append.lines
            notes.update(append.notes)
            outcomes.append(Position(current.epoch, chain.depth - current.depth, chain.digest))
        if not lines and not notes:
            return outcomes
        acked = self.acked
        is_ack_due = abs(acked - self._saved_ack) >= BLOCK_ENTRIES
        with self.tables.transaction():
            self.tables.insert_lines(view.depth, lines)
            self.tables.insert_checkpoints(chain.checkpoints)
            self.tables.save_notes(notes)
            if is_ack_due:
                self.tables.save_bounds(kept_depth(view), acked)
        self.stored_bytes += self.room - room
        self._asked -= self.room - room
        self.room = room
        self._saved_ack = acked if is_ack_due else self._saved_ack
        self.appended += len(lines)
        self.marks.extend((one.depth, one.wall_us) for one in chain.checkpoints)
        if notes:
            merged = {**self.notes, **notes}
            self.notes = MappingProxyType({key: value for key, value in merged.items() if value is not None})
        head = Position(current.epoch, chain.depth - current.depth, chain.digest)
        if lines:
            first = view.depth - current.depth + 1
            few = len(lines) <= _LIVE_LINES
            self._newest = Slice(current.epoch, first, view.head.digest, tuple(lines)) if few else None
        self.view = LogView(view.lineage, view.first, head)
        return outcomes

    def read_newest(self, epoch: Epoch, first: int, max_entries: int, max_bytes: int) -> Slice | None:
        """Give what the last commit stored, if that is what is asked for. For the thread of the event loop."""
        newest = self._newest
        if newest is None or newest.epoch != epoch or newest.first != first or len(newest.lines) > max_entries:
            return None
        return newest if sum(map(len, newest.lines)) <= min(max_bytes, READ_BYTES) else None

    def read(self, epoch: Epoch, first: int, max_entries: int, max_bytes: int) -> Slice:
        """Give entries as `StationLog.read` says."""
        before, left = readable(self.view, epoch, first)
        for hole in self._holes:
            if hole.holds(before):
                self._pass(hole)
                raise NotKept(f"entry {first} of {epoch} is lost, with {hole.end - before - 1} more")
            if before < hole.start:
                left = min(left, hole.start - before)
        digest = self._chain_at(before)
        if digest is None:
            raise LogCorrupt(f"no chain leads to entry {first} of {epoch}")
        count = min(max(max_entries, 1), BLOCK_ENTRIES, left)
        if not count:
            return Slice(epoch, first, digest, ())
        lines = self.tables.lines(before, count, min(max_bytes, READ_BYTES))
        self._remember_end(before + len(lines), digest, lines)
        return Slice(epoch, first, digest, tuple(lines))

    def digest(self, epoch: Epoch, seq: int) -> bytes | None:
        """Give the chain after entry `seq` of `epoch`; None if it cannot be told."""
        index = self.view.index(epoch)
        if index is None or not 0 <= seq <= self.view.end_of(index):
            return None
        return self._chain_at(self.view.lineage[index].depth + seq)

    def open_epoch(self, chapter: Chapter) -> None:
        """Begin a chapter as `StationLog.open_epoch` says."""
        self._with_room(lambda: self._open_epoch(chapter))

    def _open_epoch(self, chapter: Chapter) -> None:
        lineage = with_chapter(self.view, chapter)
        ours = self._chain_at(chapter.depth)
        if ours is not None and ours != chapter.origin().digest:
            raise ContractBroken(f"{chapter.epoch} is based on what this log does not hold")
        view, kept = self.view, kept_depth(self.view)
        if chapter.depth >= kept:  # else the entry after the base is pruned, and what was said of it stands
            carried = self._chain_at(chapter.depth + 1) if chapter.depth < view.depth else None
            if chapter.carried not in (None, carried):
                raise ContractBroken(f"{chapter.epoch} carries something else than it says")
            lineage = (*lineage[:-1], replace(chapter, carried=carried))
        acked = max(chapter.depth, kept)
        with self.tables.transaction():
            self.tables.save_chapters(lineage)
            self.tables.save_bounds(kept, acked)
        self.tables.fold(lineage)
        self._saved_ack = acked
        self._acked = (chapter.epoch, 0)
        self._newest = None
        first = position_at(lineage, kept, view.first.digest)
        self.view = LogView(lineage, first, position_at(lineage, view.depth, view.head.digest))

    def acknowledge(self, position: Position) -> bool:
        """Take note of how far the reader has committed; say whether that is less than the file says.

        For the thread of the event loop.
        """
        index = self.view.index(position.epoch)
        seq = 0 if index is None else min(position.seq, self.view.end_of(index))
        self._acked = (position.epoch, seq)
        return self.acked < self._saved_ack

    @property
    def acked(self) -> int:
        """The depth up to which the reader lacks nothing."""
        return acked_depth(self.view, *self._acked)

    @property
    def oldest_unacked_us(self) -> int | None:
        """When the oldest unacknowledged entry was stored, to the hour below; None if there is none."""
        marks, oldest = self.marks, self.acked + 1
        if oldest > self.view.depth or not marks:
            return None
        return marks[max(0, bisect_right(marks, oldest, key=_depth) - 1)][1]

    def save_ack(self) -> None:
        """Make durable how far the reader has committed. Raises `LogRefused`."""
        acked = self.acked
        if acked != self._saved_ack:
            with self.tables.transaction():
                self.tables.save_bounds(kept_depth(self.view), acked)
            self._saved_ack = acked

    def prune_block(self, now_us: int | None) -> int | None:
        """Delete the oldest block if it may go: tell how many entries went, None if there is nothing to do.

        A block ends at a checkpoint; where only size counts and no whole block is acknowledged, one is made for it.
        """
        return self._prune(now_us, is_large=self.tables.used_bytes() > self._limits.keep_bytes)

    def keep_reserve(self) -> None:
        """Take back what was given up of the reserve, if the disk has room again."""
        self.tables.keep_reserve()

    def _with_room(self, job: Callable[[], T]) -> T:
        """Do what finds no room on the disk again, as long as there is room to be made."""
        while True:
            try:
                return job()
            except LogFull:
                if not self.tables.make_room() and not self._prune_for_room():
                    raise

    def _prune_for_room(self) -> bool:
        """Delete the oldest block that is acknowledged, however young; say whether there was one."""
        try:
            return self._prune(None, is_large=True) is not None
        except LogFull:
            return False

    def _prune(self, now_us: int | None, *, is_large: bool) -> int | None:
        kept, acked = kept_depth(self.view), self.acked
        at = bisect_right(self.marks, kept, key=_depth)
        marks = self.marks[at:]
        new: list[Checkpoint] = []
        if marks and marks[0][0] <= acked:
            if not is_large and not self._is_old(marks, now_us):
                return None
        elif is_large and acked > kept:
            digest = self._chain_at(acked)
            if digest is None:
                return None  # the reader stands in a hole, and is about to be told so
            new = [Checkpoint(acked, digest, self.marks[at - 1][1])]
            marks = [(acked, self.marks[at - 1][1]), *marks]
        else:
            return None
        last = marks[0][0]
        with self.tables.transaction():
            self.tables.insert_checkpoints(new)
            self.tables.delete_lines(last)
            self.tables.delete_checkpoints(last - _DIGESTS_KEPT)
            self.tables.save_bounds(last, acked)
        self._saved_ack = acked
        self.marks = marks
        self._newest = None
        self.view = replace(self.view, first=position_at(self.view.lineage, last, self._nearest(last).digest))
        self._measure_room()
        return last - kept

    def close(self) -> None:
        """Save what can be saved and close the file."""
        try:
            self.save_ack()
        except LogRefused:
            pass  # what was saved before keeps more than need be, no less
        self.tables.close()

    def _create(self, epoch: Epoch) -> tuple[Chapter, ...]:
        lineage = (Chapter(epoch),)
        with self.tables.transaction():
            self.tables.save_chapters(lineage)
            self.tables.save_bounds(0, 0)
        self.tables.fold(lineage)
        return lineage

    def _find_head(self, kept: int, head: int) -> bytes:
        """Chain up to the head; see on the way that the last whole block is what its checkpoint says."""
        if self.marks and self.marks[-1][0] > head:
            raise LogCorrupt(f"there is a checkpoint at {self.marks[-1][0]}, but lines end at {head}")
        last = self._nearest(head)
        if last.depth > kept:
            before = self._nearest(last.depth - 1)
            is_whole = not any(hole.between(before.depth, last.depth) for hole in self._holes)
            if before.depth >= kept and is_whole and self._over(before, last.depth) != last.digest:
                raise LogCorrupt(f"the lines {before.depth + 1} to {last.depth} are not those that were chained")
        return self._over(last, head)

    def _chain_at(self, depth: int) -> bytes | None:
        """Give the chain at a depth of this log; None if it cannot be told any more."""
        if depth == self.view.depth:
            return self.view.head.digest
        for chapter in self.view.lineage:
            if chapter.depth == depth:
                return chapter.origin().digest
        if depth in self._ends:
            return self._ends[depth]
        nearest = self._nearest(depth)
        if nearest.depth < depth and nearest.depth < kept_depth(self.view):
            return None
        if any(hole.between(nearest.depth, depth) for hole in self._holes):
            return None
        return self._over(nearest, depth)

    def _pass(self, hole: Hole) -> None:
        """Give up what lies before a hole, once the reader has all of it: then it is told what it will not get."""
        if self.acked < hole.start:
            return
        with self.tables.transaction():
            self.tables.delete_lines(hole.end)
            self.tables.save_bounds(hole.end, max(hole.end, self.acked))
        self._saved_ack = max(hole.end, self.acked)
        self._holes = [one for one in self._holes if one.end > hole.end]
        self.marks = self.tables.marks(hole.end)
        self._newest = None
        digest = self._nearest(hole.end).digest
        self.view = replace(self.view, first=position_at(self.view.lineage, hole.end, digest))

    def _nearest(self, depth: int) -> Checkpoint:
        """Find the last digest stored at or before `depth`: at worst the origin's."""
        return self.tables.checkpoint_at_or_before(depth) or Checkpoint(0, self._origin, 0)

    def _over(self, start: Checkpoint, depth: int) -> bytes:
        """Carry the chain from a stored digest to `depth`."""
        digest, at = start.digest, start.depth
        while at < depth:
            lines = self.tables.lines(at, depth - at, READ_BYTES)
            digest = extend(digest, lines)
            at += len(lines)
        return digest

    def _remember_end(self, depth: int, digest: bytes, lines: Sequence[bytes]) -> None:
        """Keep the chain after what was just read: the next read most likely begins there."""
        at = bisect_right(self.marks, depth, key=_depth) - 1
        if depth in self._ends or (at >= 0 and self.marks[at][0] == depth):
            return
        while len(self._ends) >= _ENDS_REMEMBERED:
            del self._ends[next(iter(self._ends))]
        self._ends[depth] = self.view.head.digest if depth == self.view.depth else extend(digest, lines)

    def _chaining(self) -> Chaining:
        """Give the chain at the head, to be carried on."""
        depth, last_us = self.marks[-1] if self.marks else (0, None)
        return Chaining(self.view.depth, self.view.head.digest, self.view.depth - depth, last_us)

    def _find_room(self, needed: int) -> int:
        """Tell how much more may be stored; what is acknowledged goes if that makes room for `needed`."""
        if needed > min(self.room, self._asked):
            self._measure_room()
            while needed > self.room and self._prune_for_room():
                pass
        return self.room

    def _measure_room(self) -> None:
        """Ask the file what its rows take; done again once so much is stored that the estimate may be wrong."""
        self.room = max(0, self._limits.max_bytes - self.tables.used_bytes())
        self._asked = _LOOK_AGAIN_BYTES

    def _is_old(self, marks: Sequence[tuple[int, int]], now_us: int | None) -> bool:
        """Say whether the first of `marks` is past its time; one set by a clock ahead of now goes by the next."""
        if now_us is None:
            return False
        wall_us = next((wall_us for _, wall_us in marks if wall_us <= now_us), now_us)
        return wall_us <= now_us - self._limits.keep_us


def _depth(mark: tuple[int, int]) -> int:
    return mark[0]
