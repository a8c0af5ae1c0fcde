"""Writes what moves no stock to the chatter log, behind everyone's back."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from edge.buffer.api import StationLog
from edge.buffer.errors import LogRefused
from edge.station.chatter import ChatterGate
from protocol.events import Rejection, Weighing, encode_entry

WAITING = 1000
BATCH = 100

_log = logging.getLogger(__name__)


class ChatterWriter:
    """One task that appends what passed the gate; `say` never waits."""

    def __init__(self, log: StationLog, gate: ChatterGate) -> None:
        self._to = log
        self._gate = gate
        self._waiting: deque[bytes] = deque()
        self._some = asyncio.Event()
        self._lost = 0
        self._failing = False

    @property
    def dropped(self) -> int:
        """How many entries did not pass the gate or the disk."""
        return self._gate.suppressed + self._lost

    def say(self, entry: Rejection | Weighing, up_us: int) -> None:
        """Have an entry written, if there are not too many."""
        if not self._gate.passes(entry, up_us):
            return
        if len(self._waiting) >= WAITING:
            self._lost += 1
            return
        self._waiting.append(encode_entry(entry))
        self._some.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._some.wait()
            await self.write_waiting()

    async def write_waiting(self) -> None:
        """Write all that waits now."""
        self._some.clear()
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            try:
                await self._to.append(batch)
                self._failing = False
            except LogRefused as error:
                self._lost += len(batch)
                if not self._failing:
                    _log.warning("chatter not logged", extra={"error": str(error)})
                self._failing = True
