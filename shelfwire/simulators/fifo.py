"""A device that only sends, as a FIFO: what is written to it waits in the kernel until somebody reads it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from shelfwire.simulators.plugged import Plugged


class SimulatedFifo(Plugged):
    """`async with` or `plug_in` makes the FIFO at `path`; `unplug` takes it away, as pulling the cable would.

    With `packets` a read gives one `send` at a time (pipe(2), O_DIRECT), as a device that sends reports does.
    """

    def __init__(self, path: Path, *, packets: bool = False) -> None:
        self._path = path
        self._packets = packets
        self._ends: tuple[int, int] | None = None

    @property
    def path(self) -> Path:
        """What the agent's `path` setting names."""
        return self._path

    @property
    def plugged_in(self) -> bool:
        """Whether it is there."""
        return self._ends is not None

    def plug_in(self) -> None:
        """Make the FIFO. Twice is harmless."""
        if self._ends is not None:
            return
        os.mkfifo(self._path)
        # Held for reading too: opening for writing never waits then, and nothing sent before a reader comes is lost.
        held = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)
        ours = os.open(self._path, os.O_WRONLY)
        if self._packets:
            fcntl.fcntl(ours, fcntl.F_SETFL, os.O_DIRECT)
        self._ends = held, ours

    def unplug(self) -> None:
        """Take the device away: whoever reads sees it vanish, and `path` is gone. Twice is harmless."""
        if self._ends is None:
            return
        for end in self._ends:
            os.close(end)
        self._ends = None
        self._path.unlink()

    def send(self, data: bytes) -> None:
        """Send something; it waits in the kernel until it is read."""
        if self._ends is None:
            raise RuntimeError(f"{self._path} is not plugged in")
        os.write(self._ends[1], data)
