"""A whole store as it runs in a shop: mosquitto, the hub and stations, each a process of its own, on loopback.

Beyond 300 lines because one class holds what all measurements of real processes share.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import aiomqtt
import httpx
from paho.mqtt.client import Client, MQTTMessage

from bench import shop
from bench.floors import bare_client, connect
from hub.app import DATABASE
from hub.store.folded import times_before
from hub.store.reader_logs import load_state, station_log
from hub.store.sqlite_file import on_sqlite
from hub.wire.broker import Address, Broker
from protocol.chain import Position
from protocol.frames import decode_reader_message
from protocol.identity import StationId, StoreId
from protocol.replication.messages import Cursor
from protocol.topics import Channel, StationTopic, StoreTopics, Stream
from shelfwire.demo.brokers import broker_command
from shelfwire.demo.ports import free_ports
from shelfwire.demo.processes import Process, Supervisor

READY_S = 60.0
_SYS = "$SYS/broker/bytes/received"
_COMMAND = (sys.executable, "-m", "shelfwire.cli")


class Store:
    """`async with` starts the brokers, the store's and head office's, and leaves nothing running in the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.supervisor = Supervisor(folder)
        self.topics = StoreTopics(StoreId(shop.STORE))
        self.port, self.hq_port, web_port = free_ports(3)
        self.broker = self._broker("broker", self.port)
        self._hq_broker = self._broker("hq-broker", self.hq_port)
        self.page = f"http://127.0.0.1:{web_port}"
        """Where the hub's page is."""
        self.hub_data = folder / "hub"
        self._hub_toml = folder / "hub.toml"
        self._hub_toml.write_text(
            f'store = "{shop.STORE}"\ncurrency = "EUR"\ndata_dir = "hub"\n'
            f'[broker]\nhost = "127.0.0.1"\nport = {self.port}\n[hq]\nhost = "127.0.0.1"\nport = {self.hq_port}\n'
            f'[web]\nhost = "127.0.0.1"\nport = {web_port}\n'
        )
        self.hub = self.supervisor.add("hub", (*_COMMAND, "hub", "run", "--config", str(self._hub_toml)))

    async def __aenter__(self) -> Self:
        try:
            for process, port in ((self.broker, self.port), (self._hq_broker, self.hq_port)):
                await process.start()
                await until(f"{process.name} to answer", partial(_answers, port), process)
        except BaseException:
            await self.supervisor.stop_all()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.supervisor.stop_all()

    async def import_catalogue(self, file: Path) -> float:
        """Bring a file into the stopped hub's store by the command a shop would use; give the seconds it took."""
        began = time.perf_counter()
        command = (*_COMMAND, "hub", "import", "--config", str(self._hub_toml), str(file))
        importing = self.supervisor.add("import", command)
        await importing.start()
        while importing.alive:  # noqa: ASYNC110  (a child has no event to wait for here)
            await asyncio.sleep(0.01)
        taken = time.perf_counter() - began
        await importing.stop()
        if "0 lines refused" not in importing.tail():
            raise RuntimeError(f"import failed: {importing.tail()}")
        return taken

    async def start_hub(self) -> None:
        """Start the hub and wait until it is connected."""
        await self.hub.start()

        async def connected() -> bool:
            # To the store's broker and to head office's.
            return self.hub.tail(50).count('"broker connected"') == 2

        await until("the hub to connect", connected, self.hub)

    def station(self, name: str, scanner: Path | None = None) -> Station:
        """Make a station, not started; `scanner` is the port of a scanner that waits for ACK or NAK."""
        folder = self.folder / name
        folder.mkdir()
        config = folder / "edge.toml"
        device = "" if scanner is None else _SCANNER.format(port=json.dumps(str(scanner)))
        config.write_text(
            f'store = "{shop.STORE}"\nstation = "{name}"\nplace = "{shop.PLACE}"\ndata_dir = "data"\n'
            f'[hub]\nhost = "127.0.0.1"\nport = {self.port}\n[api]\nport = 0\n{device}'
        )
        process = self.supervisor.add(name, (*_COMMAND, "edge", "run", "--config", str(config)))
        return Station(StationId(name), folder / "data", process)

    def topic(self, station: StationId, channel: Channel) -> str:
        """Name a topic of a station; of the log and the cursor, that of its stock."""
        stream = Stream.STOCK if channel in (Channel.LOG, Channel.CURSOR) else None
        return self.topics.station(StationTopic(station, channel, stream))

    def listening(self, *topics: str) -> Bystander:
        """Hear what passes the broker on some topics."""
        return Bystander(self.port, topics)

    async def bytes_taken(self) -> int:
        """Ask the broker how many bytes it has received, as of the last second."""
        async with self.listening(_SYS) as bystander:
            # The retained value is up to a second old; the one after it is not.
            await bystander.hear()
            return int((await bystander.hear()).payload)

    def books(self) -> tuple[int, int]:
        """Read from the hub's file how many stock entries are committed, and how many of these are folded."""
        file = f"{(self.hub_data / DATABASE).absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(file, uri=True)
        try:
            committed, folded = connection.execute(
                "SELECT coalesce(sum(committed), 0), coalesce(sum(folded), 0) FROM log WHERE folds AND name LIKE 's/%'"
            ).fetchone()
            return committed, folded
        finally:
            connection.close()

    def read_so_far(self, station: StationId) -> Position | None:
        """Read from the hub's file how far it holds a station's stock log, with the chain over the lines it took."""
        file = f"{(self.hub_data / DATABASE).absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(file, uri=True)) as connection:
            return load_state(on_sqlite(connection), station_log(station, Stream.STOCK)).at

    async def sold(self, station: StationId, count: int, within_s: float = READY_S) -> list[int]:
        """Wait until the hub has folded a station's log; give the seqs of its last `count` movements."""

        async def folded() -> bool:
            committed, folded = self.books()
            return committed == folded

        await until("the hub to have folded all", folded, self.hub, within_s)
        file = f"{(self.hub_data / DATABASE).absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(file, uri=True)) as connection:
            epochs = connection.execute(
                "SELECT epoch.id FROM epoch JOIN log ON log.id = epoch.log WHERE log.name = ? ORDER BY epoch.id DESC",
                (f"s/{station}/{Stream.STOCK}",),
            ).fetchall()
            sql = on_sqlite(connection)
            newest = (seq for (epoch,) in epochs for seq, _, _ in times_before(sql, epoch, 1 << 62))
            return list(islice(newest, count))[::-1]

    def _broker(self, name: str, port: int) -> Process:
        config = self.folder / f"{name}.conf"
        told = broker_command("mosquitto", port, config)
        config.write_text(f"{told.config}sys_interval 1\n")
        return self.supervisor.add(name, told.command)


