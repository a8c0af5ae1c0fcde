"""What a log's writer asks of those who hold its log and its transport."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.chain import Chapter, Position
from protocol.identity import Epoch
from protocol.replication.messages import Hello, Trace


@dataclass(frozen=True, slots=True)
class WriterLimits:
    """Sizes and times of one writer."""

    frame_entries: int = 1000
    frame_bytes: int = 256 * 1024
    window_frames: int = 32
    resend_s: float = 2.0
    hello_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Say:
    """Send this message."""

    message: Hello | Trace


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Read from `first` of `epoch`, send the frame, then call `frame_sent`; `flagged`: one entry, flagged."""

    epoch: Epoch
    first: int
    max_entries: int
    max_bytes: int
    flagged: bool


@dataclass(frozen=True, slots=True)
class SendSnapshot:
    """The reader wants the whole state at the head: send its parts."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """Find our own chain after these entries, (epoch, seq), then call `looked_up`."""

    entries: tuple[tuple[Epoch, int], ...]


@dataclass(frozen=True, slots=True)
class OpenEpoch:
    """Make the new epoch durable, then call `epoch_opened`."""

    chapter: Chapter


@dataclass(frozen=True, slots=True)
class Acked:
    """The reader has committed everything up to here."""

    position: Position


WriterAction = Say | SendFrame | SendSnapshot | LookUp | OpenEpoch | Acked
