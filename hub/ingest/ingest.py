"""The hub's conversation with its stations over the store's broker: logs and states in, cursors and catalogue out.

What comes is taken in one loop that waits for no transaction, so that a scan shown live, or a frame of another station,
does not stand behind one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from functools import partial

import aiomqtt
from paho.mqtt.subscribeoptions import SubscribeOptions

from hub.catalogue.snapshot import snapshot_above
from hub.errors import BadInput as HubBadInput
from hub.errors import TryAgain
from hub.ingest.held_versions import HeldVersions
from hub.ingest.sightings import Sightings
from hub.store.changes import Changes
from hub.store.reader_logs import station_log
from hub.store.store import HubStore
from hub.store.views import Change, RecentEvent
from hub.wire.broker import Address, Broker, nonce, sender, stay_connected
from hub.wire.intake import IntakeDesk
from hub.wire.outbound import LogServer
from hub.wire.tls import TlsFiles
from protocol.errors import BadInput
from protocol.frames import decode_reader_message
from protocol.handshake import Trouble
from protocol.identity import StationId, StoreId
from protocol.replication.ports import ReaderState
from protocol.replication.reader_actions import OutOfReach
from protocol.serving import WholeState
from protocol.state import decode_state
from protocol.topics import Channel, StationTopic, StoreTopics, Stream, parse_station_topic

_log = logging.getLogger(__name__)


async def hear_stations(broker: Broker, topics: StoreTopics) -> None:
    """Subscribe to what stations say; of what the broker retained, to their states alone."""
    fresh = SubscribeOptions.RETAIN_DO_NOT_SEND
    for channel in (Channel.LOG, Channel.WANT):
        await broker.subscribe(topics.every_station(channel), options=SubscribeOptions(qos=1, retainHandling=fresh))
    await broker.subscribe(topics.every_station(Channel.STATE), qos=1)
    await broker.subscribe(topics.every_station(Channel.LIVE), options=SubscribeOptions(qos=0, retainHandling=fresh))


class Ingest:
    """Runs until cancelled; a lost connection is dialled again."""

    def __init__(
        self,
        store: HubStore,
        name: StoreId,
        host: str,
        port: int,
        now_us: Callable[[], int],
        whole_catalogue: WholeState,
        catalogue_rows: Callable[[], int],
        tls: TlsFiles | None = None,
    ) -> None:
        """`whole_catalogue` gives the live rows as a snapshot; `catalogue_rows` counts them."""
        self._store = store
        self._topics = StoreTopics(name)
        self._address = Address(host, port, f"hub-{name}", tls)
        self._now_us = now_us
        self._whole_catalogue = whole_catalogue
        self._catalogue_rows = catalogue_rows
        self._broker: Broker | None = None
        self._trouble: Trouble | None = None
        self.connections = 0
        """How often the broker was reached since the start."""
        self._servers: dict[StationId, LogServer] = {}
        self._serving: dict[StationId, asyncio.Task[None]] = {}
        self._states: dict[StationId, bytes] = {}
        self._stated = asyncio.Event()
        self._changes = Changes()
        self._held = HeldVersions(store, now_us)
        self.sightings = Sightings(self._read_so_far, now_us)
        self.desk = IntakeDesk(store, OutOfReach.RECORD_LOSS, nonce, now_us, self._respond)

    @property
    def connected(self) -> bool:
        """Whether the broker can be reached now."""
        return self._broker is not None

    @property
    def trouble(self) -> Trouble | None:
        """What stood between us and the broker at the last call; None: nothing did."""
        return self._trouble

    async def run(self) -> None:
        """Serve the stations for as long as the hub runs."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.desk.run())
            group.create_task(self._record_states())
            group.create_task(self._held.run())
            group.create_task(stay_connected(self._address, self._converse, self._note))

    async def may_say(self, topic: str) -> bool | None:
        """Ask the broker whether we may speak under a topic; None when it does not answer now."""
        try:
            return None if self._broker is None else await self._broker.may_say(topic)
        except aiomqtt.MqttError as error:
            _log.debug("broker not asked", extra={"error": str(error)})
            return None

    def _note(self, trouble: Trouble | None) -> None:
        self._trouble = trouble
        if trouble is None:
            self.connections += 1

    def uncounted(self, limit: int) -> tuple[RecentEvent, ...]:
        """Give the newest scans that stations have shown and their logs have not brought yet."""
        return self.sightings.uncounted(limit)

    def to_come(self) -> dict[StationId, int]:
        """Count the entries of their stock logs that stations told of since the hub's start and that are not here."""
        backlogs = self.desk.backlogs
        return {
            StationId(name[1]): backlog
            for log, backlog in backlogs.items()
            if (name := log.split("/"))[2] == Stream.STOCK
        }

    def changes(self) -> AsyncIterator[Change]:
        """Tell whenever a scan is shown live."""
        return self._changes.subscribe()

    async def _converse(self, broker: Broker) -> None:
        await hear_stations(broker, self._topics)
        self._broker = broker
        try:
            await self._tell_cursors()
            async for topic, payload in broker.heard():
                await self._route(topic, payload)
        finally:
            self._broker = None
            for task in self._serving.values():
                task.cancel()
            await asyncio.gather(*self._serving.values(), return_exceptions=True)
            self._serving.clear()

    async def _tell_cursors(self) -> None:
        """Say to every station known where the hub stands; and know again which logs have two live writers."""
        try:
            for row in await self._store.stations():
                for stream in Stream:
                    await self.desk.know(station_log(row.station, stream))
        except TryAgain as error:
            _log.error("cursors not told", extra={"error": str(error)})

    async def _route(self, text: str, payload: bytes) -> None:
        """Give a message to whoever it is for. What cannot be understood is told and dropped; its sender asks again."""
        try:
            _, topic = parse_station_topic(text)
            match topic.channel:
                case Channel.LOG if topic.stream is not None:
                    await self.desk.take(station_log(topic.station, topic.stream), payload)
                case Channel.WANT:
                    self._server(topic.station).hear(decode_reader_message(payload))
                case Channel.STATE:
                    await self._take_state(topic.station, payload)
                case Channel.LIVE:
                    if self.sightings.take(topic.station, payload):
                        self._changes.tell(Change(stations=True))
        except (BadInput, HubBadInput) as error:
            _log.warning("message refused", extra={"topic": text, "error": error.name, "detail": error.detail})
        except TryAgain as error:
            _log.error("message dropped", extra={"topic": text, "error": str(error)})

    async def _take_state(self, station: StationId, payload: bytes) -> None:
        state = decode_state(payload)
        self._states[station] = payload
        self._stated.set()
        if state.state == "online":
            # Retained, so it also comes when the hub returns: each log then hears at once where the hub stands, and
            # the station what the catalogue is.
            self._server(station)
            for stream in Stream:
                await self.desk.know(station_log(station, stream))

    async def _record_states(self) -> None:
        """Write down what stations say of themselves, of each the newest."""
        while True:
            await self._stated.wait()
            self._stated.clear()
            while self._states:
                station = next(iter(self._states))
                payload = self._states.pop(station)
                try:
                    await self._store.record_station_state(station, payload, self._now_us())
                except TryAgain as error:
                    # It is said again within half a minute.
                    _log.error("state not recorded", extra={"station": station, "error": str(error)})

    def _read_so_far(self, station: StationId) -> ReaderState | None:
        return self.desk.state(station_log(station, Stream.STOCK))

    def _server(self, station: StationId) -> LogServer:
        server = self._servers.get(station)
        if server is None:
            acked = partial(self._held.note, station)
            server = LogServer(self._store.catalogue, nonce, time.monotonic, self._whole_catalogue, acked)
            server.snapshot_above = lambda: snapshot_above(self._catalogue_rows())
            self._servers[station] = server
        task = self._serving.get(station)
        broker = self._broker
        if broker is not None and (task is None or task.done()):
            topic = self._topics.station(StationTopic(station, Channel.CATALOGUE))
            self._serving[station] = asyncio.create_task(server.serve_until_gone(sender(broker, topic)))
        return server

    def _respond(self, log: str, payload: bytes) -> None:
        _, station, stream = log.split("/")
        if self._broker is None:
            return
        topic = self._topics.station(StationTopic(StationId(station), Channel.CURSOR, Stream(stream)))
        try:
            self._broker.post(topic, payload)
        except aiomqtt.MqttError as error:
            # The connection's own loop ends on it too; the station's next hello is answered anew.
            _log.debug("cursor not sent", extra={"log": log, "error": str(error)})
