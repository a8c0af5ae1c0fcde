"""A wall clock of their own for real processes: libfaketime, told by a file that is read at every look at the clock.

Time since boot is left alone, as it is by whoever sets a machine's clock, and so are the times of files.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from shelfwire.demo.processes import Process

LIBRARY = "/usr/$LIB/faketime/libfaketimeMT.so.1"
"""The loader fills in $LIB (ld.so(8)); this is where Debian's libfaketime puts it, as does its own `faketime`."""


class FakedTime:
    """What time it is for the processes that were put under it: the truth, until it is set."""

    def __init__(self, folder: Path, name: str, zone: str = "UTC") -> None:
        self._file = folder / f"{name}.faketime"
        self._zone = zone
        self.off_by(0)

    def rule(self, process: Process) -> None:
        """Have every life of a process from the next on look at this clock."""
        process.command = (
            "env",
            f"LD_PRELOAD={LIBRARY}",
            f"FAKETIME_TIMESTAMP_FILE={self._file}",
            "FAKETIME_NO_CACHE=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
            # Else every timed wait on a condition, Python's own for its lock among them, lasts as long as it likes.
            "FAKETIME_FORCE_MONOTONIC_FIX=0",
            "NO_FAKE_STAT=1",
            f"TZ={self._zone}",
            *process.command,
        )

    def off_by(self, seconds: float) -> None:
        """Set it, to the truth and so many seconds."""
        aside = self._file.with_suffix(".new")
        aside.write_text(f"{seconds:+.6f}\n")
        os.replace(aside, self._file)

    def reads(self, utc: str) -> float:
        """Set it to UTC as ISO 8601 says it; give by how many seconds that is off."""
        off_s = datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp() - time.time()
        self.off_by(off_s)
        return off_s


def sweep() -> None:
    """Take away what those processes left in shared memory that were killed."""
    for left in Path("/dev/shm").glob("*faketime_s[eh]m_*"):
        if not Path("/proc", left.name.rpartition("_")[2]).exists():
            left.unlink(missing_ok=True)
