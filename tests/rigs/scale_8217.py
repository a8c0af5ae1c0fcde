"""A scale on a pty that is asked in Mettler Toledo 8217."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge.drivers.scale_8217 import DRIVER
from shelfwire.simulators.scale import SimulatedScale8217
from tests.rigs.rig import DriverCase, Rig


@asynccontextmanager
async def rig(folder: Path) -> AsyncIterator[Rig]:
    port = folder / "device"
    async with SimulatedScale8217(port) as scale:
        yield Rig(
            lambda: DRIVER.make_from({"port": str(port), "poll_ms": 50}),
            lambda: None,  # a scale speaks when it is asked
            scale.port.unplug,
            "weight",
        )


CASE = DriverCase(
    "scale-8217",
    {"port": "/dev/serial/by-id/y", "unit": "lb", "frame": "7E1", "poll_ms": 100},
    [("unit", "stone"), ("poll_ms", 1)],
    rig,
)