_SCANNER = """\
[devices.scanner]
driver = "serial-scanner"
port = {port}
ack = "honeywell"
"""


@dataclass(slots=True)
class Station:
    """A station's process. `api` is where its local API is, once started."""

    name: StationId
    data: Path
    process: Process
    api: str = ""

    @property
    def pid(self) -> int:
        """Its process id."""
        pid = self.process.pid
        assert pid is not None, self.process.tail()
        return pid

    async def start(self) -> float:
        """Start it and wait until it takes scans; give the seconds that took."""
        told = self.process.log.stat().st_size if self.process.log.exists() else 0
        began = time.perf_counter()
        await self.process.start()

        async def ready() -> bool:
            with self.process.log.open() as log:
                log.seek(told)
                for line in log:
                    if line.startswith('{"event":"ready"') and line.endswith("\n"):
                        self.api = json.loads(line)["api"]
                        return True
            return False

        await until(f"{self.name} to be ready", ready, self.process, look_every_s=0.002)
        return time.perf_counter() - began

    async def unacked(self) -> int:
        """Ask its local API how many entries are not known to be at the hub."""
        async with httpx.AsyncClient(trust_env=False) as client:
            health = (await client.get(f"{self.api}/v1/health")).raise_for_status().json()
            unacked: int = health["stock"]["unacked"]
            return unacked


class Heard(NamedTuple):
    """A message: when it came (`time.perf_counter`), its topic and payload."""

    at: float
    topic: str
    payload: bytes


class Bystander:
    """A bare client that notes when messages come, in paho's thread: the event loop may be busy then."""

    def __init__(self, port: int, topics: Sequence[str]) -> None:
        self._port = port
        self._topics = topics
        self._client = bare_client()
        self._inbox: asyncio.Queue[Heard] = asyncio.Queue()
        self._subscribed = threading.Event()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()

        def note(client: Client, userdata: object, message: MQTTMessage) -> None:
            heard = Heard(time.perf_counter(), message.topic, bytes(message.payload))
            loop.call_soon_threadsafe(self._inbox.put_nowait, heard)

        self._client.on_message = note
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        connect(self._client, self._port)
        self._client.subscribe([(topic, 0) for topic in self._topics])
        if not await asyncio.to_thread(self._subscribed.wait, READY_S):
            raise TimeoutError("no SUBACK")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    async def hear(self) -> Heard:
        """Wait for the next message."""
        return await self._inbox.get()


async def until(
    what: str,
    condition: Callable[[], Awaitable[bool]],
    process: Process,
    timeout_s: float = READY_S,
    look_every_s: float = 0.02,
) -> None:
    """Ask a condition until it holds. Raises `TimeoutError` with what the process last said, or `ProcessDied`."""
    deadline = time.monotonic() + timeout_s
    while not await condition():
        process.check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s:.0f} s for {what}: {process.tail()}")
        await asyncio.sleep(look_every_s)


async def _answers(port: int) -> bool:
    try:
        async with Broker(Address("127.0.0.1", port, "are-you-there")):
            return True
    except (aiomqtt.MqttError, OSError):
        return False


def seq_of(payload: bytes) -> int | None:
    """Give the seq that a payload of a cursor or want topic covers, None if it is no cursor or covers nothing."""
    message = decode_reader_message(payload)
    return message.at.seq if isinstance(message, Cursor) and message.at is not None else None


def reaches(payload: bytes, seq: int) -> bool:
    """Say whether a payload of a cursor or want topic is a cursor that covers `seq`."""
    return (seq_of(payload) or -1) >= seq
