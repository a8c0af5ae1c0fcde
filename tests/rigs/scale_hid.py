"""A USB HID scale on a FIFO, its kernel's answers beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge.drivers.scale_hid import ScaleHid, ScaleHidSettings
from shelfwire.simulators.hid import SimulatedHidScale
from tests.rigs.rig import DriverCase, Rig


@asynccontextmanager
async def rig(folder: Path) -> AsyncIterator[Rig]:
    async with SimulatedHidScale(folder / "hidraw0") as scale:
        yield Rig(
            lambda: ScaleHid(ScaleHidSettings(path=str(scale.path)), ioctl=scale.ioctl),
            lambda: scale.put(1250),
            scale.unplug,
            "weight",
        )


CASE = DriverCase(
    "scale-hid",
    {"path": "/dev/hidraw4", "first_is_stale": False, "silent_ms": 500},
    [("silent_ms", 1), ("first_is_stale", "yes")],
    rig,
)
