"""The demo's store: two brokers, a hub, three stations and head office, built in one folder and started in order."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import aiomqtt
import httpx

from hub.wire.broker import Address, Broker
from protocol.cards import Mode
from protocol.identity import StoreId
from shelfwire.demo.brokers import BrokerCommand, BrokerKind, broker_command
from shelfwire.demo.ports import free_ports, is_free
from shelfwire.demo.post import Post, PostPlan
from shelfwire.demo.processes import Process, Supervisor
from shelfwire.demo.waiting import wait_for
from shelfwire.demo.witnesses import HubWitness, StationWitness, Unreachable
from shelfwire.simulators.hq import SimulatedHq

STORE = StoreId("corner-shop")
AREA = "shop"
READY_S = 20.0

TILL = PostPlan("till-1", Mode.SALE, has_scale=True)
SHELF = PostPlan("shelf-1", Mode.PRICE_CHECK, has_scale=False)
BAY = PostPlan("bay-1", Mode.RECEIVE, has_scale=True)
PLANS = (TILL, SHELF, BAY)


@dataclass(frozen=True, slots=True)
class ShopPlan:
    """Where the shop keeps everything, and on which port its page is wanted; `broker` None takes what is there."""

    folder: Path
    web_port: int
    broker: BrokerKind | None


class Shop:
    """All parts of the store. `async with` builds and starts nothing but HQ and the hardware; `open` starts the rest.

    Leaving it stops whatever runs, in any state.
    """

    def __init__(self, plan: ShopPlan) -> None:
        self._plan = plan
        self._stack = AsyncExitStack()
        self.supervisor = Supervisor(plan.folder)
        store_port, hq_port, *rest = free_ports(2 + len(PLANS) + 1)
        self.web_port = plan.web_port if is_free(plan.web_port) else rest.pop()
        self._client = httpx.AsyncClient(trust_env=False)
        self.broker, self.broker_kind = self._add_broker("broker", store_port)
        self.hq_broker, _ = self._add_broker("hq-broker", hq_port)
        self.hub = self.supervisor.add("hub", self._command("hub", self._hub_toml(store_port, hq_port)))
        self.hub_witness = HubWitness(self._client, f"http://127.0.0.1:{self.web_port}")
        self.posts = tuple(self._post(one, port, store_port) for one, port in zip(PLANS, rest, strict=False))
        self.hq = SimulatedHq("127.0.0.1", hq_port, STORE)
        self._broker_ports = {self.broker: store_port, self.hq_broker: hq_port}

    @property
    def till(self) -> Post:
        """The till."""
        return self.posts[0]

    @property
    def shelf(self) -> Post:
        """The shelf counter."""
        return self.posts[1]

    @property
    def bay(self) -> Post:
        """The receiving bay."""
        return self.posts[2]

    @property
    def page(self) -> str:
        """Where the hub's page is."""
        return self.hub_witness.url

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._client)
        await self._stack.enter_async_context(self.supervisor)
        await self._stack.enter_async_context(self.hq)
        for post in self.posts:
            await self._stack.enter_async_context(post)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def start_broker(self, broker: Process) -> None:
        """Start a broker and wait until it takes connections. Raises `DeadlineMissed`, `ProcessDied`."""
        await broker.start()
        address = Address("127.0.0.1", self._broker_ports[broker], "are-you-there")

        async def answers() -> bool:
            broker.check()
            try:
                async with Broker(address):
                    return True
            except (aiomqtt.MqttError, OSError):
                return False

        await wait_for(f"{broker.name} to take connections", answers, READY_S, broker.tail)

    async def start_hub(self) -> None:
        """Start the hub and wait until it answers. Raises `DeadlineMissed`, `ProcessDied`."""
        await self.hub.start()

        async def answers() -> bool:
            self.hub.check()
            try:
                await self.hub_witness.stations()
            except Unreachable:
                return False
            return True

        await wait_for("the hub to answer", answers, READY_S, self.hub.tail)

    def _add_broker(self, name: str, port: int) -> tuple[Process, BrokerKind]:
        config = self._plan.folder / f"{name}.conf"
        told: BrokerCommand = broker_command(self._plan.broker, port, config)
        if told.kind == "iotcore":
            # It tells the format by the ending.
            config = config.with_suffix(".toml")
            told = broker_command(self._plan.broker, port, config)
        config.write_text(told.config)
        return self.supervisor.add(name, told.command), told.kind

    def _post(self, plan: PostPlan, port: int, broker_port: int) -> Post:
        folder = self._plan.folder / plan.station
        folder.mkdir()
        config = folder / "edge.toml"
        config.write_text(_edge_toml(plan, folder, port, broker_port))
        process = self.supervisor.add(plan.station, self._command("edge", config))
        return Post(plan, folder, process, StationWitness(self._client, f"http://127.0.0.1:{port}"))

    def _hub_toml(self, store_port: int, hq_port: int) -> Path:
        config = self._plan.folder / "hub.toml"
        config.write_text(_hub_toml(store_port, hq_port, self.web_port))
        return config

    @staticmethod
    def _command(part: str, config: Path) -> tuple[str, ...]:
        return (sys.executable, "-m", "shelfwire.cli", part, "run", "--config", str(config))


def _hub_toml(store_port: int, hq_port: int, web_port: int) -> str:
    return f"""\
store = "{STORE}"
data_dir = "hub"

[broker]
host = "127.0.0.1"
port = {store_port}

[hq]
host = "127.0.0.1"
port = {hq_port}

[web]
host = "127.0.0.1"
port = {web_port}
"""


def _edge_toml(plan: PostPlan, folder: Path, api_port: int, broker_port: int) -> str:
    text = f"""\
store = "{STORE}"
station = "{plan.station}"
place = "{AREA}"
mode = "{plan.mode}"
data_dir = "data"

[hub]
host = "127.0.0.1"
port = {broker_port}

[api]
port = {api_port}

[devices.scanner]
driver = "serial-scanner"
port = "{folder / "scanner"}"
ack = "honeywell"
"""
    if plan.has_scale:
        text += f"""
[devices.scale]
driver = "scale-8217"
port = "{folder / "scale"}"
poll_ms = 100
"""
    return text
