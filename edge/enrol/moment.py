"""What time it is at least, for a machine without a clock: never before it was built, nor before it last knew.

A Pi that boots without a network believes some day of the past. So until the clock is past the *floor*, it is not
believed: certificates are then held to the floor, which proves that one has run out, but never that one is not valid
yet. The floor is raised by what the hub says over a connection that was verified, and kept.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edge.enrol.files import get, put

SLACK_US = 3600 * 1_000_000
"""How far the floor stays behind what raised it: clocks differ."""
STEP_US = 6 * 3600 * 1_000_000
"""By how much it must rise to be written again: a card does not live for ever."""


class Moment:
    """Used by one thread, or under a lock of its user. `clock` gives what the machine believes, UTC in microseconds."""

    def __init__(self, path: Path, built_us: int, clock: Callable[[], int]) -> None:
        self._path = path
        self._clock = clock
        self._floor_us = built_us
        self._kept_us = 0

    def open(self) -> None:
        """Read what is kept. A floor that cannot be read is none: it was a help, no more."""
        try:
            text = (get(self._path) or b"").strip()
        except OSError:
            return
        if text.isdigit() and len(text) < 17:
            self._kept_us = int(text)
            self._floor_us = max(self._floor_us, self._kept_us)

    @property
    def clock_is_set(self) -> bool:
        """Whether the machine's clock can be right."""
        return self._clock() >= self._floor_us

    @property
    def now_us(self) -> int:
        """What time it is at least."""
        return max(self._clock(), self._floor_us)

    def told(self, hub_us: int) -> None:
        """Take what the hub's clock said. Raises `OSError`."""
        self._floor_us = max(self._floor_us, hub_us - SLACK_US)
        if self._floor_us >= self._kept_us + STEP_US:
            put(self._path, b"%d\n" % self._floor_us)
            self._kept_us = self._floor_us
