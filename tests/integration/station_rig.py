"""A whole station in one process: real log, real drivers over ptys, three items, lights that remember."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from edge.buffer.api import BLOCK_ENTRIES, READ_BYTES, LogLimits, StationLog
from edge.buffer.memory_log import MemoryLog
from edge.buffer.sqlite_log import SqliteLog
from edge.catalogue.memory import MemoryCatalogue
from edge.clock import SystemClock, read_boot_id
from edge.drivers.feedback import MemoryFeedback
from edge.lookup import CatalogueLookup
from edge.runner.runner import Runner
from edge.runner.supervisor import Peripheral
from edge.station.anchoring import Anchoring
from edge.station.chatter import ChatterGate
from edge.station.config import StationConfig
from edge.station.station import Station
from protocol.cards import Mode
from protocol.catalogue import STORE, CatalogueRow, CodeLink, Item, Price, PriceKind, Unit, encode_row
from protocol.chain import Position
from protocol.codes import read_code
from protocol.events import StationEntry, decode_station_entry
from protocol.identity import DeviceId, Epoch, PlaceId
from protocol.replication.ports import ReaderState
from protocol.variable_measure import PLAIN, CodeRules
from shelfwire.simulators.port import wait_until

DEADLINE_S = 60.0
MILK, TEA, BANANAS, UNKNOWN = "4006381333931", "4012345678901", "2000000000008", "9780201379624"
BAD = "4006381333932"


def goods(code: str, item: str, name: str, unit: Unit, minor: int) -> list[CatalogueRow]:
    """The rows of an item that has one code and one price."""
    return [
        Item(item, name, unit),
        CodeLink(read_code(code, None).lookup, item),
        Price(item, "regular", PriceKind.REGULAR, minor, "EUR"),
    ]


ROWS = [
    *goods(MILK, "milk", "Milk 1 l", Unit.EACH, 119),
    *goods(TEA, "tea", "Tea", Unit.EACH, 249),
    *goods(BANANAS, "bananas", "Bananas", Unit.KG, 199),
]


async def stocked() -> MemoryCatalogue:
    """A catalogue with the three items, at seq 9."""
    catalogue = MemoryCatalogue()
    async with catalogue:
        state = ReaderState(at=Position(Epoch(1, 1), len(ROWS), bytes(32)), generation=1)
        await catalogue.apply(1, [encode_row(row) for row in ROWS], state)
    return catalogue


def make_log(kind: str, path: Path, limits: LogLimits | None = None) -> StationLog:
    """A log "on disk" or "in memory"."""

    def utc_us() -> int:
        return time.time_ns() // 1000

    def nonce() -> int:
        return secrets.randbits(64)

    if kind == "memory":
        return MemoryLog(clock=utc_us, nonce=nonce, limits=limits)
    return SqliteLog(path, clock=utc_us, nonce=nonce, limits=limits)


async def entries(log: StationLog) -> list[StationEntry]:
    """Everything in the log's newest epoch."""
    found: list[StationEntry] = []
    epoch = log.view.head.epoch
    while part := (await log.read(epoch, len(found) + 1, BLOCK_ENTRIES, READ_BYTES)).lines:
        found += [decode_station_entry(line) for line in part]
    return found


async def until(condition: Callable[[], object]) -> None:
    """Wait for what other tasks bring about, or fail."""
    assert await wait_until(lambda: bool(condition()), DEADLINE_S)


@dataclass
class StationRig:
    """The parts of a station and the means to start it, more than once if need be."""

    stock: StationLog
    chatter: StationLog
    mode: Mode = Mode.SALE
    weight_wait_us: int = 5_000_000
    idle_us: int | None = None
    dwell_us: Mapping[DeviceId, int] = field(default_factory=dict)
    mark_every_s: float = 60.0
    rules: CodeRules = PLAIN
    peripherals: Sequence[Peripheral] = ()
    feedback: MemoryFeedback = field(default_factory=MemoryFeedback)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[Runner]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.stock)
            await stack.enter_async_context(self.chatter)
            catalogue = await stack.enter_async_context(await stocked())
            clock = SystemClock(read_boot_id())
            anchoring = Anchoring(clock.boot)
            config = StationConfig(
                place=PlaceId("shop"),
                mode=self.mode,
                scopes=(STORE,),
                weight_wait_us=self.weight_wait_us,
                idle_us=self.idle_us,
                dwell_us=self.dwell_us,
            )
            yield await stack.enter_async_context(
                Runner(
                    Station(config),
                    self.stock,
                    self.chatter,
                    clock,
                    CatalogueLookup(catalogue, anchoring.utc_us, self.rules),
                    self.peripherals,
                    self.feedback,
                    ChatterGate(per_s=100),
                    anchoring,
                    has_lights=True,
                    mark_every_s=self.mark_every_s,
                )
            )
