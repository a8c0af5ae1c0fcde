"""A log that the hub itself writes (feed, journal, catalogue), as its replication and the hub's parts use it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from hub.errors import ContractBroken, HubError
from hub.store import chunks
from hub.store.database import Database
from hub.store.epochs import epoch_row
from hub.store.own_rows import CHUNK_ENTRIES, OwnRows
from hub.store.sql import Sql
from protocol.chain import Chapter, Position, extend
from protocol.identity import Epoch
from protocol.replication.ports import LogView, Slice


class NotKept(HubError):
    """What was asked for is not in this log: of an epoch it does not tell, or past that epoch's end."""


class OwnLog:
    """Append-only, one writer (this hub), any number of readers served from it. Opened and closed with the store.

    Its view shows only what is durable and belongs to the event loop that opened it; `rows` belongs to the
    writer's thread. A cancelled call stops the waiting, not the work.
    """

    def __init__(self, database: Database, rows: OwnRows, now_us: Callable[[], int], grown: Callable[[], None]) -> None:
        """`grown` is called on the event loop when the log holds more, durably."""
        self._grown = grown
        self._database = database
        self._rows = rows
        self._now_us = now_us
        self._loop: asyncio.AbstractEventLoop | None = None
        self._view: LogView | None = None
        self._written: LogView | None = None
        self._growth = asyncio.Event()

    async def open(self) -> None:
        """Read the head, creating the log in a new file."""
        self._loop = asyncio.get_running_loop()
        self._growth = asyncio.Event()
        self._rows.forget()
        self._view = self._written = await self._database.write(self._rows.view)
        self._database.follow(self)

    def close(self) -> None:
        """Show nothing any more; whoever waits for growth is told by `ContractBroken`. Harmless when repeated."""
        self._view = None
        self._growth.set()

    def committed(self, connection: Sql) -> None:
        """A transaction is durable (called in the writer's thread): show what it added, if anything."""
        view = self._rows.view(connection)
        if view != self._written and self._loop is not None:
            self._written = view
            self._loop.call_soon_threadsafe(self._show, view)

    def undone(self) -> None:
        """A transaction did not happen (called in the writer's thread)."""
        self._rows.forget()

    @property
    def view(self) -> LogView:
        """The lineage, the position before the first entry, and the head."""
        if self._view is None:
            raise ContractBroken(f"log {self._rows.name} is not open")
        return self._view

    async def append(self, lines: Sequence[bytes]) -> Position:
        """Store lines in one transaction; give the position after them once it is durable.

        Raises `BadInput` ("too-long"), `ContractBroken` for a line that holds a line feed, `TryAgain`.
        """
        return await self._database.write(lambda c: self._rows.append(c, lines, self._now_us()))

    async def read(self, epoch: Epoch, first: int, max_entries: int, max_bytes: int) -> Slice:
        """Give entries of `epoch` from seq `first`: at least one if there is any, and the chain before it.

        At the epoch's end the slice is empty. An epoch ends where its successor's base lies; what was carried on is
        read there. Raises `NotKept`, `TryAgain`.
        """
        index = self.view.index(epoch)
        if index is None:
            raise NotKept(f"log {self._rows.name} does not tell of epoch {epoch}")
        end = self.view.end_of(index)
        if not 1 <= first <= end + 1:
            raise NotKept(f"{epoch} ends after {end}: there is no entry {first}")
        if first == end + 1:
            digest = (await self.digests(epoch, [end]))[end]
            if digest is None:
                raise NotKept(f"{epoch} has ended elsewhere meanwhile")
            return Slice(epoch, first, digest, ())
        # What the view does not show yet, though it may be durable, is not told yet.
        most = min(max(1, max_entries), CHUNK_ENTRIES, end + 1 - first)
        return await self._database.read(lambda c: self._read(c, epoch, first, most, max_bytes))

    async def digests(self, epoch: Epoch, seqs: Sequence[int]) -> dict[int, bytes | None]:
        """Give the chain after each of `seqs`; None for an epoch that is not told or a seq beyond its end."""
        index = self.view.index(epoch)
        if index is None:
            return dict.fromkeys(seqs)
        origin, end = self.view.lineage[index].origin().digest, self.view.end_of(index)

        def job(connection: Sql) -> dict[int, bytes | None]:
            row = epoch_row(connection, self._rows.name, epoch)
            stored = [seq for seq in seqs if 0 < seq <= end]
            found = dict.fromkeys(stored) if row is None else chunks.digests(connection, row, stored)
            return {seq: origin if seq == 0 else found.get(seq) for seq in seqs}

        return await self._database.read(job)

    async def open_epoch(self, chapter: Chapter) -> LogView:
        """Begin `chapter` on its base, a position of this log, in one transaction.

        What is stored after the base becomes its entries from 1; the base's epoch now ends at the base, and epochs
        after that leave the lineage. `chapter.carried` is filled in where entries are carried unchanged. Raises
        `ContractBroken` if the epoch's generation is not the greatest so far, or the base, its depth or what is
        carried is not as this log has it.
        """
        return await self._database.write(lambda c: self._rows.open_epoch(c, chapter, self._now_us()))

    async def wait_grown(self, seen: Position) -> LogView:
        """Return the view as soon as its head is not `seen`, at once if it is not already."""
        while self.view.head == seen:
            await self._growth.wait()
        return self.view

    def _show(self, view: LogView) -> None:
        self._view = view
        self._growth.set()
        self._growth = asyncio.Event()
        self._grown()

    def _read(self, connection: Sql, epoch: Epoch, first: int, most: int, max_bytes: int) -> Slice:
        row = epoch_row(connection, self._rows.name, epoch)
        chunk = None if row is None else chunks.holding(connection, row, first)
        if chunk is None or row is None:
            raise NotKept(f"{epoch} was cut short of entry {first} meanwhile")
        digest = extend(chunk.digest, chunk.lines[: first - chunk.first])
        lines: list[bytes] = []
        size = 0
        while chunk is not None:
            for line in chunk.lines[max(0, first - chunk.first) :]:
                size += len(line)
                if lines and (len(lines) == most or size > max_bytes):
                    return Slice(epoch, first, digest, tuple(lines))
                lines.append(line)
            chunk = chunks.holding(connection, row, chunk.end)
        return Slice(epoch, first, digest, tuple(lines))
