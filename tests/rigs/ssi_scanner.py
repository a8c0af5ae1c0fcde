"""A Zebra scanner on a pty."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge.drivers.ssi_scanner import DRIVER
from shelfwire.simulators.ssi import SimulatedSsiScanner
from tests.rigs.rig import DriverCase, Rig


@asynccontextmanager
async def rig(folder: Path) -> AsyncIterator[Rig]:
    port = folder / "device"
    speaking: set[asyncio.Task[bool | None]] = set()
    async with SimulatedSsiScanner(port, patience_s=0.2) as scanner:

        def speak() -> None:
            speaking.add(asyncio.ensure_future(scanner.scan(b"4006381333931")))

        yield Rig(lambda: DRIVER.make_from({"port": str(port)}), speak, scanner.port.unplug, "scan")
        for task in speaking:
            task.cancel()
        await asyncio.gather(*speaking, return_exceptions=True)


CASE = DriverCase(
    "ssi-scanner",
    {"port": "/dev/serial/by-id/x", "multipacket": "end", "ack": False},
    [("multipacket", "some"), ("baud", 9601), ("frame", "9N1"), ("idle_ms", 0)],
    rig,
)
