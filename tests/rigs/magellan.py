"""A scanner scale on a pty."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge.drivers.magellan import DRIVER
from shelfwire.simulators.magellan import SimulatedMagellan
from tests.rigs.rig import DriverCase, Rig


@asynccontextmanager
async def rig(folder: Path) -> AsyncIterator[Rig]:
    port = folder / "device"
    async with SimulatedMagellan(port) as magellan:
        yield Rig(
            lambda: DRIVER.make_from({"port": str(port), "poll_ms": 50}),
            lambda: None,  # its scale speaks when it is asked
            magellan.port.unplug,
            "weight",
        )


CASE = DriverCase(
    "magellan",
    {"port": "/dev/serial/by-id/y", "unit": "lb", "bcc": True, "beep": False, "poll_ms": 100},
    [("unit", "g"), ("poll_ms", 1), ("frame", "6O1")],
    rig,
)
