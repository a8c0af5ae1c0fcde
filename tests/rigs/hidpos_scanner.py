"""A scanner in HID-POS mode on a FIFO, its kernel's answers beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge.drivers.hidpos_scanner import HidPosScanner, HidPosScannerSettings
from shelfwire.simulators.hid import SimulatedHidPos
from tests.rigs.rig import DriverCase, Rig


@asynccontextmanager
async def rig(folder: Path) -> AsyncIterator[Rig]:
    async with SimulatedHidPos(folder / "hidraw0", asleep=True) as scanner:
        yield Rig(
            lambda: HidPosScanner(HidPosScannerSettings(path=str(scanner.path)), ioctl=scanner.ioctl),
            lambda: scanner.scan("4006381333931"),
            scanner.unplug,
            "scan",
        )


CASE = DriverCase(
    "hidpos-scanner",
    {"path": "/dev/hidraw3", "wake": "always", "encoding": "latin-1", "idle_ms": 100},
    [("wake", "please"), ("encoding", "ebcdic"), ("idle_ms", 1)],
    rig,
)
