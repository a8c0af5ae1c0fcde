"""The station log on disk: one SQLite file, one thread that owns it, and the event loop's side of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from edge.buffer.api import NO_NOTES, LogLimits, LogStats
from edge.buffer.disk_thread import DiskThread
from edge.buffer.errors import LogCorrupt, LogDamaged, LogRefused, LogUnusable
from edge.buffer.growth import Growth
from edge.buffer.intake import weigh
from edge.buffer.lineage import kept_depth
from edge.buffer.log_file import LogFile
from edge.buffer.tables import Tables
from edge.errors import ContractBroken
from protocol.chain import Chapter, Position
from protocol.identity import Epoch
from protocol.replication.ports import LogView, Slice


class _Open(NamedTuple):
    thread: DiskThread
    file: LogFile
    growth: Growth


class SqliteLog:
    """`StationLog` in one SQLite file, which nobody else can open meanwhile.

    `clock` gives UTC in microseconds, `nonce` 64 random bits for the first epoch of a new file. `vfs` names the
    layer through which SQLite reaches the disk, None for its own.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], int],
        nonce: Callable[[], int],
        limits: LogLimits | None = None,
        vfs: str | None = None,
    ) -> None:
        self._path = path
        self._clock = clock
        self._nonce = nonce
        self._limits = limits or LogLimits()
        self._vfs = vfs
        self._open: _Open | None = None
        self._refused = 0

    async def __aenter__(self) -> Self:
        if self._open is not None:
            raise ContractBroken(f"{self._path} is open already")
        growth = Growth(lambda: self._now_open.file.view)
        thread = DiskThread(f"log {self._path.stem}", self._make_file, self._limits, growth.moved)
        try:
            file = await thread.start()
        except BaseException:
            await thread.stop()
            raise
        self._open = _Open(thread, file, growth)
        self._refused = 0
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open is not None:
            growing, thread = self._open.growth, self._open.thread
            growing.close()
            await thread.stop()
            self._open = None

    @property
    def view(self) -> LogView:
        return self._now_open.file.view

    @property
    def stats(self) -> LogStats:
        file = self._now_open.file
        syncs_us = sorted(file.tables.syncs_us.copy())  # copied in one step: the thread goes on adding
        return LogStats(
            entries=file.view.depth - kept_depth(file.view),
            unacked=file.view.depth - file.acked,
            bytes_on_disk=file.tables.bytes_on_disk(),
            appended=file.appended,
            commits=file.tables.commits,
            refused=self._refused,
            sync_p50_us=syncs_us[len(syncs_us) // 2] if syncs_us else 0,
            sync_p99_us=syncs_us[len(syncs_us) * 99 // 100] if syncs_us else 0,
            oldest_unacked_us=file.oldest_unacked_us,
            stored_bytes=file.stored_bytes,
            written_bytes=file.tables.bytes_written(),
            room_bytes=file.room,
            max_bytes=self._limits.max_bytes,
            reserve_bytes=file.tables.reserve.held,
            reserve_missing_bytes=file.tables.reserve.missing,
        )

    async def append(self, lines: Sequence[bytes], notes: Mapping[str, bytes | None] = NO_NOTES) -> Position:
        thread = self._now_open.thread
        try:
            return await thread.append(lines, notes, weigh(lines, notes))
        except LogRefused:
            self._refused += 1
            raise

    async def put_note(self, key: str, value: bytes | None) -> None:
        await self.append((), {key: value})

    def notes(self) -> Mapping[str, bytes]:
        return self._now_open.file.notes

    async def read(self, epoch: Epoch, first: int, max_entries: int, max_bytes: int) -> Slice:
        thread, file, _ = self._now_open
        # A live scan is sent on straight from memory: its way through the thread and back would cost as much as a sync.
        newest = file.read_newest(epoch, first, max_entries, max_bytes)
        if newest is not None:
            return newest
        return await thread.run(lambda: file.read(epoch, first, max_entries, max_bytes))

    async def digests(self, epoch: Epoch, seqs: Sequence[int]) -> dict[int, bytes | None]:
        thread, file, _ = self._now_open
        # One job each: every one may have to chain over a whole block, and a scan must not wait for all of them.
        return {seq: await thread.run(partial(file.digest, epoch, seq)) for seq in seqs}

    async def open_epoch(self, chapter: Chapter) -> LogView:
        thread, file, _ = self._now_open
        await thread.run(lambda: file.open_epoch(chapter))
        return file.view

    async def acked(self, position: Position) -> None:
        thread, file, _ = self._now_open
        if file.acknowledge(position):
            await thread.run(file.save_ack)

    async def prune(self, now_us: int | None) -> int:
        thread, file, _ = self._now_open
        gone = 0
        while (entries := await thread.run(lambda: file.prune_block(now_us))) is not None:
            gone += entries
        await thread.run(file.keep_reserve)
        return gone

    async def answers(self) -> None:
        await self._now_open.thread.run(lambda: None)

    async def wait_grown(self, seen: Position) -> LogView:
        return await self._now_open.growth.wait(seen)

    @property
    def _now_open(self) -> _Open:
        if self._open is None:
            raise ContractBroken(f"{self._path} is not open")
        return self._open

    def _make_file(self) -> LogFile:
        tables = Tables(self._path, self._vfs, self._limits.reserve_bytes)
        try:
            return LogFile(tables, self._clock, self._nonce, self._limits)
        except LogCorrupt as error:
            tables.close()
            raise LogDamaged(f"{self._path}: {error}") from error
        except LogRefused as error:
            tables.close()
            raise LogUnusable(f"{self._path}: {error}") from error
