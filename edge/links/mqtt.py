"""What is published on a topic of a broker, as a byte pipe: each message is one line."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiomqtt

from edge.errors import HardwareAbsent
from edge.links.pumped import PumpedLink
from edge.links.tls import client_context

WAITING_MESSAGES = 1000
"""Messages held for whoever takes them, here and once more in aiomqtt; those that come on top of both are lost."""
FIRST_FAILURE = 128
"""Reason codes from here on refuse (MQTT 5, section 2.4)."""
KEEPALIVE_S = 15


@dataclass(frozen=True, slots=True)
class MqttTopic:
    """Where to listen. `ca_file` holds the certificates that the broker is held to, if `tls`."""

    host: str
    port: int
    topic: str
    user: str = ""
    password: str = ""
    tls: bool = False
    ca_file: str = ""
    connect_timeout_s: float = 5.0

    def __str__(self) -> str:
        return f"{self.host}:{self.port} {self.topic}"


class MqttLink(PumpedLink):
    """One subscription. Line ends inside a message become spaces, which is all the same to JSON."""

    def __init__(self, topic: MqttTopic) -> None:
        super().__init__(str(topic), WAITING_MESSAGES)
        self._topic = topic

    async def _pump(self, opened: Callable[[], None], give: Callable[[bytes], Awaitable[None]]) -> None:
        topic = self._topic
        try:
            client = aiomqtt.Client(
                topic.host,
                topic.port,
                username=topic.user or None,
                password=topic.password or None,
                protocol=aiomqtt.ProtocolVersion.V5,
                clean_start=True,
                keepalive=KEEPALIVE_S,
                timeout=topic.connect_timeout_s,
                tls_context=client_context(topic.ca_file) if topic.tls else None,
                max_queued_incoming_messages=WAITING_MESSAGES,
                socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            )
            async with client:
                for code in await client.subscribe(topic.topic, qos=1):
                    if getattr(code, "value", code) >= FIRST_FAILURE:
                        raise HardwareAbsent(f"{topic}: the broker does not let us listen ({code})")
                opened()
                async for message in client.messages:
                    await give(_line(message.payload))
        except (OSError, ValueError, aiomqtt.MqttError) as error:
            raise HardwareAbsent(f"{topic}: {error}") from error


def _line(payload: object) -> bytes:
    return (payload if isinstance(payload, bytes) else b"").replace(b"\n", b" ") + b"\n"
