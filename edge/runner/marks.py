"""What the stock log says of time besides its events: that nothing older is unsent, and how the hub's clock stood."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from edge.buffer.api import StationLog
from edge.buffer.errors import LogRefused
from edge.clock import Clock
from edge.station.anchoring import NOTE as ANCHOR_NOTE
from edge.station.anchoring import Anchoring
from edge.station.station import Station
from protocol.events import Mark, encode_entry

TRIED_NOTE: Final = "tried"
"""When a mark was due and had to wait, in microseconds of the boot's clock."""

_log = logging.getLogger(__name__)


class Marks:
    """A mark each `every_s`, once the station is settled. `write_tags` writes what changed of tags, if it can."""

    def __init__(
        self,
        station: Station,
        stock: StationLog,
        clock: Clock,
        anchoring: Anchoring,
        write_tags: Callable[[], Awaitable[bool]],
        every_s: float,
    ) -> None:
        self._station = station
        self._stock = stock
        self._clock = clock
        self._anchoring = anchoring
        self._write_tags = write_tags
        self._every_s = every_s
        self._settled = asyncio.Event()

    def note_standing(self) -> None:
        """Look whether the station is settled now."""
        if self._station.settled:
            self._settled.set()
        else:
            self._settled.clear()

    async def run(self) -> None:
        """Append a mark whenever one is due, for good."""
        while True:
            await asyncio.sleep(self._every_s)
            # An open count or a waiting weight may still write of times before now, and so may a tag's change.
            marked = False
            while not marked:
                self.note_standing()
                if not self._settled.is_set():
                    await self._try_the_log()
                await self._settled.wait()
                if not await self._write_tags():
                    break
                # Since it was settled, somebody may have begun another count.
                if self._station.settled:
                    await self._append(closing=False)
                    marked = True

    async def close(self) -> None:
        """Append the closing mark, where nothing older can still come."""
        if await self._write_tags() and self._station.settled:
            await self._append(closing=True)

    async def anchor(self, sent_up_us: int, received_up_us: int, hub_us: int) -> None:
        """Take an exchange with the hub: its clock read `hub_us` (UTC) between two of our boot times.

        Logs it if it says more than the anchors before (`edge.station.anchoring`).
        """
        anchor = self._anchoring.offer(sent_up_us, received_up_us, hub_us)
        if anchor is None:
            return
        try:
            line = encode_entry(anchor)
            await self._stock.append([line], {ANCHOR_NOTE: line})
        except LogRefused as error:
            self._anchoring.not_logged()
            _log.warning("anchor not logged", extra={"error": str(error)})

    async def _try_the_log(self) -> None:
        """Write to the log where a mark has to wait, perhaps for days: who asks then sees whether it takes writes."""
        try:
            await self._stock.put_note(TRIED_NOTE, str(self._clock.now().up_us).encode())
        except LogRefused as error:
            _log.warning("the log did not take a note", extra={"error": str(error)})

    async def _append(self, *, closing: bool) -> None:
        self._station.marking()
        try:
            await self._stock.append([encode_entry(Mark(self._clock.now(), closing))])
        except LogRefused as error:
            _log.warning("mark not logged", extra={"error": str(error)})
