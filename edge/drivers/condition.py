"""What every device keeps about itself: whether it is open, when it last spoke, and what it counted."""

from __future__ import annotations

import time
from collections.abc import Callable

from edge.codecs.readings import Reading, Refused
from edge.drivers.api import Health, Status

Clock = Callable[[], int]
"""CLOCK_BOOTTIME in nanoseconds."""


def boot_ns() -> int:
    """Nanoseconds since boot, suspended time included (clock_gettime(2))."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Condition:
    """The changing side of `Health`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._status = Status.CLOSED
        self._note = ""
        self._opened: int | None = None
        self._last: int | None = None
        self._counters: dict[str, int] = {}

    @property
    def ready(self) -> bool:
        return self._status is Status.READY

    def opened(self) -> None:
        self._status, self._note, self._opened = Status.READY, "", self._clock()

    def absent(self, why: str) -> None:
        self._status, self._note, self._opened = Status.ABSENT, why, None

    def lost(self, why: str) -> None:
        self._status, self._note = Status.LOST, why

    def closed(self) -> None:
        """Note a close on purpose; why a device is absent or was lost stays to be seen."""
        if self._status is Status.READY:
            self._status, self._note = Status.CLOSED, ""

    def remark(self, note: str) -> None:
        """Say something about a device that is ready, or nothing ("") again."""
        self._note = note

    def count(self, word: str) -> None:
        self._counters[word] = self._counters.get(word, 0) + 1

    def heard(self, reading: Reading) -> None:
        """Count a reading by its kind, a refused one also by its name."""
        self._last = self._clock()
        self.count(type(reading).__name__.lower())
        if isinstance(reading, Refused):
            self.count(f"refused.{reading.name}")

    def health(self) -> Health:
        return Health(self._status, self._opened, self._last, dict(self._counters), self._note)
