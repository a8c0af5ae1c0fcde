"""The station log without a disk: the twin that tests run against, kept as plainly as its contract reads.

It shares no arithmetic with the log on disk: here every epoch holds its own entries and carrying moves them, so that
each is a check on the other. What it holds outlives closing, as a file would, and ends with the object.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from edge.buffer.api import BLOCK_ENTRIES, HOUR_US, NO_NOTES, READ_BYTES, LogLimits, LogStats
from edge.buffer.errors import LogFull, LogRefused, NotKept
from edge.buffer.growth import Growth
from edge.buffer.intake import ENTRY_OVERHEAD_BYTES, weigh
from edge.errors import ContractBroken
from protocol.chain import Chapter, Position, extend
from protocol.identity import Epoch
from protocol.replication.ports import LogView, Slice


@dataclass(slots=True)
class _Entry:
    line: bytes
    digest: bytes = b""
    block_ends_us: int | None = None
    """When it was stored, if a block ends with it."""


@dataclass(slots=True)
class _Part:
    chapter: Chapter
    pruned: int
    """How many of its first entries are gone."""
    before: bytes
    """The chain after those."""
    entries: list[_Entry] = field(default_factory=list)

    @property
    def end(self) -> int:
        return self.pruned + len(self.entries)

    def position(self) -> Position:
        return Position(self.chapter.epoch, self.end, self.entries[-1].digest if self.entries else self.before)

    def digest(self, seq: int) -> bytes | None:
        """Give the chain after `seq`; None if that is pruned or beyond the end."""
        if seq == 0:
            return self.chapter.origin().digest
        if seq == self.pruned:
            return self.before
        return self.entries[seq - self.pruned - 1].digest if self.pruned < seq <= self.end else None


class MemoryLog:
    """`StationLog` in memory. `clock` gives UTC in microseconds, `nonce` 64 random bits for the first epoch."""

    def __init__(self, *, clock: Callable[[], int], nonce: Callable[[], int], limits: LogLimits | None = None) -> None:
        first = Chapter(Epoch(1, nonce()))
        self._clock = clock
        self._limits = limits or LogLimits()
        self._parts = [_Part(first, 0, first.origin().digest)]
        self._notes: dict[str, bytes] = {}
        self._acked: tuple[Epoch, int] = (first.epoch, 0)
        self._bytes = 0
        self._since_block = 0
        self._block_us: int | None = None
        self._pruned = 0
        self._pruned_us: int | None = None
        self._growth: Growth | None = None
        self._appended = self._commits = self._refused = self._stored_bytes = 0

    async def __aenter__(self) -> Self:
        if self._growth is not None:
            raise ContractBroken("the log is open already")
        self._growth = Growth(lambda: self.view)
        self._appended = self._commits = self._refused = self._stored_bytes = 0
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._growth is not None:
            self._growth.close()
            self._growth = None

    @property
    def view(self) -> LogView:
        self._must_be_open()
        first = self._parts[0]
        for part in self._parts:
            # The newest epoch that the next entry can belong to: one that is pruned to its end leads on.
            if not first.entries:
                first = part
        return LogView(
            tuple(part.chapter for part in self._parts),
            Position(first.chapter.epoch, first.pruned, first.before),
            self._parts[-1].position(),
        )

    @property
    def stats(self) -> LogStats:
        self._must_be_open()
        entries = [entry for part in self._parts for entry in part.entries]
        acked = self._count_acked()
        return LogStats(
            entries=len(entries),
            unacked=len(entries) - acked,
            bytes_on_disk=self._bytes,
            appended=self._appended,
            commits=self._commits,
            refused=self._refused,
            sync_p50_us=0,
            sync_p99_us=0,
            oldest_unacked_us=self._stored_us(entries, acked),
            stored_bytes=self._stored_bytes,
            written_bytes=self._stored_bytes,
            room_bytes=max(0, self._limits.max_bytes - self._bytes),
            max_bytes=self._limits.max_bytes,
            reserve_bytes=self._limits.reserve_bytes,
            reserve_missing_bytes=0,
        )

    async def append(self, lines: Sequence[bytes], notes: Mapping[str, bytes | None] = NO_NOTES) -> Position:
        growth = self._must_be_open()
        try:
            size = weigh(lines, notes)
            while self._bytes + size > self._limits.max_bytes and self._prune_block(None, is_large=True):
                pass
            if size and self._bytes + size > self._limits.max_bytes:
                raise LogFull(f"{size} bytes do not fit")
        except LogRefused:
            self._refused += 1
            raise
        self._bytes += size
        self._stored_bytes += size
        now_us = self._clock()
        for line in lines:
            is_hour = self._block_us is None or abs(now_us - self._block_us) >= HOUR_US
            self._add(_Entry(line, block_ends_us=now_us if is_hour else None), now_us)
        for key, value in notes.items():
            if value is None:
                self._notes.pop(key, None)
            else:
                self._notes[key] = value
        self._appended += len(lines)
        self._commits += 1
        position = self._parts[-1].position()
        growth.moved()
        await asyncio.sleep(0)  # others run before the caller does, as they would while a disk syncs
        return position

    async def put_note(self, key: str, value: bytes | None) -> None:
        await self.append((), {key: value})

    def notes(self) -> Mapping[str, bytes]:
        self._must_be_open()
        return dict(self._notes)

    async def read(self, epoch: Epoch, first: int, max_entries: int, max_bytes: int) -> Slice:
        self._must_be_open()
        part = self._find(epoch)
        if part is None or not 1 <= first <= part.end + 1:
            raise NotKept(f"{epoch} has no entry {first} here")
        if part.chapter.depth + first - 1 < self._pruned:
            raise NotKept(f"entry {first} of {epoch} is pruned")
        digest = part.digest(first - 1)
        assert digest is not None
        lines: list[bytes] = []
        taken = 0
        for entry in part.entries[first - part.pruned - 1 :][: min(max(max_entries, 1), BLOCK_ENTRIES)]:
            taken += len(entry.line)
            if lines and taken > min(max_bytes, READ_BYTES):
                break
            lines.append(entry.line)
        return Slice(epoch, first, digest, tuple(lines))

    async def digests(self, epoch: Epoch, seqs: Sequence[int]) -> dict[int, bytes | None]:
        self._must_be_open()
        part = self._find(epoch)
        return {seq: None if part is None or seq > part.end else part.digest(seq) for seq in seqs}

    async def open_epoch(self, chapter: Chapter) -> LogView:
        growth = self._must_be_open()
        base = chapter.base
        part = None if base is None else self._find(base.epoch)
        if base is None or part is None or not 0 <= base.seq <= part.end:
            raise ContractBroken(f"{chapter} is not based on a position of this log")
        if chapter.epoch.generation <= self._parts[-1].chapter.epoch.generation:
            raise ContractBroken(f"{chapter.epoch} does not follow")
        if part.digest(base.seq) not in (None, base.digest) or chapter.depth != part.chapter.depth + base.seq:
            raise ContractBroken(f"{base} is not in this log")
        at = self._parts.index(part)
        stays = max(0, base.seq - part.pruned)
        entries = [*part.entries[stays:], *(entry for later in self._parts[at + 1 :] for entry in later.entries)]
        pruned = max(0, self._pruned - chapter.depth)
        carried = chapter.carried if pruned else entries[0].digest if entries else None
        if chapter.carried not in (None, carried):
            raise ContractBroken(f"{chapter} does not carry what this log has there")
        before = self.view.first.digest if pruned else base.digest
        new = _Part(replace(chapter, carried=carried), pruned, before, entries)
        if base.seq < part.pruned:
            cut = _Part(part.chapter, base.seq, base.digest)
        else:
            cut = _Part(part.chapter, part.pruned, part.before, part.entries[:stays])
        self._parts = [*self._parts[:at], cut, new]
        self._acked = (chapter.epoch, 0)
        growth.moved()
        return self.view

    async def acked(self, position: Position) -> None:
        self._must_be_open()
        part = self._find(position.epoch)
        self._acked = (position.epoch, 0 if part is None else min(position.seq, part.end))

    async def prune(self, now_us: int | None) -> int:
        self._must_be_open()
        gone = 0
        while entries := self._prune_block(now_us, is_large=self._bytes > self._limits.keep_bytes):
            gone += entries
        return gone

    async def answers(self) -> None:
        self._must_be_open()

    async def wait_grown(self, seen: Position) -> LogView:
        return await self._must_be_open().wait(seen)

    def _must_be_open(self) -> Growth:
        if self._growth is None:
            raise ContractBroken("the log is not open")
        return self._growth

    def _find(self, epoch: Epoch) -> _Part | None:
        return next((part for part in self._parts if part.chapter.epoch == epoch), None)

    def _add(self, entry: _Entry, now_us: int) -> None:
        """Put an entry at the head; a block ends with it if it says so, or if the block is full."""
        part = self._parts[-1]
        entry.digest = extend(part.position().digest, [entry.line])
        part.entries.append(entry)
        self._since_block += 1
        if entry.block_ends_us is None and self._since_block == BLOCK_ENTRIES:
            entry.block_ends_us = now_us
        if entry.block_ends_us is not None:
            self._block_us = entry.block_ends_us
            self._since_block = 0

    def _count_acked(self) -> int:
        """Count the entries kept that the reader has."""
        epoch, seq = self._acked
        reached = self._find(epoch)
        if reached is None:
            return 0
        before = self._parts[: self._parts.index(reached)]
        return sum(len(part.entries) for part in before) + max(0, min(seq, reached.end) - reached.pruned)

    def _stored_us(self, entries: Sequence[_Entry], index: int) -> int | None:
        """Tell when the entry at `index` was stored, to the block below."""
        if index >= len(entries):
            return None
        known = [entry.block_ends_us for entry in entries[: index + 1] if entry.block_ends_us is not None]
        return known[-1] if known else self._pruned_us

    def _prune_block(self, now_us: int | None, *, is_large: bool) -> int:
        ends = enumerate((entry.block_ends_us for entry in self._entries()), 1)
        blocks = [(count, us) for count, us in ends if us is not None]
        acked = self._count_acked()
        if blocks and blocks[0][0] <= acked:
            believable = [us for _, us in blocks if now_us is not None and us <= now_us]
            is_old = now_us is not None and bool(believable) and believable[0] <= now_us - self._limits.keep_us
            if not is_old and not is_large:
                return 0
            left, self._pruned_us = blocks[0]
        elif is_large and acked:
            left = acked
            if not blocks:
                self._since_block -= acked
        else:
            return 0
        count = left
        self._pruned += count
        for part in self._parts:
            here = min(left, len(part.entries))
            if here:
                self._bytes -= sum(len(entry.line) + ENTRY_OVERHEAD_BYTES for entry in part.entries[:here])
                part.before = part.entries[here - 1].digest
                part.pruned += here
                del part.entries[:here]
                left -= here
        return count

    def _entries(self) -> Iterator[_Entry]:
        return (entry for part in self._parts for entry in part.entries)
