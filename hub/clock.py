"""What time it is at the hub: its wall clock, but for a step that may be a mistake.

All times of the store rest on this clock: stations are told it, decisions bear it. So it is held against
CLOCK_BOOTTIME, which nobody sets (clock_gettime(2)):

    wall - boot time   ----------+          +--------------     a reading of 2036: never told
                                 +----------+
                       ----------+
                                 +-------------------------     set: told once it has stood for five minutes

Slewing, as time daemons do it (adjtimex(2): 500 ppm), is followed. A hub that was started before a time daemon had
set its clock believes the first step after which the kernel calls the clock synchronised at once.
"""

from __future__ import annotations

import ctypes
import logging
import time
from collections.abc import Callable
from typing import Final

STEP_US: Final = 1_000_000
"""What the clock moves between two looks by more than this was a step."""
BELIEVED_AFTER_US: Final = 300_000_000
EARLIEST_US: Final = 1_735_689_600_000_000
"""The beginning of 2025: a clock that reads less has not been set yet, and any step of it is for the better."""

_TIME_ERROR: Final = 5

_log = logging.getLogger(__name__)


def wall_us() -> int:
    """Tell what the machine takes for UTC, in microseconds."""
    return time.time_ns() // 1000


def up_us() -> int:
    """Tell the microseconds since boot, suspended time included."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


class KernelSync:
    """Tells whether a time daemon keeps the wall clock: adjtimex(2), read only; no where the call is not allowed."""

    def __init__(self) -> None:
        # struct timex has 208 bytes on 64-bit and 128 on 32-bit Linux; `modes`, its first field, is 0: set nothing.
        self._timex = ctypes.create_string_buffer(256)
        # PyDLL keeps the interpreter's lock: the call takes a microsecond, to get the lock back may take thousands.
        self._adjtimex: Callable[[object], int] | None = getattr(ctypes.PyDLL(None), "adjtimex", None)

    def __call__(self) -> bool:
        return self._adjtimex is not None and 0 <= self._adjtimex(self._timex) < _TIME_ERROR


class HubClock:
    """The hub's UTC. One for each process, asked by any thread."""

    def __init__(
        self,
        wall_us: Callable[[], int] = wall_us,
        up_us: Callable[[], int] = up_us,
        synced: Callable[[], bool] | None = None,
    ) -> None:
        """`synced` says whether a time daemon keeps the wall clock: the kernel's word, unless another is given."""
        self._wall_us = wall_us
        self._up_us = up_us
        self._synced = synced or KernelSync()
        self._was_synced = False
        self._offset_us: int | None = None
        self._stepped: tuple[int, int] | None = None
        """The offset after a step that is not believed yet, and when it was first seen, in boot time."""

    def now_us(self) -> int:
        """Tell UTC in microseconds."""
        up_us = self._up_us()
        offset_us = self._wall_us() - up_us
        believed_us = self._offset_us
        is_first_sync = not self._was_synced and self._synced()
        self._was_synced |= is_first_sync
        if believed_us is None or abs(offset_us - believed_us) <= STEP_US:
            self._offset_us, self._stepped = offset_us, None
            return up_us + offset_us
        stepped = self._stepped
        if stepped is None or abs(offset_us - stepped[0]) > STEP_US:
            _log.warning("clock was set", extra={"by_ms": (offset_us - believed_us) // 1000})
            self._stepped = stepped = offset_us, up_us
        is_settled = up_us - stepped[1] >= BELIEVED_AFTER_US or is_first_sync
        if not is_settled and up_us + believed_us >= EARLIEST_US:
            self._stepped = offset_us, stepped[1]
            return up_us + believed_us
        _log.warning("clock believed", extra={"by_ms": (offset_us - believed_us) // 1000})
        self._offset_us, self._stepped = offset_us, None
        return up_us + offset_us
