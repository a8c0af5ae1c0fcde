"""What time it is on a station: boot id, time since boot, wall time, and whether anything disciplines it.

A Pi has no clock of its own, so wall time is only ever a hint; CLOCK_BOOTTIME within a boot is what counts, since it
runs through suspend and is never set (clock_gettime(2)).
"""

from __future__ import annotations

import ctypes
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edge.errors import EdgeError
from protocol.events import When

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
BOOT_ID_DIGITS = 12

LATEST_US = 2**53
"""The year 2255: what a clock says beyond it no reader of the log needs to understand."""

_TIME_ERROR = 5


class Clock(Protocol):
    """Where the agent takes the time from."""

    @property
    def boot(self) -> str:
        """Name this boot: 12 hex digits, new at each."""
        ...

    def up_us(self) -> int:
        """Tell the microseconds since boot, suspended time included."""
        ...

    def now(self) -> When:
        """Tell the time in all its parts, as an event carries it."""
        ...


def read_boot_id(path: Path = BOOT_ID) -> str:
    """Read the first 12 hex digits of the kernel's boot id (random(4)). Raises `EdgeError`."""
    try:
        text = path.read_text("ascii").strip().replace("-", "")[:BOOT_ID_DIGITS]
    except OSError as error:
        raise EdgeError(f"no boot id: {error}") from error
    if not re.fullmatch(r"[0-9a-f]{12}", text):
        raise EdgeError(f"no boot id in {path}: {text!r}")
    return text


class SystemClock:
    """The machine's own clocks."""

    def __init__(self, boot: str) -> None:
        self._boot = boot
        self._discipline = _Discipline()

    @property
    def boot(self) -> str:
        return self._boot

    def up_us(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000

    def now(self) -> When:
        wall_us = min(max(time.time_ns() // 1000, 0), LATEST_US)
        return When(self._boot, self.up_us(), wall_us, self._discipline.synced())


class _Discipline:
    """Asks the kernel whether a time daemon keeps the wall clock: adjtimex(2), read only.

    The call returns the clock's state, which is TIME_ERROR while STA_UNSYNC is set; `timedatectl` shows that as "not
    synchronised". Where the call is missing or forbidden, the answer is no.
    """

    def __init__(self) -> None:
        # struct timex has 208 bytes on 64-bit and 128 on 32-bit Linux; `modes`, its first field, is 0: set nothing.
        self._timex = ctypes.create_string_buffer(256)
        # PyDLL keeps the interpreter's lock: the call takes a microsecond, to get the lock back may take thousands.
        self._adjtimex: Callable[[object], int] | None = getattr(ctypes.PyDLL(None), "adjtimex", None)

    def synced(self) -> bool:
        return self._adjtimex is not None and 0 <= self._adjtimex(self._timex) < _TIME_ERROR


@dataclass(slots=True)
class FakeClock:
    """A clock that stands until it is moved; for tests and simulations."""

    boot: str = "0123456789ab"
    up: int = 1_000_000
    wall: int = 1_750_000_000_000_000
    synced: bool = True

    def up_us(self) -> int:
        return self.up

    def now(self) -> When:
        return When(self.boot, self.up, self.wall, self.synced)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.up += round(seconds * 1_000_000)
        self.wall += round(seconds * 1_000_000)
