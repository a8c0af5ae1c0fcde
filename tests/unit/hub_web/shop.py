"""A small shop's hub for the tests of its web: the real store, filled as stations and HQ would fill it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from msgspec.structs import replace
from starlette.routing import Route
from starlette.types import ASGIApp

from hub.settings import WebSettings
from hub.store.reader_logs import LogCommit, station_log
from hub.store.store import HubStore
from hub.tokens import NO_TOKENS
from hub.web.app import make_app
from hub.web.enrolling import Enrolling
from hub.web.lookup import Shortcut
from hub.web.outside import Outside
from protocol.catalogue import CodeLink, Item, Price, PriceKind, Unit
from protocol.chain import Chapter, Position, extend
from protocol.events import (
    Anchor,
    Count,
    Delta,
    Mark,
    Reason,
    Reversal,
    StationEntry,
    When,
    encode_entry,
)
from protocol.handshake import Trouble
from protocol.identity import Epoch, StationId, StoreId
from protocol.replication.ports import Loss, ReaderState, Record, Slice
from protocol.state import CatalogueState, DeviceState, StationState, encode_state
from protocol.topics import Stream

NOON_US = 1_780_315_200_000_000
"""1 June 2026, 12:00 UTC."""
SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
MILK, APPLES, BREAD = "4006381333931", "5901234123457", "4012345678901"


@dataclass(frozen=True, slots=True)
class HqSays:
    """How the exchange with HQ stands."""

    connected: bool = True
    feed_backlog: int | None = 0
    journal_backlog: int | None = 0
    trouble: Trouble | None = None


@dataclass(slots=True)
class StationPen:
    """One station's stock log, as the hub reads it."""

    name: StationId
    epoch: Epoch
    state: ReaderState = field(default_factory=ReaderState)
    seq: int = 0
    digest: bytes = b""

    def __post_init__(self) -> None:
        self.digest = Chapter(self.epoch).origin().digest

    def read(self, lines: Sequence[bytes], losses: tuple[Loss, ...] = ()) -> LogCommit:
        """Give what a reader commits of these lines, the next of the log."""
        part = Slice(self.epoch, self.seq + 1, self.digest, tuple(lines))
        self.seq += len(lines)
        self.digest = extend(self.digest, lines)
        at = Position(self.epoch, self.seq, self.digest)
        self.state = ReaderState(at=at, records=(Record(at, 0),), generation=self.epoch.generation)
        return LogCommit(station_log(self.name, Stream.STOCK), (part,), self.state, losses)


