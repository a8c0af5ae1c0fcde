"""A reader that streams its reads as JSON over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge.drivers.rfid_json import DRIVER
from shelfwire.simulators.port import wait_until
from shelfwire.simulators.rfid_json import SimulatedStream, impinj
from tests.rigs.rig import DriverCase, Rig

EPC = bytes.fromhex("3034257bf7194e4000001a85")


@asynccontextmanager
async def rig(folder: Path) -> AsyncIterator[Rig]:
    async with SimulatedStream() as reader:

        async def see() -> None:
            # The answer begins before the reader counts whoever asked among its listeners.
            if await wait_until(lambda: reader.listeners > 0, 60):
                await reader.say(impinj(EPC))

        yield Rig(
            lambda: DRIVER.make_from({"url": reader.url}),
            lambda: asyncio.ensure_future(see()),
            reader.switch_off,
            "tagread",
            "Connection refused",
        )


CASE = DriverCase(
    "rfid-json",
    {"url": "mqtt://broker:1883", "topic": "readers/door", "user": "station", "connect_ms": 2000},
    [("url", "ftp://reader"), ("url", "http://"), ("url", "mqtt://u:p@broker"), ("topic", ""), ("connect_ms", 1)],
    rig,
)
