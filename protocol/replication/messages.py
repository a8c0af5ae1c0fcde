"""What the writer and the reader of a log say to each other, as values.

Writer to reader: `Hello`, `Frame`, `Trace`, `SnapshotPart`. Reader to writer: `Cursor`, `Traced`.
Their bytes are `protocol.frames`; their meaning is `writer` and `reader`.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.chain import Chapter, Position
from protocol.identity import Epoch

SCHEMA = 1
"""The major version of the entries this code writes; a reader refuses a greater one."""


@dataclass(frozen=True, slots=True)
class Hello:
    """A writer says what it holds.

    `lineage` runs from the oldest epoch still told to the current one. `first` is the position *before* the first entry
    kept, `head` the position after the last. `writer` is the incarnation, new at every start; `ask` is
    returned as `Cursor.re`; `echo` answers a reader's challenge and so proves that this writer is alive now.
    """

    lineage: tuple[Chapter, ...]
    first: Position
    head: Position
    writer: int
    ask: int
    echo: int | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """Entries `first` to `first + len(lines) - 1` of `epoch`, as stored; `digest` is the chain before `first`.

    `flagged` marks a single entry that the reader could not take: its bytes go to quarantine unread. `writer` is the
    incarnation that sends it, None from a release that did not say: only the one last proved alive is read from.
    """

    epoch: Epoch
    first: int
    digest: bytes
    lines: tuple[bytes, ...]
    schema: int = SCHEMA
    flagged: bool = False
    writer: int | None = None

    @property
    def last(self) -> int:
        """The seq of the last entry."""
        return self.first + len(self.lines) - 1


@dataclass(frozen=True, slots=True)
class Trace:
    """A writer looks for the last entry it shares with the reader: its own chain at some depths."""

    points: tuple[tuple[int, bytes], ...]
    writer: int
    ask: int


@dataclass(frozen=True, slots=True)
class SnapshotPart:
    """Part `part` of `parts` of the whole state at `position`; `snapshot` tells one sending from another."""

    position: Position
    snapshot: int
    part: int
    parts: int
    lines: tuple[bytes, ...]
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True)
class Refusal:
    """A payload the reader could not understand: the first 8 bytes of its SHA-256, and a short reason."""

    payload: int
    reason: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """A reader says up to where it has committed; cumulative acknowledgement, rewind and challenge in one.

    `at` is None when the reader never read this log. `reader` is its incarnation. `re` returns the hello's `ask`;
    `challenge` wants to be echoed in a hello. `credit` entries beyond `at` may be in flight. `held` means that nothing
    is acknowledged until a person chooses between two live writers; `sealed` names the incarnation that lost.
    `snapshot` asks for the whole state. `hub_us` is the reader's UTC at sending, in microseconds.
    """

    at: Position | None
    reader: int
    credit: int
    re: int | None = None
    challenge: int | None = None
    held: bool = False
    sealed: int | None = None
    snapshot: bool = False
    refused: Refusal | None = None
    hub_us: int = 0


@dataclass(frozen=True, slots=True)
class Traced:
    """A reader's answer to `Trace`: the greatest depth at which it holds the same (0: none), the least where not."""

    agreed: int
    differed: int | None
    re: int


WriterMessage = Hello | Frame | Trace | SnapshotPart
ReaderMessage = Cursor | Traced
