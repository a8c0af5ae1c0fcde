"""Writes what moves no stock to the chatter log, behind everyone's back and seldom.

Both logs lie on one card, which syncs one file after the other. A chatter commit that runs when a scan comes costs that
scan a sync more, so they are far enough apart that hardly one scan in a hundred meets one. Chatter is told to nobody
before it is durable, and what the power takes of its last seconds moved no stock.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque

from edge.buffer.api import StationLog
from edge.buffer.errors import LogRefused
from edge.station.chatter import ChatterGate
from protocol.events import Rejection, Weighing, encode_entry

WAITING = 10_000
SELDOM_S = 1.0
LONGEST_S = 20.0
APART = 100
"""How many times what a commit takes lies between two, within the bounds above."""

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
        self._took_s = 0.0

    @property
    def dropped(self) -> int:
        """How many entries did not pass the gate or the disk."""
        return self._gate.suppressed + self._gate.thinned + self._lost

    @property
    def thinned(self) -> int:
        """How many of those did not pass for want of room."""
        return self._gate.thinned

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
            await asyncio.sleep(min(LONGEST_S, max(SELDOM_S, APART * self._took_s)))
            await self.write_waiting()

    async def write_waiting(self) -> None:
        """Write what waits now in one transaction; what comes meanwhile waits for the next."""
        self._some.clear()
        if not self._waiting:
            return
        batch, self._waiting = list(self._waiting), deque()
        began = time.monotonic()
        try:
            await self._to.append(batch)
            self._took_s = time.monotonic() - began
            self._failing = False
        except LogRefused as error:
            self._lost += len(batch)
            if not self._failing:
                _log.warning("chatter not logged", extra={"error": str(error)})
            self._failing = True
