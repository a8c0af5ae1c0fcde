"""An RFID reader on TCP that speaks LLRP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge.drivers.rfid_llrp import DRIVER
from shelfwire.simulators.llrp import SimulatedLlrpReader
from shelfwire.simulators.llrp_speech import tag
from tests.rigs.rig import DriverCase, Rig

TAG = tag(bytes.fromhex("3034257bf7194e4000001a85"), 1)


@asynccontextmanager
async def rig(folder: Path) -> AsyncIterator[Rig]:
    async with SimulatedLlrpReader() as reader:
        reader.antennas.clear()
        yield Rig(
            lambda: DRIVER.make_from({"host": "127.0.0.1", "port": reader.port, "keepalive_ms": 200}),
            lambda: asyncio.ensure_future(reader.see(TAG)),
            reader.switch_off,
            "tagread",
            "Connection refused",
        )


CASE = DriverCase(
    "rfid-llrp",
    {"host": "reader-1", "port": 5084, "antennas": [1, 2], "session": 1, "report_every": 10},
    [("port", 0), ("antennas", "all"), ("session", 4), ("report_every", 0), ("keepalive_ms", 1)],
    rig,
)
