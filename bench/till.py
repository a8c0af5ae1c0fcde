"""A till in this process, whole but for its cables: rules, runner and both logs on one simulated disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.workbench import nonce, utc_us
from edge.buffer.api import LogLimits
from edge.buffer.sqlite_log import SqliteLog
from edge.catalogue.memory import MemoryCatalogue
from edge.clock import SystemClock, read_boot_id
from edge.codecs.readings import Reading, TagRead, Weight, WeightState
from edge.drivers.api import Device, Health, Status
from edge.drivers.feedback import MemoryFeedback
from edge.lookup import CatalogueLookup
from edge.presence.rules import Antenna, Rules, Zone
from edge.runner.runner import Runner
from edge.runner.supervisor import Peripheral
from edge.station.anchoring import Anchoring
from edge.station.chatter import ChatterGate
from edge.station.config import StationConfig
from edge.station.station import Station
from protocol.cards import Mode
from protocol.catalogue import STORE, CatalogueRow, CodeLink, Item, Unit, encode_row
from protocol.chain import Position
from protocol.codes import read_code
from protocol.identity import DeviceId, Epoch, PlaceId
from protocol.replication.ports import ReaderState
from protocol.variable_measure import PLAIN
from shelfwire.simulators.disk import Disk
from shelfwire.turns import take_short_turns

MILK = "4006381333931"
READER, SCALE = DeviceId("reader"), DeviceId("scale")
DOOR = Rules((Zone("door", (Antenna(READER, 1),)),))


@dataclass(frozen=True, slots=True)
class Till:
    """What is measured: the runner, its logs, and the disk under both."""

    runner: Runner
    stock: SqliteLog
    chatter: SqliteLog
    disk: Disk
    feedback: MemoryFeedback


class Restless:
    """A device that says one thing after another, `per_s` of them in a second, in bursts as a reader's reports are."""

    def __init__(self, readings: Iterator[Reading], per_s: int, bursts_per_s: int = 20) -> None:
        self._readings = readings
        self._each = per_s // bursts_per_s
        self._pause_s = 1 / bursts_per_s

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def readings(self) -> AsyncIterator[Reading]:
        """Say it all."""
        loop = asyncio.get_running_loop()
        at = loop.time()
        while True:
            for _ in range(self._each):
                yield next(self._readings)
            at += self._pause_s
            await asyncio.sleep(max(0.0, at - loop.time()))

    async def acknowledge(self, accepted: bool) -> None:
        """It is not told."""

    def health(self) -> Health:
        """It is always well."""
        return Health(Status.READY)


def portal(per_s: int, arrivals_per_s: int) -> Device:
    """An RFID reader at a door: `per_s` reads of 200 tags, of which some are new in each second."""

    def reads() -> Iterator[Reading]:
        for number in count():
            epc = number * arrivals_per_s // per_s + number % 200
            yield TagRead((0xE2 << 88 | epc).to_bytes(12, "big"), 1, -5500, None)

    return Restless(reads(), per_s)


def unsteady_scale(per_s: int) -> Device:
    """A scale that never comes to rest."""
    return Restless((Weight(1000 + number % 500, WeightState.STABLE, False, b"") for number in count()), per_s)


@asynccontextmanager
async def till(
    folder: Path,
    disk: Disk,
    devices: Sequence[Peripheral] = (),
    chatter_per_s: float = 10,
    mark_every_s: float = 60.0,
    reserve_bytes: int = 1 << 20,
) -> AsyncIterator[Till]:
    """Open a till whose logs lie in `folder`, as the agent does, and close it."""
    take_short_turns()
    limits = LogLimits(reserve_bytes=reserve_bytes)
    stock = SqliteLog(folder / "stock.db", clock=utc_us, nonce=nonce, limits=limits, vfs=disk.name)
    chatter = SqliteLog(folder / "chatter.db", clock=utc_us, nonce=nonce, vfs=disk.name)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(stock)
        await stack.enter_async_context(chatter)
        catalogue = await stack.enter_async_context(await _stocked())
        clock = SystemClock(read_boot_id())
        feedback = MemoryFeedback()
        anchoring = Anchoring(clock.boot)
        runner = Runner(
            Station(StationConfig(place=PlaceId("shop"), mode=Mode.SALE, scopes=(STORE,))),
            stock,
            chatter,
            clock,
            CatalogueLookup(catalogue, anchoring.utc_us, PLAIN),
            devices,
            feedback,
            ChatterGate(chatter_per_s),
            anchoring,
            presence=DOOR if any(one.id == READER for one in devices) else Rules(()),
            mark_every_s=mark_every_s,
        )
        await stack.enter_async_context(runner)
        yield Till(runner, stock, chatter, disk, feedback)


async def _stocked() -> MemoryCatalogue:
    rows: list[CatalogueRow] = [Item("milk", "Milk", Unit.EACH), CodeLink(read_code(MILK, None).lookup, "milk")]
    catalogue = MemoryCatalogue()
    async with catalogue:
        at = ReaderState(at=Position(Epoch(1, 1), len(rows), bytes(32)), generation=1)
        await catalogue.apply(1, [encode_row(row) for row in rows], at)
    return catalogue
