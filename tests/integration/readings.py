"""Waiting for what a device says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from edge.codecs.readings import Reading
from edge.drivers.api import Device

DEADLINE_S = 60


async def next_of(readings: AsyncIterator[Reading]) -> Reading:
    async with asyncio.timeout(DEADLINE_S):
        return await anext(readings)


async def collect(device: Device, count: int) -> list[Reading]:
    readings: list[Reading] = []
    async with asyncio.timeout(DEADLINE_S):
        async for reading in device.readings():
            readings.append(reading)
            if len(readings) == count:
                break
    return readings
