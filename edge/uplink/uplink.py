"""The station's one conversation with its hub: connects, retries, and routes what comes to those who wait for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode

from edge.buffer.api import StationLog
from edge.catalogue.api import Catalogue
from edge.clock import Clock
from edge.uplink.broker import NOT_AUTHORIZED, Broker, NotReached
from edge.uplink.follower import CatalogueFollower
from edge.uplink.live import LiveView
from edge.uplink.patience import Patience
from edge.uplink.refusals import Refusals, Tell
from edge.uplink.stream import OnAnchor, StreamPump
from edge.uplink.tls import NoIdentity, TlsFiles, wire_context
from protocol.errors import BadInput
from protocol.frames import decode_reader_message
from protocol.handshake import Trouble
from protocol.identity import StationId, StoreId
from protocol.state import OFFLINE, CatalogueState, StationState, encode_state
from protocol.topics import Channel, StationTopic, StoreTopics, Stream, parse_station_topic

STATE_EVERY_S = 20.0
STATE_APART_S = 1.0
"""However much changes, a station does not speak of itself more often."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UplinkSettings:
    """Who we are, and where the store's broker is; `tls` None: it is spoken to in the clear."""

    store: StoreId
    station: StationId
    host: str
    port: int
    tls: TlsFiles | None = None


@dataclass(frozen=True, slots=True)
class Drained:
    """How the two streams stand: entries not known to be at the hub, and the stock stream's standing."""

    stock: int
    chatter: int
    standing: str


