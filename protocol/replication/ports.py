"""What a log's store and its replication machines tell each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from protocol.chain import Chapter, Position
from protocol.errors import ContractBroken
from protocol.identity import Epoch


@dataclass(frozen=True, slots=True)
class LogView:
    """What a writer's store holds: chapters oldest first, the position before the first kept entry, the head."""

    lineage: tuple[Chapter, ...]
    first: Position
    head: Position

    def index(self, epoch: Epoch) -> int | None:
        """Find the chapter of `epoch`."""
        for index, chapter in enumerate(self.lineage):
            if chapter.epoch == epoch:
                return index
        return None

    def end_of(self, index: int) -> int:
        """Give the last seq of a chapter that belongs to this log. Raises `ContractBroken` on a broken lineage."""
        if index == len(self.lineage) - 1:
            return self.head.seq
        base = self.lineage[index + 1].base
        if base is None or base.epoch != self.lineage[index].epoch:
            raise ContractBroken(f"the lineage breaks after {self.lineage[index].epoch}")
        return base.seq

    def keeps(self, epoch: Epoch, seq: int) -> bool:
        """Tell whether the entry is still kept, given that it is one of this log."""
        if epoch == self.first.epoch:
            return seq > self.first.seq
        mine, kept = self.index(epoch), self.index(self.first.epoch)
        return mine is not None and kept is not None and mine > kept

    @property
    def depth(self) -> int:
        """The depth of the head."""
        return self.lineage[-1].depth + self.head.seq

    def depth_of(self, entry: tuple[Epoch, int]) -> int:
        """Give the depth of an entry of this log. Raises `ContractBroken` for another's."""
        index = self.index(entry[0])
        if index is None:
            raise ContractBroken(f"{entry[0]} is not in the lineage")
        return self.lineage[index].depth + entry[1]

    def at_depth(self, depth: int) -> tuple[Epoch, int]:
        """Name the entry at `depth` by the oldest epoch that holds it. Raises `ContractBroken` beyond the head."""
        for index, chapter in enumerate(self.lineage):
            if depth <= chapter.depth + self.end_of(index):
                return chapter.epoch, max(0, depth - chapter.depth)
        raise ContractBroken(f"depth {depth} is beyond the head's {self.depth}")

    def entries_after(self, position: Position) -> int:
        """Count the entries from `position` to the head; all of them if it is not in this log."""
        index = self.index(position.epoch)
        after = 0 if index is None else position.seq
        return sum(self.end_of(i) for i in range(index or 0, len(self.lineage))) - after


@dataclass(frozen=True, slots=True)
class Slice:
    """Consecutive stored lines of one epoch, from `first`; `digest` is the chain before them."""

    epoch: Epoch
    first: int
    digest: bytes
    lines: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Loss:
    """Entries `first` to `last` of `epoch` that can never come; `last` None: whatever followed, if anything."""

    epoch: Epoch
    first: int
    last: int | None


@dataclass(frozen=True, slots=True)
class Record:
    """The furthest position read in one epoch, and the depth of that epoch's origin."""

    position: Position
    depth: int


@dataclass(frozen=True, slots=True)
class Told:
    """A head that a hello told of and that has not been reached: the chain `digest` after entry `seq` of `epoch`.

    `by`: the writer's incarnation. `sound`: up to this seq what it told of is what we hold or what `by` told of before;
    of its entries beyond nothing is known but that there were some. Both None where that was not yet kept.
    """

    epoch: Epoch
    seq: int
    digest: bytes
    by: int | None = None
    sound: int | None = None

    @property
    def head(self) -> Position:
        """Give it as a position."""
        return Position(self.epoch, self.seq, self.digest)


@dataclass(frozen=True, slots=True)
class ReaderState:
    """What a reader keeps about one log, committed together with the entries it stands for.

    `records` holds the furthest position read in every epoch ever read; `at` is the one being read now.
    `generation` is the greatest ever followed. `owner` is the writer incarnation last proved alive, `retired` those it
    replaced, `contested` those found alive at once, `sealed` those a person decided against. `announced` are heads that
    hellos told of and that have not been reached: a writer that lost what it had announced is found out by them.
    """

    at: Position | None = None
    records: tuple[Record, ...] = ()
    generation: int = 0
    owner: int | None = None
    retired: tuple[int, ...] = ()
    sealed: tuple[int, ...] = ()
    contested: tuple[int, ...] = ()
    announced: tuple[Told, ...] = ()

    def record(self, epoch: Epoch) -> Record | None:
        """Find the record of `epoch`."""
        for record in self.records:
            if record.position.epoch == epoch:
                return record
        return None

    def meant(self, teller: Epoch, epoch: Epoch, seq: int) -> tuple[Epoch, int]:
        """Say which entry a line of epoch `teller` means by entry `seq` of `epoch`.

        A line that was carried over names its fellows as they were called before; those carried with it go by new seqs.
        """
        told, now = self.record(epoch), self.record(teller)
        if epoch == teller or told is None or now is None or told.depth + seq <= now.depth:
            return epoch, seq
        return teller, told.depth + seq - now.depth

    def standing_at(self, depth: int) -> tuple[tuple[Epoch, int], ...]:
        """Name the entry of every epoch read that lies at `depth`, as (epoch, seq)."""
        return tuple(
            (record.position.epoch, depth - record.depth)
            for record in self.records
            if 0 <= depth - record.depth <= record.position.seq
        )


class ReadableLog(Protocol):
    """A log as its writer's side of replication needs it; the edge buffer and the hub's own logs are such."""

    @property
    def view(self) -> LogView:
        """What is durably held now."""
        ...

    async def read(self, epoch: Epoch, first: int, max_entries: int, max_bytes: int) -> Slice:
        """Read at least one entry from `first` of `epoch` on, as far as the bounds allow."""
        ...

    async def digests(self, epoch: Epoch, seqs: Sequence[int]) -> dict[int, bytes | None]:
        """Give the chain after each seq; None where it cannot be derived any more, or not yet."""
        ...

    async def open_epoch(self, chapter: Chapter) -> LogView:
        """Open a new epoch on `chapter.base`, a position of this log; what follows it becomes its entries from 1.

        Epochs after the base's leave the lineage.
        """
        ...

    async def wait_grown(self, seen: Position) -> LogView:
        """Return the view once its head is not `seen`, at once if it already is not."""
        ...
