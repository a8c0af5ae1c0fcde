"""The station's connection to the store's broker: MQTT 5, TCP_NODELAY, clean start, a last will.

Built on aiomqtt. Three things are added. Publishing does not wait for the PUBACK: the log is the queue and only the
hub's cursor acknowledges, so a window of frames must be able to be under way. `written` waits for the link instead, so
that on a slow one nothing gathers here, and a live scan goes out before most of a backlog. And a PUBACK with a reason
code of 128 or more (MQTT 5, section 3.4.2.1: not authorised, quota exceeded, ...), which aiomqtt drops, is told: what
it answers was *not delivered*.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Self

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.client import DisconnectFlags, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.uplink.tls import WireContext
from protocol.handshake import Trouble

KEEPALIVE_S = 15
IN_FLIGHT = 200
"""QoS 1 messages paho sends before it queues; above the frames that both streams may have under way."""
UNSENT_BYTES = 128 * 1024
"""As much as the kernel takes from us beyond what is on its way (tcp(7), TCP_NOTSENT_LOWAT)."""
_TCP_NOTSENT_LOWAT = 25
FIRST_FAILURE = 128
NOT_AUTHORIZED = 0x87


class NotReached(aiomqtt.MqttError):
    """No connection came about, because of `trouble`."""

    def __init__(self, trouble: Trouble, error: Exception) -> None:
        super().__init__(f"{trouble}: {error}")
        self.trouble = trouble


class Broker(aiomqtt.Client):
    """One connection: `async with` opens it, `heard` yields what comes, `post` sends without waiting."""

    def __init__(
        self,
        host: str,
        port: int,
        name: str,
        will: aiomqtt.Will,
        denied: Callable[[ReasonCode], None],
        tls: WireContext | None = None,
    ) -> None:
        """`name` is the MQTT client name; `denied` is told the reason of each publish the broker did not take."""
        super().__init__(
            host,
            port,
            identifier=name,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=True,
            keepalive=KEEPALIVE_S,
            will=will,
            timeout=10,
            max_inflight_messages=IN_FLIGHT,
            tls_context=tls,
            socket_options=[
                (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
                (socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, UNSENT_BYTES),
            ],
        )
        self._denied = denied
        self._tls = tls
        self._inbox: asyncio.Queue[tuple[str, bytes] | None] = asyncio.Queue()
        self._flushed = asyncio.Event()
        self._flushed.set()

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
        self._client.on_socket_unregister_write = self._all_written
        self._disconnected.add_done_callback(lambda _: self._end())
        return self

    async def heard(self) -> AsyncIterator[tuple[str, bytes]]:
        """Yield topics and payloads, in the order they came. Raises `aiomqtt.MqttError` when the connection goes."""
        while (message := await self._inbox.get()) is not None:
            yield message
        raise aiomqtt.MqttError("disconnected")

    def post(self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False) -> None:
        """Send without waiting for the PUBACK. Raises `aiomqtt.MqttError` if the connection is gone."""
        info = self._client.publish(topic, payload, qos, retain)
        if info.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_QUEUE_SIZE):
            raise aiomqtt.MqttCodeError(info.rc, "could not publish")
        self._client.loop_write()

    async def written(self) -> None:
        """Wait until the kernel has taken all that was posted, or the connection is gone."""
        await self._flushed.wait()

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

    def _want_to_write(self, client: PahoClient, userdata: object, sock: Any) -> None:
        self._flushed.clear()
        self._loop.add_writer(sock.fileno(), client.loop_write)

    def _all_written(self, client: PahoClient, userdata: object, sock: Any) -> None:
        self._loop.remove_writer(sock.fileno())
        self._flushed.set()

    def _end(self) -> None:
        self._inbox.put_nowait(None)
        self._flushed.set()

    def _on_publish(
        self, client: PahoClient, userdata: Any, mid: int, reason_code: ReasonCode, properties: Properties
    ) -> None:
        if reason_code.value >= FIRST_FAILURE:
            self._denied(reason_code)
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
