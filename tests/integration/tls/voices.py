"""A bare MQTT client with any certificate and any bad manners, and what came of what it tried."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from tests.integration.tls.papers import Paper

LONG_S = 60.0
V5, V311 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311


@dataclass(frozen=True, slots=True)
class Heard:
    """A message that reached somebody."""

    topic: str
    payload: bytes
    retained: bool = False


class NotLetIn(Exception):
    """No session came about."""


def context(ca: Path, paper: Paper | None) -> ssl.SSLContext:
    """What a client of our own makes of these files."""
    made = ssl.create_default_context(cafile=str(ca))
    if paper is not None:
        made.load_cert_chain(paper.chain, paper.key)
    return made


class Voice:
    """`with` connects it. Raises `NotLetIn`."""

    def __init__(
        self,
        port: int,
        tls: ssl.SSLContext | None,
        client: str = "anybody",
        *,
        protocol: MQTTProtocolVersion = V5,
        user: str | None = None,
        will: str | None = None,
        keepalive_s: int = 30,
    ) -> None:
        self._port, self._keepalive_s = port, keepalive_s
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=client, protocol=protocol, reconnect_on_failure=False
        )
        if tls is not None:
            self._client.tls_set_context(tls)
        if user is not None:
            self._client.username_pw_set(user, "secret")
        if will is not None:
            self._client.will_set(will, b"last words", qos=1, retain=True)
        self.heard: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        self.gone = threading.Event()
        self._answers: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._client.on_connect = lambda *told: self._answers.put(told[3].value)
        self._client.on_subscribe = lambda *told: self._answers.put(told[3][0].value)
        self._client.on_publish = self._published
        self._client.on_message = self._hear
        self._client.on_disconnect = lambda *_: self._end()

    def __enter__(self) -> Self:
        try:
            self._client.connect("127.0.0.1", self._port, self._keepalive_s)
        except OSError as error:
            raise NotLetIn(str(error)) from error
        self._client.loop_start()
        answer = self._answer()
        if answer != 0:
            self._client.loop_stop()
            raise NotLetIn(f"reason {answer}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False) -> int:
        """Say something; give the reason code of the answer, 0x80 and above: not delivered; -1: thrown out."""
        self._client.publish(topic, payload, qos, retain)
        return self._answer()

    def subscribe(self, topic: str) -> int:
        """Ask to hear something; give the reason code of the answer, or -1: thrown out."""
        self._client.subscribe(topic, qos=1)
        return self._answer()

    def vanish(self) -> None:
        """Go without a word, as one whose power was cut: its will is then said."""
        sock = self._client.socket()
        assert isinstance(sock, socket.socket)
        sock.shutdown(socket.SHUT_RDWR)

    def _answer(self) -> int:
        try:
            return self._answers.get(timeout=LONG_S)
        except queue.Empty:
            raise AssertionError("no answer, and not thrown out either") from None

    def _published(self, client: Client, userdata: Any, mid: int, reason: ReasonCode, properties: Any) -> None:
        self._answers.put(reason.value)

    def _hear(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        self.heard.put(Heard(message.topic, bytes(message.payload), message.retain))

    def _end(self) -> None:
        self.gone.set()
        self._answers.put(-1)
