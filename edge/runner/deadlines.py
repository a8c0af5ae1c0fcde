"""Wakes the station when the next thing that it waits for is due, such as a weight that does not come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from edge.clock import Clock
from edge.station.station import Station


class Deadlines:
    """Looks at the station's next deadline, and calls `due` once it has passed."""

    def __init__(self, station: Station, clock: Clock, due: Callable[[], Awaitable[None]]) -> None:
        self._station = station
        self._clock = clock
        self._due = due
        self._next_us: int | None = None
        self._moved = asyncio.Event()

    def note_standing(self) -> None:
        """Look whether something is due sooner than what is waited for."""
        next_us = self._station.next_deadline_us
        # That it is due later, as after every scan, is found out when the time has come.
        if next_us is not None and (self._next_us is None or next_us < self._next_us):
            self._moved.set()

    async def run(self) -> None:
        """Wait and call, for good."""
        while True:
            self._next_us = self._station.next_deadline_us
            self._moved.clear()
            left_s = None
            if self._next_us is not None:
                left_s = max(0.0, (self._next_us - self._clock.up_us()) / 1e6)
            try:
                async with asyncio.timeout(left_s):
                    await self._moved.wait()
            except TimeoutError:
                next_us = self._station.next_deadline_us
                if next_us is not None and next_us <= self._clock.up_us():
                    await self._due()
