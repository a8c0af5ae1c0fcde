"""Simulated scales on ptys, one for each driver that asks a scale for its weight."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from edge.drivers import scale_cas, scale_dialog06, scale_mtsics, scale_nci, scale_sasi, scale_sma
from edge.drivers.api import Driver
from shelfwire.simulators.scale_base import SimulatedScale
from shelfwire.simulators.scale_cas import SimulatedScaleCasAp1
from shelfwire.simulators.scale_dialog06 import SimulatedScaleDialog06
from shelfwire.simulators.scale_mtsics import SimulatedScaleMtSics
from shelfwire.simulators.scale_nci import SimulatedScaleNci
from shelfwire.simulators.scale_sasi import SimulatedScaleSasi
from shelfwire.simulators.scale_sma import SimulatedScaleSma
from tests.rigs.rig import DriverCase, Rig


def rig_of(
    driver: Driver[Any], simulator: Callable[[Path], SimulatedScale]
) -> Callable[[Path], AbstractAsyncContextManager[Rig]]:
    @asynccontextmanager
    async def rig(folder: Path) -> AsyncIterator[Rig]:
        port = folder / "device"
        async with simulator(port) as scale:
            yield Rig(
                lambda: driver.make_from({"port": str(port), "poll_ms": 50}),
                lambda: None,  # a scale speaks when it is asked
                scale.unplug,
                "weight",
            )

    return rig


PORT = {"port": "/dev/serial/by-id/y"}

CASES = [
    DriverCase(
        "scale-nci",
        {**PORT, "dialect": "scp12", "frame": "7E1", "poll_ms": 100},
        [("dialect", "scp13"), ("poll_ms", 1), ("baud", 9601)],
        rig_of(scale_nci.DRIVER, SimulatedScaleNci),
    ),
    DriverCase(
        "scale-sma",
        {**PORT, "finer_than_gram": "round", "answer_ms": 700},
        [("finer_than_gram", "drop"), ("answer_ms", 1)],
        rig_of(scale_sma.DRIVER, SimulatedScaleSma),
    ),
    DriverCase(
        "scale-mtsics",
        {**PORT, "finer_than_gram": "refuse", "frame": "8N1"},
        [("finer_than_gram", ""), ("frame", "9N1")],
        rig_of(scale_mtsics.DRIVER, SimulatedScaleMtSics),
    ),
    DriverCase("scale-sasi", {**PORT, "unit": "lb"}, [("unit", "g")], rig_of(scale_sasi.DRIVER, SimulatedScaleSasi)),
    DriverCase(
        "scale-cas",
        {**PORT, "dialect": "pd2", "unit": "lb", "places": 2},
        [("dialect", "ap2"), ("unit", "g"), ("places", 6), ("frame", "8X1")],
        rig_of(scale_cas.DRIVER, SimulatedScaleCasAp1),
    ),
    DriverCase(
        "scale-dialog06",
        {**PORT, "price": 1999, "unchanged_repeats": True},
        [("price", 0), ("price", 1_000_000), ("unchanged_repeats", "yes")],
        rig_of(scale_dialog06.DRIVER, SimulatedScaleDialog06),
    ),
]
