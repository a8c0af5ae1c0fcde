"""Every dialect of scale with its driver and its simulator, and what is done to all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.codecs.readings import Reading, Weight, WeightState
from edge.drivers import (
    scale_8217,
    scale_cas,
    scale_dialog06,
    scale_mtsics,
    scale_nci,
    scale_sasi,
    scale_sma,
)
from edge.drivers.api import Device, Driver
from shelfwire.simulators.scale import SimulatedScale8217
from shelfwire.simulators.scale_base import SimulatedScale
from shelfwire.simulators.scale_cas import SimulatedScaleCasAp1, SimulatedScaleCasPd2
from shelfwire.simulators.scale_dialog06 import SimulatedScaleDialog06
from shelfwire.simulators.scale_mtsics import SimulatedScaleMtSics
from shelfwire.simulators.scale_nci import SimulatedScaleNci
from shelfwire.simulators.scale_sasi import SimulatedScaleSasi
from shelfwire.simulators.scale_sma import SimulatedScaleSma
from tests.integration.readings import DEADLINE_S


@dataclass(frozen=True)
class Kind:
    """A dialect: its driver and settings, and its simulator. `empty`: what an empty platter reads as."""

    driver: Driver[Any]
    simulator: Callable[[Path], SimulatedScale]
    settings: Mapping[str, object] = field(default_factory=dict)
    empty: WeightState = WeightState.ZERO


KINDS = {
    "8217": Kind(scale_8217.DRIVER, SimulatedScale8217),
    "scp01": Kind(scale_nci.DRIVER, SimulatedScaleNci),
    "scp02": Kind(scale_nci.DRIVER, lambda path: SimulatedScaleNci(path, dialect="scp02"), {"dialect": "scp02"}),
    "scp12": Kind(scale_nci.DRIVER, lambda path: SimulatedScaleNci(path, dialect="scp12"), {"dialect": "scp12"}),
    "sma": Kind(scale_sma.DRIVER, SimulatedScaleSma),
    "mtsics": Kind(scale_mtsics.DRIVER, SimulatedScaleMtSics),
    "sasi": Kind(scale_sasi.DRIVER, SimulatedScaleSasi),
    "ap1": Kind(scale_cas.DRIVER, SimulatedScaleCasAp1),
    "pd2": Kind(scale_cas.DRIVER, SimulatedScaleCasPd2, {"dialect": "pd2"}),
    "dialog06": Kind(scale_dialog06.DRIVER, SimulatedScaleDialog06, empty=WeightState.UNDER),
}


@asynccontextmanager
async def pair(folder: Path, kind: Kind, **settings: object) -> AsyncIterator[tuple[SimulatedScale, Device]]:
    """Have a scale and its driver's device, open."""
    async with kind.simulator(folder / "scale") as scale:
        table = {"port": str(scale.path), "poll_ms": 50, "answer_ms": 5000, **kind.settings, **settings}
        async with kind.driver.make_from(table) as device:
            yield scale, device


def spoil_frame(scale: SimulatedScale, how: Callable[[bytes], bytes]) -> None:
    """Spoil the next answer that is a frame; an acknowledgement before it is too short to be."""

    def spoil(reply: bytes) -> bytes:
        if len(reply) > 1:
            return how(reply)
        scale.spoil_next(spoil)
        return reply

    scale.spoil_next(spoil)


async def next_one(readings: AsyncIterator[Reading]) -> Reading:
    async with asyncio.timeout(DEADLINE_S):
        return await anext(readings)


async def next_weight(readings: AsyncIterator[Reading]) -> Weight:
    reading = await next_one(readings)
    assert isinstance(reading, Weight), reading
    return reading


async def settled(readings: AsyncIterator[Reading]) -> Weight:
    """Give the next weight; of a scale that does not say when it is at rest, the one that settles it."""
    first = await next_weight(readings)
    return first if first.state is not WeightState.MOTION else await next_weight(readings)
