"""Till software that sells all the time through a station's local API, and keeps a list of what it was answered."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import msgspec

from edge.api.goods import ScanAnswer
from protocol.identity import Epoch, StationId
from tests.integration.store.shop import CODES
from tests.integration.store.station_process import StationProcess

PAUSE_S = 0.015
AGAIN_S = 0.1
_CODES = tuple(CODES)


@dataclass(frozen=True, slots=True)
class Answered:
    """A scan that was answered: durable, and where in the log. No two scans of a shop have the same `pieces`."""

    station: StationId
    epoch: Epoch
    seq: int
    pieces: int


class Till:
    """Asks for `number`, `number` + 100, ... pieces, so that every scan can be told from every other of the shop."""

    def __init__(self, station: StationProcess, number: int) -> None:
        self.station = station
        self.answered: list[Answered] = []
        self.asked: set[int] = set()
        """The pieces of every scan, whatever came of it."""
        self._pieces = itertools.count(number, 100)

    async def scan(self) -> bool:
        """Scan once; say whether it was answered."""
        pieces = next(self._pieces)
        self.asked.add(pieces)
        code = _CODES[pieces // 100 % len(_CODES)]
        try:
            response = await self.station.api.post("/v1/scan", json={"code": code, "qty_milli": pieces * 1000})
            response.raise_for_status()
        except httpx.HTTPError:
            return False
        entry = msgspec.json.decode(response.content, type=ScanAnswer).entry
        assert entry is not None, response.text
        self.answered.append(Answered(self.station.station, Epoch.parse(entry.epoch), entry.seq, pieces))
        return True

    async def scans(self, times: int) -> None:
        """Scan so often; all must be answered."""
        for _ in range(times):
            assert await self.scan(), f"{self.station.name} does not take scans"

    async def work(self, until: asyncio.Event) -> None:
        """Scan until it is time to stop."""
        while not until.is_set():
            pause_s = PAUSE_S if await self.scan() else AGAIN_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await until.wait()


@asynccontextmanager
async def selling(tills: Iterable[Till]) -> AsyncIterator[None]:
    """Have tills sell while the context lasts."""
    done = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for till in tills:
            group.create_task(till.work(done), name=f"till at {till.station.name}")
        try:
            yield
        finally:
            done.set()
