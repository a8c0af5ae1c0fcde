"""A scanner on a pty."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge.drivers.serial_scanner import DRIVER
from shelfwire.simulators.scanner import SimulatedScanner
from tests.rigs.rig import DriverCase, Rig


@asynccontextmanager
async def rig(folder: Path) -> AsyncIterator[Rig]:
    port = folder / "device"
    async with SimulatedScanner(port) as scanner:
        yield Rig(
            lambda: DRIVER.make_from({"port": str(port)}),
            lambda: asyncio.ensure_future(scanner.scan("4006381333931")),
            scanner.port.unplug,
            "scan",
        )


CASE = DriverCase(
    "serial-scanner",
    {"port": "/dev/serial/by-id/x", "suffix": "crlf", "prefix": "%", "ack": "honeywell"},
    [("suffix", "crcr"), ("baud", 9601), ("frame", "9N1"), ("idle_ms", 0)],
    rig,
)
