"""What a log's reader asks of those who hold its store and its transport."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from protocol.chain import Position
from protocol.identity import Epoch
from protocol.replication.messages import Cursor, SnapshotPart, Traced
from protocol.replication.ports import Loss, ReaderState, Slice


class OutOfReach(Enum):
    """What a reader does when the writer no longer keeps what it lacks."""

    RECORD_LOSS = auto()
    """Write down the range and go on: station logs, feed, journal."""
    SNAPSHOT = auto()
    """Ask for the whole state: the catalogue."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole state of a log's subject at `position`; of a staged one the lines were told part by part (`Stage`)."""

    position: Position
    lines: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """The next part of a snapshot has come, in order; nothing of it counts before its `Commit`, with this `state`.

    Part 1 begins anew: what was staged before, if anything, is to be forgotten. So it is when another commit comes.
    """

    part: SnapshotPart
    state: ReaderState


@dataclass(frozen=True, slots=True)
class Commit:
    """Make all of this durable in one transaction, then call `committed(serial)`, or `commit_failed()`.

    Several commits may be made durable together, in order. `entries` is what came (`flagged`: one entry the reader
    could not read, for quarantine), `snapshot` replaces everything before it.
    """

    serial: int
    state: ReaderState
    entries: Slice | None = None
    flagged: bool = False
    snapshot: Snapshot | None = None
    losses: tuple[Loss, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """Send this message to the writer's side."""

    message: Cursor | Traced


@dataclass(frozen=True, slots=True)
class LookUpRead:
    """Find the chain after these entries we hold, (epoch, seq), then call `looked_up`."""

    entries: tuple[tuple[Epoch, int], ...]


@dataclass(frozen=True, slots=True)
class ForkSeen:
    """A writer's chain differs from ours after `seq` of `epoch`: tell the operator. Nothing was acknowledged."""

    epoch: Epoch
    seq: int


ReaderAction = Commit | Stage | Reply | LookUpRead | ForkSeen
