"""Drains one stream of the station's log to the hub: waits for growth, for the hub's word, or for time to pass."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable

from edge.buffer.api import StationLog
from edge.buffer.errors import LogRefused, NotKept
from edge.clock import Clock
from protocol.chain import Position
from protocol.replication.messages import Cursor, ReaderMessage
from protocol.replication.writer import LogWriter, Standing
from protocol.replication.writer_actions import WriterLimits
from protocol.serving import serve

OnAnchor = Callable[[int, int, int], Awaitable[None]]
"""Told (sent, received) in boot time and the hub's UTC between them, all in microseconds."""

INBOX = 1000


class StreamPump:
    """One log's writer towards the hub, for as long as the agent runs; `drain` for each connection."""

    def __init__(
        self,
        log: StationLog,
        nonce: Callable[[], int],
        clock: Clock,
        on_anchor: OnAnchor | None,
        on_change: Callable[[], None],
    ) -> None:
        """`on_anchor` is told of each exchange with the hub's clock; `on_change` that all is at the hub, or no more."""
        self._log = log
        self._clock = clock
        self._on_anchor = on_anchor
        self._on_change = on_change
        self._drained = False
        self._asked: tuple[int, int] | None = None
        self._nonce = nonce
        self._writer: LogWriter | None = None
        self._inbox: deque[ReaderMessage] = deque()
        self._stirred = asyncio.Event()

    @property
    def backlog(self) -> int:
        """Entries not known to be at the hub."""
        return self._log.stats.unacked if self._writer is None else self._writer.backlog

    @property
    def standing(self) -> Standing:
        """How it stands with the hub."""
        return Standing.APART if self._writer is None else self._writer.standing

    def hear(self, message: ReaderMessage) -> None:
        """Take a message from the hub; what does not fit is lost, as on any network."""
        if len(self._inbox) == INBOX:
            if not isinstance(message, Cursor):
                return
            self._inbox.popleft()
        self._inbox.append(message)
        self._stirred.set()

    async def drain(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Serve the hub over one connection; ends only by being cancelled or by what `send` raises."""
        if self._writer is None:
            self._writer = LogWriter(self._log.view, self._nonce(), self._nonce, WriterLimits())
        writer = self._writer
        self._inbox.clear()
        view = self._log.view
        seen = view.head
        writer.grew(view, self._now_s())
        writer.connect(self._now_s())
        watching = asyncio.create_task(self._watch_growth())
        try:
            while True:
                await self._serve(writer, send)
                if (writer.backlog == 0) != self._drained:
                    self._drained = not self._drained
                    self._on_change()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(max(0.01, writer.wake_s() - self._now_s())):
                        await self._stirred.wait()
                self._stirred.clear()
                if watching.done():
                    watching.result()
                while self._inbox:
                    await self._take(writer, self._inbox.popleft())
                view = self._log.view
                if view.head != seen:
                    seen = view.head
                    writer.grew(view, self._now_s())
                writer.tick(self._now_s())
        finally:
            watching.cancel()
            writer.disconnect()

    async def _watch_growth(self) -> None:
        try:
            seen = self._log.view.head
            while True:
                seen = (await self._log.wait_grown(seen)).head
                self._stirred.set()
        finally:
            self._stirred.set()

    async def _serve(self, writer: LogWriter, send: Callable[[bytes], Awaitable[None]]) -> None:
        before_us = self._clock.up_us()
        try:
            await serve(writer, self._log, send, now_s=self._now_s, acked=self._acked, nonce=self._nonce)
        except (LogRefused, NotKept):
            # The disk would not give or take it now, or it was pruned a moment ago: the next view or tick tries anew.
            writer.grew(self._log.view, self._now_s())
        if self._asked is None or self._asked[0] != writer.ask:
            self._asked = (writer.ask, before_us)

    async def _take(self, writer: LogWriter, message: ReaderMessage) -> None:
        asked = self._asked
        if isinstance(message, Cursor) and asked is not None and message.re == asked[0] and message.hub_us > 0:
            if self._on_anchor is not None:
                await self._on_anchor(asked[1], self._clock.up_us(), message.hub_us)
            self._asked = None
        writer.receive(message, self._now_s())

    def _now_s(self) -> float:
        return self._clock.up_us() / 1e6

    async def _acked(self, position: Position) -> None:
        await self._log.acked(position)
