"""Serves a log that the hub holds to one reader: a station's catalogue, HQ's feed, the journal's second medium."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

import aiomqtt

from hub.errors import HubError
from protocol.chain import Position
from protocol.replication.messages import Cursor, ReaderMessage
from protocol.replication.ports import ReadableLog
from protocol.replication.writer import LogWriter, Standing
from protocol.replication.writer_actions import WriterLimits
from protocol.serving import WholeState, serve

INBOX = 1000

_log = logging.getLogger(__name__)


class LogServer:
    """One log towards one reader, for as long as the hub runs; `run` for each connection."""

    def __init__(
        self,
        log: ReadableLog,
        nonce: Callable[[], int],
        now_s: Callable[[], float],
        whole_state: WholeState | None = None,
        acked: Callable[[Position], None] | None = None,
    ) -> None:
        """`acked` is told each position that the reader has made durable."""
        self._log = log
        self._nonce = nonce
        self._now_s = now_s
        self._whole_state = whole_state
        self._acked = acked
        self._writer: LogWriter | None = None
        self._inbox: asyncio.Queue[ReaderMessage] = asyncio.Queue(INBOX)
        self.snapshot_above: Callable[[], int] | None = None
        """Tells how many entries behind a reader must be to be sent the whole state instead."""

    @property
    def backlog(self) -> int | None:
        """Entries not known to be at the reader; None before it was ever served."""
        return None if self._writer is None else self._writer.backlog

    @property
    def standing(self) -> Standing:
        """How it stands with the reader."""
        return Standing.APART if self._writer is None else self._writer.standing

    def hear(self, message: ReaderMessage) -> None:
        """Take a message from the reader; of what does not fit, the newest cursor counts."""
        if isinstance(message, Cursor) and self._inbox.full():
            self._inbox.get_nowait()
        with contextlib.suppress(asyncio.QueueFull):
            self._inbox.put_nowait(message)

    async def run(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Serve over one connection; ends only by being cancelled or by what `send` raises."""
        if self._writer is None:
            self._writer = LogWriter(self._log.view, self._nonce(), self._nonce, WriterLimits())
        writer = self._writer
        writer.grew(self._log.view, self._now_s())
        writer.connect(self._now_s())
        heard = asyncio.create_task(self._inbox.get())
        grown = asyncio.create_task(self._log.wait_grown(self._log.view.head))
        try:
            while True:
                await self._serve(writer, send)
                left_s = max(0.01, writer.wake_s() - self._now_s())
                await asyncio.wait((heard, grown), timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
                if heard.done():
                    writer.receive(heard.result(), self._now_s())
                    heard = asyncio.create_task(self._inbox.get())
                if grown.done():
                    view = grown.result()
                    writer.grew(view, self._now_s())
                    grown = asyncio.create_task(self._log.wait_grown(view.head))
                writer.tick(self._now_s())
        finally:
            heard.cancel()
            grown.cancel()
            writer.disconnect()

    async def _serve(self, writer: LogWriter, send: Callable[[bytes], Awaitable[None]]) -> None:
        if self.snapshot_above is not None:
            writer.snapshot_above = self.snapshot_above()
        try:
            await serve(
                writer,
                self._log,
                send,
                now_s=self._now_s,
                acked=self._tell_acked,
                whole_state=self._whole_state,
                nonce=self._nonce,
            )
        except HubError:
            # The disk would not give it now; `abandon` was called, and the next tick tries anew.
            writer.grew(self._log.view, self._now_s())

    async def _tell_acked(self, position: Position) -> None:
        if self._acked is not None:
            self._acked(position)

    async def serve_until_gone(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Serve over one connection until it is gone, which is no error here: its own loop tells."""
        try:
            await self.run(send)
        except aiomqtt.MqttError as error:
            _log.debug("connection gone while serving", extra={"error": str(error)})
