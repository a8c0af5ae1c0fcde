"""UHF readers on ptys: R200, Chainway, M6e."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from edge.drivers import rfid_chainway, rfid_m6e, rfid_r200
from edge.drivers.api import Device
from shelfwire.simulators.port import wait_until
from shelfwire.simulators.rfid_serial import SimulatedChainway, SimulatedM6e, SimulatedR200, SimulatedSerialReader
from tests.rigs.rig import DriverCase, Rig

EPC = bytes.fromhex("3034257bf7194e4000001a85")


def rig_of(
    simulator: Callable[[Path], SimulatedSerialReader], make: Callable[[dict[str, object]], Device]
) -> Callable[[Path], AbstractAsyncContextManager[Rig]]:
    @asynccontextmanager
    async def rig(folder: Path) -> AsyncIterator[Rig]:
        port = folder / "device"
        async with simulator(port) as reader:
            if isinstance(reader, SimulatedChainway):
                reader.connected = 0

            async def see() -> None:
                # Of these, some do not answer the request to read; an unplugged one never gets it.
                if await wait_until(lambda: reader.reading, 60):
                    await reader.see(EPC)

            yield Rig(
                lambda: make({"port": str(port)}),
                lambda: asyncio.ensure_future(see()),
                reader.unplug,
                "tagread",
            )

    return rig


PORT = {"port": "/dev/serial/by-id/x", "baud": 115200, "answer_ms": 2000, "idle_ms": 5000}
WRONG: list[tuple[str, object]] = [("baud", 9601), ("answer_ms", 1), ("idle_ms", 0)]

CASES = [
    DriverCase(
        "rfid-r200",
        {**PORT, "variant": "AA-DD"},
        [*WRONG, ("variant", "CC-00")],
        rig_of(SimulatedR200, rfid_r200.DRIVER.make_from),
    ),
    DriverCase(
        "rfid-chainway",
        {**PORT, "first_antenna": 0},
        [*WRONG, ("first_antenna", 2)],
        rig_of(SimulatedChainway, rfid_chainway.DRIVER.make_from),
    ),
    DriverCase(
        "rfid-m6e",
        {**PORT, "antennas": [1, 2], "region": "eu3"},
        [*WRONG, ("antennas", []), ("region", "mars")],
        rig_of(SimulatedM6e, rfid_m6e.DRIVER.make_from),
    ),
]
