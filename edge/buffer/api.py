"""The station log as the rest of the agent sees it.

One writer appends lines; one reader (the hub) is served from it and acknowledges. A line is an entry;
entries of an epoch are numbered from 1 without gaps, and a SHA-256 chain over them (`protocol.chain`)
proves any prefix.

    scan -> append() -> durable -> green light          uplink: wait_grown() -> read() -> ... -> acked()
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import Protocol, Self

from protocol.chain import Chapter, Position
from protocol.identity import Epoch
from protocol.replication.ports import LogView, Slice

HOUR_US = 3600 * 1_000_000
DAY_US = 24 * HOUR_US
BLOCK_ENTRIES = 1024
"""The most entries between two stored chain digests, and the most that one `read` gives."""
READ_BYTES = 256 * 1024
"""The most line bytes that one `read` gives, unless a single line is longer."""
NO_NOTES: Mapping[str, bytes | None] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class LogLimits:
    """What a log may use.

    `max_bytes`: beyond it acknowledged entries go, and where there are none, appends are refused with `LogFull`.
    `keep_bytes`: beyond it `prune` deletes acknowledged entries however young; it must leave room below `max_bytes` for
    what is not acknowledged. `keep_us`: how long acknowledged entries stay, for a hub that is restored from a copy.
    `max_commit_lines`: the most lines that appends share a transaction for, so that nobody waits for a longer one than
    that or somebody's own. `reserve_bytes`: what is kept free on the disk for the day when somebody else has filled it.
    """

    max_bytes: int = 1024 * 1024 * 1024
    keep_bytes: int = 256 * 1024 * 1024
    keep_us: int = 7 * DAY_US
    max_commit_lines: int = 10_000
    max_waiting_lines: int = 10_000
    max_waiting_bytes: int = 16 * 1024 * 1024
    reserve_bytes: int = 0


@dataclass(frozen=True, slots=True)
class LogStats:
    """A log's condition at the moment of asking; counts are since it was opened.

    `oldest_unacked_us` is the wall clock (UTC microseconds) at which the oldest unacknowledged entry was
    stored, to the hour below; None if there is none. `sync_p50_us` and `sync_p99_us` are of recent commits,
    0 before the first. `stored_bytes` is what the lines appended take, `written_bytes` what was really written to the
    log's files for all its purposes, None where nobody counts. `room_bytes` is what the cap of `max_bytes` leaves,
    `reserve_bytes` what is held of the reserve, `reserve_missing_bytes` what had to be given up of it.
    """

    entries: int
    unacked: int
    bytes_on_disk: int
    appended: int
    commits: int
    refused: int
    sync_p50_us: int
    sync_p99_us: int
    oldest_unacked_us: int | None
    stored_bytes: int
    written_bytes: int | None
    room_bytes: int
    max_bytes: int
    reserve_bytes: int
    reserve_missing_bytes: int


class StationLog(Protocol):
    """An append-only log with one reader. Making it does no I/O; `async with` opens; closing twice is fine.

    All methods belong to the event loop that opened it. Every method but the constructor raises
    `ContractBroken` while the log is not open. Cancelling a call stops the waiting, not the work: a
    cancelled line may yet be stored.
    """

    async def __aenter__(self) -> Self:
        """Open, and create what is not there. Raises `LogUnusable`."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish what was asked for, then close."""
        ...

    @property
    def view(self) -> LogView:
        """The lineage, the position before the first entry kept, and the head: always what is durable."""
        ...

    @property
    def stats(self) -> LogStats: ...

    async def append(self, lines: Sequence[bytes], notes: Mapping[str, bytes | None] = NO_NOTES) -> Position:
        """Store lines in order and change notes, all in one transaction; return once it is durable.

        Gives the position after the last of these lines. Appends that wait while a commit runs share the
        next one. Raises `LogFull`, `LogBusy`, `LogFailing`, `LineTooLong` (also for a note), and
        `ContractBroken` for a line that holds a line feed. After a refusal nothing of this append is in the
        log.
        """
        ...

    async def put_note(self, key: str, value: bytes | None) -> None:
        """Remember a small value under `key` (None forgets it), durable like an append; raises as that."""
        ...

    def notes(self) -> Mapping[str, bytes]:
        """Give the notes that are durable now, as a copy."""
        ...

    async def read(self, epoch: Epoch, first: int, max_entries: int, max_bytes: int) -> Slice:
        """Give entries of `epoch` from seq `first`: at least one if there is any, and the chain before it.

        Never more than `BLOCK_ENTRIES` or `READ_BYTES`, whatever is asked. An epoch ends where its
        successor's base lies: what was carried on is read there. At the end the slice is empty. Raises
        `NotKept`, `LogFailing`.
        """
        ...

    async def digests(self, epoch: Epoch, seqs: Sequence[int]) -> dict[int, bytes | None]:
        """Give the chain after each of `seqs` entries of `epoch`.

        None where it cannot be told: an epoch unknown here, a seq beyond the epoch's end, or one so
        long pruned that no stored digest covers it. Every seq from the first kept to the end is told.
        """
        ...

    async def open_epoch(self, chapter: Chapter) -> LogView:
        """Begin `chapter` on its base, a position of this log, in one transaction.

        What is stored after the base becomes its entries from 1, unchanged and where it lies; the base's
        epoch now ends at the base, and epochs after that leave the lineage. The reader has what lies before
        the base: that is taken as acknowledged, and what follows as not. `chapter.carried` is filled in
        where entries are carried. Raises `LogRefused`, and `ContractBroken` if the epoch's generation is
        not the greatest so far or the base, its depth or what is carried is not as this log has it.
        """
        ...

    async def acked(self, position: Position) -> None:
        """Remember how far the reader has committed, at once; never past the head; it may go back.

        Kept durable lazily when it advances, before returning when it goes back. A position in an epoch
        unknown here means that the reader has nothing of this log.
        """
        ...

    async def prune(self, now_us: int | None) -> int:
        """Delete acknowledged entries older than `LogLimits.keep_us` or beyond `keep_bytes`; count them.

        Also takes back what was given up of the reserve, once the disk has room again.
        Works in small steps between appends. By age whole blocks go, so up to `BLOCK_ENTRIES` stay longer. `now_us` is
        UTC in microseconds, None while the clock is not to be trusted: then only by size. Raises `LogRefused`.
        """
        ...

    async def answers(self) -> None:
        """Return once whoever keeps the log could do something; a log that hangs does not return.

        Raises `LogFailing` if nobody keeps it any more.
        """
        ...

    async def wait_grown(self, seen: Position) -> LogView:
        """Return the view once its head is not `seen`, at once if it already is not: no growth is lost."""
        ...
