"""The hub's connection to a broker, the store's or HQ's: MQTT 5, TCP_NODELAY, clean start.

Built on aiomqtt. `post` does not wait for the PUBACK, which proves nothing: acknowledgement is the cursor's matter. But
a PUBACK with a reason code of 128 or more (MQTT 5, section 3.4.2.1), which aiomqtt drops, means *not delivered* and is
told. What was heard and not yet taken is bounded: beyond that the socket is not read, and the broker keeps the rest.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.client import DisconnectFlags, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from hub.wire.tls import NoIdentity, TlsFiles, WireContext, wire_context
from protocol.handshake import Trouble

RETRY_S = 1.0
KEEPALIVE_S = 15
IN_FLIGHT = 500
FIRST_FAILURE = 128
ANSWER_S = 10.0
HEARD_BYTES = 32 * 1024 * 1024
"""As much may wait to be taken before the socket is left alone; twice the credit that stations are given together."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker is, and the name this hub goes by there; `tls` None: it is spoken to in the clear."""

    host: str
    port: int
    client: str
    tls: TlsFiles | None = None


class NotReached(aiomqtt.MqttError):
    """No connection came about, because of `trouble`."""

    def __init__(self, trouble: Trouble, error: Exception) -> None:
        super().__init__(f"{trouble}: {error}")
        self.trouble = trouble


