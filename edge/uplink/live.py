"""Shows the hub the newest scans while the log's backlog still drains: on `live`, at QoS 0, never counted.

    scan -> log -> (behind the backlog) ................. -> hub: counted
              \\-> live, at most four times a second ......-> hub: shown, until the log brings it

Nothing is kept here but a place in the log: what a message lost is not sent again, and of many scans the newest win.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from edge.buffer.api import BLOCK_ENTRIES, READ_BYTES, StationLog
from edge.buffer.errors import LogRefused, NotKept
from edge.uplink.stream import StreamPump
from protocol.chain import Position
from protocol.live import encode_live
from protocol.replication.ports import LogView
from protocol.replication.writer import Standing

SHOWN_ABOVE = 500
"""So many entries unacknowledged are a backlog; fewer are at the hub before a person looks."""
LOOK_BACK = BLOCK_ENTRIES
"""How many of the newest entries are looked through for scans."""
EVERY_S = 0.25

_log = logging.getLogger(__name__)


class LiveView:
    """The newest end of the stock log, for as long as the agent runs; `show` for each connection."""

    def __init__(self, log: StationLog, pump: StreamPump) -> None:
        """`pump` drains the same log."""
        self._stock = log
        self._pump = pump

    async def show(self, send: Callable[[bytes], None]) -> None:
        """Show scans over one connection; ends only by being cancelled or by what `send` raises."""
        seen = self._stock.view.first
        while True:
            view = await self._stock.wait_grown(seen)
            if self._pump.backlog <= SHOWN_ABOVE or self._pump.standing is Standing.SEALED:
                seen = view.head
            elif self._pump.standing is Standing.READING:
                await self._send_newest(seen, view, send)
                seen = view.head
            # Else the hub does not listen now: what is newest once it does is shown then.
            await asyncio.sleep(EVERY_S)

    async def _send_newest(self, seen: Position, view: LogView, send: Callable[[bytes], None]) -> None:
        head = view.head
        after = max((each.seq for each in (seen, view.first) if each.epoch == head.epoch), default=0)
        first = max(after + 1, head.seq - LOOK_BACK + 1)
        lines: list[tuple[int, bytes]] = []
        try:
            while first <= head.seq:
                part = await self._stock.read(head.epoch, first, LOOK_BACK, READ_BYTES)
                if not part.lines:
                    break
                lines += enumerate(part.lines, first)
                first += len(part.lines)
        except (LogRefused, NotKept) as error:
            _log.debug("not shown live", extra={"error": str(error)})
            return
        payload = encode_live(head.epoch, lines)
        if payload is not None:
            send(payload)
