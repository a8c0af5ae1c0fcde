"""A whole shop on loopback, every part a process of its own as in production: mosquitto, hub, stations; and HQ."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from protocol.catalogue import CatalogueRow, CodeLink, Item, Price, PriceKind, Unit
from protocol.codes import read_code
from protocol.events import Delta
from protocol.identity import StoreId
from shelfwire.demo.brokers import broker_command
from shelfwire.demo.ports import free_ports
from shelfwire.demo.processes import Process, ProcessDied, Supervisor
from shelfwire.simulators.hq import SimulatedHq
from tests.integration.store.hub_process import STORE, HubProcess
from tests.integration.store.people import Person, durable
from tests.integration.store.station_process import StationProcess
from tests.integration.store.waiting import until

UP_S = 90.0
CAUGHT_UP_S = 150.0
"""More than the 30 s after which an idle station greets its hub."""

CODES = {
    "4006381333931": "milk",
    "4012345678901": "tea",
    "5000112637922": "cola",
    "7622210449283": "biscuits",
    "8076809513753": "pasta",
}
PRICE_MINOR = 119


def goods(code: str, item: str, minor: int = PRICE_MINOR) -> list[CatalogueRow]:
    """The rows of an item that has one code and one price."""
    return [
        Item(item, item.title(), Unit.EACH),
        CodeLink(read_code(code, None).lookup, item),
        Price(item, "regular", PriceKind.REGULAR, minor, "EUR"),
    ]


ROWS: Sequence[CatalogueRow] = [row for code, item in CODES.items() for row in goods(code, item)]


class Shop:
    """One shop. `async with` opens the parts that do not run by themselves and ends all that do."""

    def __init__(
        self,
        folder: Path,
        stations: Mapping[str, str],
        detours: Mapping[str, int] | None = None,
        *,
        store: str = STORE,
    ) -> None:
        """`stations`: their names and modes. `detours`: ports at which some of them, or "hub", look for the broker."""
        self._detours = detours or {}
        self.folder = folder
        self.store = store
        logs = folder / "logs"
        logs.mkdir()
        broker_port, hq_port, web_port, *api_ports = free_ports(3 + len(stations))
        self.broker_port, self.hq_broker_port = broker_port, hq_port
        self.supervisor = Supervisor(logs)
        self.broker = self._mosquitto("broker", broker_port)
        self.hq_broker = self._mosquitto("hq-broker", hq_port)
        self._broker_ports = {self.broker.name: broker_port, self.hq_broker.name: hq_port}
        self.hub = HubProcess(self.supervisor, folder, self._broker_for("hub"), hq_port, web_port, store=store)
        self.stations = {
            name: StationProcess(self.supervisor, folder, name, mode, self._broker_for(name), port, store=store)
            for (name, mode), port in zip(stations.items(), api_ports, strict=True)
        }
        self.hq = SimulatedHq("127.0.0.1", hq_port, StoreId(store))
        self._starting: set[Process] = set()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.supervisor)
        self._stack.push_async_callback(self.hub.aclose)
        for station in self.stations.values():
            await self._stack.enter_async_context(station)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def open(self, rows: Sequence[CatalogueRow] = ROWS) -> None:
        """Start everything and wait until every till has the catalogue."""
        for process in (self.broker, self.hq_broker, self.hub.process):
            await self.start(process)
        for station in self.stations.values():
            await self.start(station.process)
        await self._stack.enter_async_context(self.hq)
        await self.hq.write(rows)
        await self.until_up()
        await self.until_same_catalogue()

    async def add(self, name: str, mode: str, called: str | None = None) -> StationProcess:
        """Put up one more station, not started yet."""
        (port,) = free_ports(1)
        broker = self._broker_for(name)
        station = StationProcess(
            self.supervisor, self.folder, name, mode, broker, port, called=called, store=self.store
        )
        self.stations[name] = station
        return await self._stack.enter_async_context(station)

    async def start(self, process: Process) -> None:
        """Begin a life of a process; a broker listens when this returns."""
        self._starting.add(process)
        try:
            await process.start()
        finally:
            self._starting.discard(process)
        port = self._broker_ports.get(process.name)
        if port is not None:
            await self.until(f"{process.name} to listen", partial(_listens, port), UP_S)

    async def until_up(self) -> None:
        """Wait until the hub answers and every running station takes scans."""
        await self.until("the hub to answer", self.hub.up, UP_S)
        for station in self.stations.values():
            if station.process.alive:
                await self.until(f"{station.name} to take scans", station.up, UP_S)

    async def until(
        self, what: str, condition: Callable[[], Awaitable[str | None]], timeout_s: float = CAUGHT_UP_S
    ) -> None:
        """Wait for a condition (`waiting.until`); a part that cannot be asked now means *not yet*.

        Fails at once, as on a missed deadline with all logs, when a process ended that nobody had ended.
        """

        async def asked() -> str | None:
            try:
                self._check()
            except ProcessDied as error:
                raise AssertionError(f"while waiting for {what}: {error}\n{self.logs()}") from error
            try:
                return await condition()
            except httpx.HTTPError as error:
                return repr(error)

        await until(what, asked, timeout_s, self.logs)

    def _broker_for(self, name: str) -> int:
        return self._detours.get(name, self.broker_port)

    def _check(self) -> None:
        """Raise `ProcessDied` if a process ended by itself. One that is being started still shows its last end."""
        for process in self.supervisor.processes:
            if process not in self._starting:
                process.check()

    def logs(self) -> str:
        """The end of every process's log."""
        return "\n".join(f"--- {p.name}, life {p.lives}\n{p.tail(25)}" for p in self.supervisor.processes)

    # What must come about

    async def until_caught_up(self, stations: Iterable[StationProcess] | None = None) -> None:
        """Wait until the hub has folded all that the (idle) stations hold, and they know it."""
        for station in list(stations or self.stations.values()):
            await self.until(f"{station.name} caught up", partial(self._caught_up, station))

    async def until_stock(self, expected: Mapping[str, int]) -> None:
        """Wait until the hub's books and HQ's twin of them say so many milli-units on hand, exactly."""

        async def is_told() -> str | None:
            at_hub = {item: milli for item, milli in (await self.hub.stock()).items() if milli}
            at_hq: Counter[str] = Counter()
            for (item, _), milli in self.hq.stock().items():
                at_hq[item] += milli
            known = {item: milli for item, milli in at_hq.items() if milli}
            wanted = {item: milli for item, milli in expected.items() if milli}
            if at_hub == wanted == known:
                return None
            return f"hub {at_hub}, HQ {known}, HQ is {self.hq.figures}"

        await self.until(f"stock {dict(expected)}", is_told)

    async def until_same_catalogue(self) -> None:
        """Wait until the hub and every running station hold HQ's catalogue, by its hash."""

        async def same() -> str | None:
            wanted = str(self.hq.catalogue_hash)
            held = {"hub": await self.hub.catalogue_hash()}
            for station in self.stations.values():
                if station.process.alive:
                    catalogue = (await station.health()).catalogue
                    held[station.name] = "nothing" if catalogue is None else catalogue.set_hash
            return None if set(held.values()) == {wanted} else f"{held}, wanted {wanted}"

        await self.until("the same catalogue everywhere", same)

    async def _caught_up(self, station: StationProcess) -> str | None:
        log = (await station.health()).stock
        row = (await self.hub.stations()).get(station.station)
        if row is None:
            return "the hub never heard of it"
        at_hub, at_station = (row.epoch, row.seq), (log.epoch, log.head)
        if at_hub == at_station and log.unacked == 0 and row.folded == row.committed:
            return None
        return f"station {at_station}, {log.unacked} unacked; hub {at_hub}, {row.folded} of {row.committed} folded"

    def _mosquitto(self, name: str, port: int) -> Process:
        config = self.folder / f"{name}.conf"
        command = broker_command("mosquitto", port, config)
        config.write_text(command.config)
        return self.supervisor.add(name, command.command)


async def _listens(port: int) -> str | None:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError as error:
        return str(error)
    writer.close()
    await writer.wait_closed()
    return None


def tally(moves: Iterable[Delta]) -> Counter[str]:
    """Add up movements by item, in milli-units."""
    found: Counter[str] = Counter()
    for move in moves:
        found[CODES[move.code]] += move.qty_milli
    return found


async def tally_of(people: Iterable[Person]) -> Counter[str]:
    """Hold every station's log against its person, and add up what is durable. The agents must not run."""
    found: Counter[str] = Counter()
    for person in people:
        log = await person.station.log()
        found.update(tally(durable(person.acts, log.entries).values()))
    return found