class Broker(aiomqtt.Client):
    """One connection: `async with` opens it, `heard` yields what comes, `post` sends without waiting."""

    def __init__(self, address: Address, tls: WireContext | None = None) -> None:
        super().__init__(
            address.host,
            address.port,
            identifier=address.client,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=True,
            keepalive=KEEPALIVE_S,
            timeout=10,
            max_inflight_messages=IN_FLIGHT,
            tls_context=tls,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )
        self._tls = tls
        self._inbox: asyncio.Queue[tuple[str, bytes] | None] = asyncio.Queue()
        self._heard_bytes = 0
        self._deaf: int | None = None
        self._asked: dict[int, asyncio.Future[int]] = {}

    async def __aenter__(self) -> Self:
        """Connect. Raises `NotReached`."""
        try:
            await super().__aenter__()
        except MqttConnectError as error:
            raise NotReached(Trouble.NOT_LET_IN, error) from error
        except aiomqtt.MqttError as error:
            raise NotReached((self._tls and self._tls.trouble) or Trouble.NOT_REACHED, error) from error
        # From here on paho is used in the loop's thread only, so neither messages nor writes need aiomqtt's detours: a
        # task for each message, and the self-pipe for each packet sent, which a scan would wait for four times.
        self._client.on_message = self._hear
        self._client.on_socket_register_write = self._want_to_write
        self._disconnected.add_done_callback(lambda _: self._inbox.put_nowait(None))
        return self

    async def heard(self) -> AsyncIterator[tuple[str, bytes]]:
        """Yield topics and payloads, in the order they came. Raises `aiomqtt.MqttError` when the connection goes."""
        while (message := await self._inbox.get()) is not None:
            self._heard_bytes -= len(message[1])
            if self._deaf is not None and self._heard_bytes < HEARD_BYTES // 2:
                self._listen()
            yield message
        raise aiomqtt.MqttError("disconnected")

    def post(self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False) -> None:
        """Send without waiting for the PUBACK. Raises `aiomqtt.MqttError` if the connection is gone."""
        info = self._client.publish(topic, payload, qos, retain)
        if info.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_QUEUE_SIZE):
            raise aiomqtt.MqttCodeError(info.rc, "could not publish")
        self._client.loop_write()

    async def may_say(self, topic: str) -> bool:
        """Say nothing under a topic, and tell whether the broker let us. Raises `aiomqtt.MqttError`."""
        info = self._client.publish(topic, b"", 1)
        self._client.loop_write()
        answered: asyncio.Future[int] = self._loop.create_future()
        self._asked[info.mid] = answered
        try:
            async with asyncio.timeout(ANSWER_S):
                return await answered < FIRST_FAILURE
        except TimeoutError as error:
            raise aiomqtt.MqttError("no answer to a publish") from error
        finally:
            del self._asked[info.mid]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect, if still connected."""
        await super().__aexit__(kind, error, trace)
        if self._disconnected.done():
            # aiomqtt keeps why the connection went; whoever used it has been told, asyncio need not tell again.
            self._disconnected.exception()

    def _hear(self, client: PahoClient, userdata: object, message: MQTTMessage) -> None:
        self._inbox.put_nowait((message.topic, bytes(message.payload)))
        self._heard_bytes += len(message.payload)
        sock = client.socket()
        if self._heard_bytes > HEARD_BYTES and self._deaf is None and sock is not None:
            self._deaf = sock.fileno()
            self._loop.remove_reader(self._deaf)

    def _listen(self) -> None:
        sock, deaf = self._client.socket(), self._deaf
        self._deaf = None
        if sock is not None and deaf is not None and sock.fileno() == deaf:
            self._loop.add_reader(deaf, self._read)

    def _read(self) -> None:
        try:
            self._client.loop_read()
            # What TLS has deciphered makes no socket readable.
            while self._deaf is None and isinstance(sock := self._client.socket(), ssl.SSLSocket) and sock.pending():
                self._client.loop_read()
        except OSError as error:
            if not self._disconnected.done():
                self._disconnected.set_exception(error)

    def _want_to_write(self, client: PahoClient, userdata: object, sock: Any) -> None:
        self._loop.add_writer(sock.fileno(), client.loop_write)

    def _on_publish(
        self, client: PahoClient, userdata: Any, mid: int, reason_code: ReasonCode, properties: Properties
    ) -> None:
        asked = self._asked.get(mid)
        if asked is not None and not asked.done():
            asked.set_result(reason_code.value)
        elif reason_code.value >= FIRST_FAILURE:
            _log.error("broker refuses to deliver", extra={"reason": str(reason_code)})
        super()._on_publish(client, userdata, mid, reason_code, properties)

    def _on_disconnect(
        self,
        client: PahoClient,
        userdata: Any,
        flags: DisconnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        if not self._connected.done():
            # A broker that refuses our certificate closes instead of answering; aiomqtt would wait for the answer.
            self._connected.set_exception(aiomqtt.MqttError("closed by the broker before it answered"))
        super()._on_disconnect(client, userdata, flags, reason_code, properties)


async def stay_connected(
    address: Address,
    converse: Callable[[Broker], Awaitable[None]],
    note: Callable[[Trouble | None], None] = lambda _: None,
) -> None:
    """Connect, converse, and dial again whenever the connection goes; until cancelled. Logs each change once.

    `note` is told what stands between us and the broker after each call, None when nothing does.
    """
    where = {"host": address.host, "port": address.port}
    known: Trouble | None = None
    while True:
        try:
            async with await _broker(address) as broker:
                _log.info("broker connected", extra=where)
                note(None)
                known = None
                await converse(broker)
        except (NotReached, NoIdentity) as error:
            found = error.trouble
            if found is not known:
                _log.warning("broker not reachable", extra={**where, "trouble": found.value, "error": str(error)})
            known = found
            note(found)
        except (aiomqtt.MqttError, OSError) as error:
            _log.warning("broker connection lost", extra={**where, "error": str(error)})
        await asyncio.sleep(RETRY_S * (0.5 + secrets.randbelow(1000) / 1000))


async def _broker(address: Address) -> Broker:
    # For each connection anew: the certificate may have been renewed.
    return Broker(address, None if address.tls is None else await asyncio.to_thread(wire_context, address.tls))


def sender(broker: Broker, topic: str) -> Callable[[bytes], Awaitable[None]]:
    """Give a way to post to one topic that lets others have their turn after each payload."""

    async def send(payload: bytes) -> None:
        broker.post(topic, payload)
        await asyncio.sleep(0)

    return send


def nonce() -> int:
    """Draw 64 random bits."""
    return secrets.randbits(64)
