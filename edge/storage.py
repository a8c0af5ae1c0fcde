"""Looks after the station's storage: prunes the logs, keeps the reserve, has chatter give way before scans must."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from edge.buffer.api import LogStats, StationLog
from edge.buffer.errors import LogRefused
from edge.buffer.reserve import free_bytes
from edge.buffer.wear import Pace, Wear
from edge.station.chatter import ChatterGate, Room

LOOK_EVERY_S = 60.0
SHORT_SHARE = 0.5
SCARCE_SHARE = 0.8
"""Shares of a log's cap that are in use."""
SHORT_FREE_BYTES = 256 * 1024 * 1024
SCARCE_FREE_BYTES = 64 * 1024 * 1024

_log = logging.getLogger(__name__)


def room_left(stock: LogStats, chatter: LogStats, free: int) -> Room:
    """Judge the room by what the logs use of their caps, what is free on the disk, and the stock log's reserve."""
    share = max(1 - one.room_bytes / one.max_bytes for one in (stock, chatter))
    if share >= SCARCE_SHARE or free < SCARCE_FREE_BYTES or stock.reserve_missing_bytes:
        return Room.SCARCE
    return Room.SHORT if share >= SHORT_SHARE or free < SHORT_FREE_BYTES else Room.AMPLE


def room_hours(stock: LogStats, free: int, pace: Pace | None) -> int | None:
    """Say for how many hours the stock log can take what it took lately, the hub acknowledging nothing of it.

    None while that is not known, and while nothing is stored.
    """
    if pace is None or pace.stored_hour_bytes <= 0:
        return None
    return min(stock.room_bytes, free + stock.reserve_bytes) // pace.stored_hour_bytes


class StorageDesk:
    """Used while both logs are open, which lie in `folder`.

    `up_us` tells the time since boot, `past_us` a time (UTC) that is certainly over, None while there is none.
    """

    def __init__(
        self,
        folder: Path,
        stock: StationLog,
        chatter: StationLog,
        up_us: Callable[[], int],
        past_us: Callable[[], int | None],
        gate: ChatterGate,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._folder = folder
        self._stock = stock
        self._chatter = chatter
        self._up_us = up_us
        self._past_us = past_us
        self._gate = gate
        self._free = free
        self._wear = Wear()

    @property
    def free_bytes(self) -> int:
        """What is free on the disk."""
        return self._free(self._folder)

    @property
    def pace(self) -> Pace | None:
        """How fast the logs grow and write."""
        return self._wear.pace

    @property
    def room(self) -> Room:
        """How much room was left at the last look."""
        return self._gate.room

    @property
    def room_hours(self) -> int | None:
        """For how long there is room for what comes."""
        return room_hours(self._stock.stats, self.free_bytes, self.pace)

    async def run(self) -> None:
        """Look every minute, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Look once."""
        for log in (self._stock, self._chatter):
            try:
                await log.prune(self._past_us())
            except LogRefused as error:
                _log.warning("log not pruned", extra={"error": str(error)})
        stock, chatter = self._stock.stats, self._chatter.stats
        written = None
        if stock.written_bytes is not None and chatter.written_bytes is not None:
            written = stock.written_bytes + chatter.written_bytes
        self._wear.note(self._up_us(), written, stock.stored_bytes)
        room = room_left(stock, chatter, self.free_bytes)
        if room is not self._gate.room:
            told = {"room": room.value, "was": self._gate.room.value, "free_bytes": self.free_bytes}
            _log.warning("room for logs", extra=told)
        self._gate.room = room
