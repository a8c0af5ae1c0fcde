"""What a log's store and its replication machines tell each other."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.chain import Chapter, Position
from protocol.identity import Epoch


@dataclass(frozen=True, slots=True)
class LogView:
    """What a writer's store holds: chapters oldest first, the position before the first kept entry, the head."""

    lineage: tuple[Chapter, ...]
    first: Position
    head: Position


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
class ReaderState:
    """What a reader keeps about one log, committed together with the entries it stands for.

    `records` holds the furthest position read in every epoch ever read; `at` is the one being read now. `generation` is the
    greatest ever followed. `owner` is the writer incarnation last proved alive, `retired` those it
    replaced, `sealed` those a person decided against.
    """

    at: Position | None = None
    records: tuple[Position, ...] = ()
    generation: int = 0
    owner: int | None = None
    retired: tuple[int, ...] = ()
    sealed: tuple[int, ...] = ()
    contested: tuple[int, ...] = ()

    def record(self, epoch: Epoch) -> Position | None:
        """Find the furthest position read in `epoch`."""
        for position in self.records:
            if position.epoch == epoch:
                return position
        return None