class Uplink:
    """Runs until cancelled; only it retries the network."""

    def __init__(
        self,
        settings: UplinkSettings,
        stock: StationLog,
        chatter: StationLog,
        replica: Catalogue,
        clock: Clock,
        on_anchor: OnAnchor,
        health: Callable[[Drained, CatalogueState | None], StationState],
    ) -> None:
        """`health` describes the station from how its streams stand and which catalogue it holds."""
        self._settings = settings
        self._topics = StoreTopics(settings.store)
        self._replica = replica
        self._health = health
        self._changed = asyncio.Event()
        self._pumps = {
            Stream.STOCK: StreamPump(stock, _nonce, clock, on_anchor, self._changed.set),
            Stream.CHATTER: StreamPump(chatter, _nonce, clock, None, self._changed.set),
        }
        self._live = LiveView(stock, self._pumps[Stream.STOCK])
        self._follower = CatalogueFollower(replica, _nonce, self._changed.set)
        self._connected = False
        self._trouble: Trouble | None = None
        self._refusals = Refusals()
        self._forbidden = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether the broker can be reached now."""
        return self._connected

    @property
    def trouble(self) -> Trouble | None:
        """What stood between us and the broker at the last call; None: nothing did."""
        return self._trouble

    @property
    def drained(self) -> Drained:
        """How the streams stand."""
        stock, chatter = self._pumps[Stream.STOCK], self._pumps[Stream.CHATTER]
        return Drained(stock.backlog, chatter.backlog, stock.standing.name.lower())

    def speak(self) -> None:
        """Tell the hub how the station is, for that has changed."""
        self._changed.set()

    async def run(self) -> None:
        """Connect, serve, and begin again when the connection goes, more patiently each time it fails at once."""
        patience = Patience()
        now_s = asyncio.get_running_loop().time
        while True:
            connected_s: float | None = None
            try:
                async with await self._broker() as broker:
                    if self._trouble is not Trouble.NOT_PERMITTED:
                        self._trouble = None
                    if not self._refusals.waits(now_s()):
                        _log.info("hub connected", extra={"host": self._settings.host, "port": self._settings.port})
                    connected_s = now_s()
                    await self._converse(broker)
            except (NotReached, NoIdentity) as error:
                if error.trouble is not self._trouble:
                    _log.warning("hub not reachable", extra={"trouble": error.trouble.value, "error": str(error)})
                self._trouble = error.trouble
            except (aiomqtt.MqttError, OSError) as error:
                if not self._refusals.waits(now_s()):
                    _log.warning("hub connection lost", extra={"error": str(error)})
            wait_s = patience.wait_s(0.0 if connected_s is None else now_s() - connected_s)
            # Spread over half the wait, so that fifty stations do not return in the same instant.
            await asyncio.sleep(wait_s * (0.5 + secrets.randbelow(1000) / 2000))

    async def _broker(self) -> Broker:
        settings = self._settings
        # For each connection anew: the certificate may have been renewed.
        tls = None if settings.tls is None else await asyncio.to_thread(wire_context, settings.tls)
        will = aiomqtt.Will(self._topic(Channel.STATE), encode_state(OFFLINE), qos=1, retain=True)
        return Broker(settings.host, settings.port, settings.station, will, self._note_denied, tls)

    async def _converse(self, broker: Broker) -> None:
        """Everything that goes on over one connection; the first failure ends it all."""
        every_stream = self._topics.station(StationTopic(self._settings.station, Channel.CURSOR, Stream.STOCK))
        await broker.subscribe(every_stream.removesuffix(Stream.STOCK) + "+", qos=1)
        await broker.subscribe(self._topic(Channel.CATALOGUE), qos=1)
        self._connected = True
        try:
            async with _first_failure() as start:
                start(self._route(broker))
                for stream, pump in self._pumps.items():
                    start(pump.drain(self._sender(broker, self._topic(Channel.LOG, stream))))
                want = self._topic(Channel.WANT)
                start(self._follower.follow(lambda payload: broker.post(want, payload)))
                live = self._topic(Channel.LIVE)
                start(self._live.show(lambda payload: broker.post(live, payload, qos=0)))
                start(self._tell(broker))
                start(self._until_forbidden())
        except asyncio.CancelledError:
            broker.post(self._topic(Channel.STATE), encode_state(OFFLINE), retain=True)
            raise
        finally:
            self._connected = False

    async def _route(self, broker: Broker) -> None:
        async for text, payload in broker.heard():
            # Who hears the hub was heard by it.
            self._trouble = None
            self._refusals.heard()
            try:
                _, topic = parse_station_topic(text)
                if topic.channel is Channel.CATALOGUE:
                    self._follower.hear(payload)
                elif topic.channel is Channel.CURSOR and topic.stream is not None:
                    self._pumps[topic.stream].hear(decode_reader_message(payload))
            except BadInput as error:
                _log.warning("hub message refused", extra={"topic": text, "error": error.name})

    async def _until_forbidden(self) -> None:
        """End a conversation in which we are not heard, and begin another: what we said first must be said again."""
        self._forbidden.clear()
        await self._forbidden.wait()
        raise aiomqtt.MqttError("the broker delivers nothing of ours")

    async def _tell(self, broker: Broker) -> None:
        """Say how the station is: at once, from time to time, and not long after something changed."""
        while True:
            self._changed.clear()
            state = self._health(self.drained, self._held())
            broker.post(self._topic(Channel.STATE), encode_state(state), retain=True)
            await asyncio.sleep(STATE_APART_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STATE_EVERY_S):
                    await self._changed.wait()

    def _held(self) -> CatalogueState | None:
        at = self._replica.position
        if at is None:
            return None
        return CatalogueState(str(at.epoch), at.seq, self._replica.count, str(self._replica.set_hash))

    def _sender(self, broker: Broker, topic: str) -> Callable[[bytes], Awaitable[None]]:
        async def send(payload: bytes) -> None:
            broker.post(topic, payload)
            # One turn of the loop for each frame, so that a backlog does not keep scans and cursors waiting.
            await asyncio.sleep(0)
            await broker.written()

        return send

    def _note_denied(self, reason: ReasonCode) -> None:
        permission = reason.value == NOT_AUTHORIZED
        if permission:
            self._trouble = Trouble.NOT_PERMITTED
            self._forbidden.set()
        match self._refusals.refused(asyncio.get_running_loop().time(), permission=permission):
            case Tell.WAITS:
                _log.info("waiting for the broker to learn of this station")
            case Tell.REFUSED:
                extra = {"reason": str(reason), "times": self._refusals.count}
                _log.error("broker refuses to deliver", extra=extra)
            case Tell.NOTHING:
                pass

    def _topic(self, channel: Channel, stream: Stream | None = None) -> str:
        return self._topics.station(StationTopic(self._settings.station, channel, stream))


@contextlib.asynccontextmanager
async def _first_failure() -> AsyncIterator[Callable[[Awaitable[None]], object]]:
    """Run what is started until the first of it ends or fails; raise that failure itself, not a group of it."""
    try:
        async with asyncio.TaskGroup() as group:
            yield lambda job: group.create_task(_must_not_end(job))
    except* (aiomqtt.MqttError, OSError) as failures:
        raise failures.exceptions[0] from None


async def _must_not_end(job: Awaitable[None]) -> None:
    await job
    raise aiomqtt.MqttError("the conversation ended")


def _nonce() -> int:
    return secrets.randbits(64)