class Shop:
    """The store, the clock, and what the rest of the hub would say; all of it to be set by a test."""

    def __init__(self, path: Path) -> None:
        self.now_us = NOON_US
        self.store = HubStore(path, StoreId("oak-street"), self._now)
        self.broker = True
        self.hq: HqSays | None = HqSays()
        self.contested: dict[str, tuple[int, ...]] = {}
        self.chosen: list[tuple[str, int]] = []
        self.stopping = asyncio.Event()
        self.tokens = NO_TOKENS
        self.enrolling: Enrolling | None = None
        self.releases: Path | None = None
        self._pens: dict[StationId, StationPen] = {}

    def _now(self) -> int:
        return self.now_us

    @property
    def outside(self) -> Outside:
        """What the composition root would hand in."""
        return Outside(
            store=StoreId("oak-street"),
            now_us=self._now,
            broker_connected=lambda: self.broker,
            hq=lambda: self.hq,
            contested=lambda: self.contested,
            choose=self._choose,
            stopping=self.stopping,
            tokens=lambda: self.tokens,
            enrolling=self.enrolling,
            releases=self.releases,
        )

    def app(self, settings: WebSettings | None = None) -> Shortcut:
        """Make the application."""
        return make_app(self.store, settings or WebSettings(), self.outside)

    async def _choose(self, log: str, incarnation: int) -> None:
        self.chosen.append((log, incarnation))
        del self.contested[log]

    def pen(self, station: str) -> StationPen:
        """Give a station's log."""
        name = StationId(station)
        return self._pens.setdefault(name, StationPen(name, Epoch(1, 0xABC0 + len(self._pens))))

    def when(self, ago_s: float = 0, *, boot: str = "b1") -> When:
        """A moment some seconds ago by a station's clock, which is right."""
        t_us = self.now_us - round(ago_s * SECOND_US)
        return When(boot, t_us - NOON_US + 86_400 * SECOND_US, t_us, True)

    async def arrive(self, station: str, *entries: StationEntry | bytes, losses: tuple[Loss, ...] = ()) -> None:
        """Let entries of a station be committed."""
        lines = [each if isinstance(each, bytes) else encode_entry(each) for each in entries]
        await self.store.commit([self.pen(station).read(lines, losses)])

    async def fold(self) -> None:
        """Book all that is committed."""
        for _ in range(100):
            if not (await self.store.fold_some(1000)).lag:
                return
        raise AssertionError("the fold never comes to its end")

    async def say(self, station: str, state: StationState) -> None:
        """Let a station say how it is."""
        await self.store.record_station_state(StationId(station), encode_state(state), self.now_us)

    async def current(self) -> CatalogueState:
        """The catalogue as a station that is up to date would report it."""
        head = self.store.catalogue.view.head
        totals = await self.store.totals()
        return CatalogueState(str(head.epoch), head.seq, totals.catalogue_rows, str(await self.store.catalogue_hash()))

    def sale(self, code: str, n: int = 1, ago_s: float = 0, **more: str) -> Delta:
        """A sale of some pieces."""
        return Delta(
            self.when(ago_s), "scanner-1", code, "]E0", -1000 * n, Reason.SALE, "shop", more.get("document"), 3
        )

    def count(self, code: str, n: int, ago_s: float = 0) -> Count:
        """A count that took five seconds."""
        when = self.when(ago_s)
        return Count(when, when.up_us - 5 * SECOND_US, "scanner-1", code, 1000 * n, "shop", "count-7", 3)

    def anchor(self, ago_s: float = 0) -> Anchor:
        """An exchange with the hub's clock that took 8 ms."""
        when = self.when(ago_s)
        return Anchor(when.boot, when.up_us - 4000, when.up_us + 4000, when.wall_us)

    async def stocked_with_milk(self) -> None:
        """Know of milk, and of nothing that happened to it."""
        await self.store.apply_catalogue([Item("milk-1l", "Whole milk 1 l"), CodeLink("04006381333931", "milk-1l")])

    async def stocked(self) -> None:
        """Fill the shop as an ordinary noon finds it: three stations, items of every sort, some trouble."""
        await self.store.apply_catalogue(
            [
                Item("milk-1l", "Whole milk 1 l"),
                CodeLink("04006381333931", "milk-1l"),
                Price("milk-1l", "r", PriceKind.REGULAR, 129, "EUR"),
                Item("apples", "Apples, Elstar", Unit.KG),
                CodeLink("05901234123457", "apples"),
                Price("apples", "r", PriceKind.REGULAR, 299, "EUR"),
                Item("bread", "Sourdough bread, 750 g"),
                CodeLink("04012345678901", "bread"),
                Price("bread", "r", PriceKind.REGULAR, 485, "EUR"),
            ]
        )
        await self.arrive("till-1", self.anchor(5000), self.count(MILK, 40, 4800), self.count(BREAD, 12, 4700))
        await self.arrive(
            "stockroom",
            self.anchor(5000),
            Delta(self.when(4200), "scanner-1", MILK, "]E0", 24000, Reason.RECEIPT, "shop", "delivery-118", 3),
            Delta(self.when(4100), "scanner-1", APPLES, "]E0", 18_500, Reason.RECEIPT, "shop", "delivery-118", 3),
        )
        await self.arrive(
            "till-1",
            self.sale(MILK, 2, 3000),
            self.sale(BREAD, 1, 2900),
            Delta(self.when(2800), "scale-1", APPLES, None, -1250, Reason.SALE, "shop", None, 3),
            self.sale(MILK, 1, 600),
            Reversal(self.when(590), "scanner-1", str(self.pen("till-1").epoch), 7),
            self.sale("5449000000996", 1, 60),
            Mark(self.when(5)),
        )
        await self.arrive("till-2", self.anchor(900), self.sale(BREAD, 14, 40), Mark(self.when(30)))
        await self.arrive("stockroom", self.anchor(900), Mark(self.when(20)))
        await self.fold()
        held = await self.current()
        ready = (DeviceState("scanner-1", "serial-scanner", "ready"), DeviceState("scale-1", "mt8217", "ready"))
        online = StationState("online", place="shop", standing="reading", catalogue=held)
        await self.say("till-1", replace(online, devices=ready))
        await self.say(
            "till-2",
            replace(
                online,
                backlog=132,
                catalogue=CatalogueState(held.epoch, held.seq - 1, held.rows - 1, "0" * 64),
                devices=(DeviceState("scanner-1", "serial-scanner", "absent", "no such file: /dev/ttyACM0"),),
            ),
        )
        await self.say("stockroom", replace(online, place="backroom"))


def addresses(application: FastAPI) -> list[tuple[str, str]]:
    """List methods and paths of all its routes but HEAD, which goes with GET."""
    found = [(each.methods or (), each.path) for each in iter_route_contexts(application.routes)]
    found += [(each.methods or (), each.path) for each in application.routes if isinstance(each, Route)]
    return sorted({(method, path) for methods, path in found for method in methods if path and method != "HEAD"})


@asynccontextmanager
async def called(app: ASGIApp, caller: str = "127.0.0.1", **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    """Call an application without a socket, as from an address."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(caller, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
        yield client


@asynccontextmanager
async def served(app: ASGIApp, stopping: asyncio.Event, port: int = 0) -> AsyncIterator[str]:
    """Serve an application on a free port of loopback (or that one), and give its address."""
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", port, log_config=None, lifespan="off", ws="none"))
    serving = asyncio.create_task(server.serve())
    try:
        await eventually(lambda: server.started or serving.done())
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        stopping.set()
        server.should_exit = True
        async with asyncio.timeout(60):
            await serving


async def eventually(holds: Callable[[], bool], within_s: float = 60) -> None:
    """Wait for a condition with a deadline: pages rest three times as long as they took, and machines may be busy."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - the condition is somebody else's, and has no event
            await asyncio.sleep(0.005)


def rows_of(document: Mapping[str, object], name: str) -> list[dict[str, object]]:
    """Take the list of objects out of a JSON document."""
    rows = document[name]
    assert isinstance(rows, list)
    return rows
