"""A virtual reader behind a real pcscd."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge.drivers.nfc_reader import DRIVER
from shelfwire.simulators.card import SimulatedCard, ntag
from tests.integration.pcscd import READER, pcscd_in
from tests.rigs.rig import DriverCase, Rig


@asynccontextmanager
async def rig(folder: Path) -> AsyncIterator[Rig]:
    with pcscd_in(folder) as pcscd:
        await pcscd.start()
        async with SimulatedCard(pcscd.port) as place:
            taps: list[asyncio.Task[None]] = []

            def tap() -> None:
                taps.append(asyncio.create_task(place.tap(ntag(bytes.fromhex("04112233445566")))))

            yield Rig(lambda: DRIVER.make_from({"reader": READER}), tap, pcscd.kill, "cardtap", "no pcscd here")
            for one in taps:
                one.cancel()
            if taps:
                await asyncio.wait(taps)


CASE = DriverCase(
    "nfc-reader",
    {"reader": "ACR1252"},
    [("reader", "")],
    rig,
    (pytest.mark.needs_pcscd, pytest.mark.needs_root),
)
