"""What is published on a topic of a broker, as a byte pipe: each message is one line."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import aiomqtt

from edge.errors import ContractBroken, HardwareAbsent

WAITING_MESSAGES = 1000
"""Messages held for whoever takes them, here and once more in aiomqtt; those that come on top of both are lost."""
FIRST_FAILURE = 128
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


class MqttLink:
    """One subscription, read only. Line ends inside a message become spaces, which is all the same to JSON."""

    def __init__(self, topic: MqttTopic) -> None:
        self._topic = topic
        self._task: asyncio.Task[None] | None = None
        self._lines: asyncio.Queue[bytes] = asyncio.Queue(WAITING_MESSAGES)

    async def __aenter__(self) -> Self:
        """Connect and subscribe. Raises `HardwareAbsent`: no broker there, or it does not let us."""
        if self._task is not None:
            raise ContractBroken(f"{self._topic} is open already")
        subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines = asyncio.Queue(WAITING_MESSAGES)
        self._task = asyncio.create_task(self._pump(subscribed, self._lines), name=f"mqtt {self._topic}")
        try:
            await asyncio.wait({subscribed, self._task}, return_when=asyncio.FIRST_COMPLETED)
            if not subscribed.done():
                self._task.result()
        except BaseException:
            self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the broker; a `read` that waits gets b"". Twice is harmless."""
        if self._task is None:
            return
        self._task.cancel()
        self._task = None
        while not self._lines.empty():
            self._lines.get_nowait()
        self._lines.put_nowait(b"")

    async def read(self) -> bytes:
        """Wait for a message; give it as a line, b"" when the broker is gone. Raises `ContractBroken` unless open."""
        if self._task is None:
            raise ContractBroken(f"{self._topic} is not open")
        lines = self._lines
        line = await lines.get()
        if not line and lines.empty():
            lines.put_nowait(b"")  # ever after
        return line

    async def _pump(self, subscribed: asyncio.Future[None], lines: asyncio.Queue[bytes]) -> None:
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
                tls_context=ssl.create_default_context(cafile=topic.ca_file or None) if topic.tls else None,
                max_queued_incoming_messages=WAITING_MESSAGES,
                socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            )
            async with client:
                for code in await client.subscribe(topic.topic, qos=1):
                    if getattr(code, "value", code) >= FIRST_FAILURE:
                        raise HardwareAbsent(f"{topic}: the broker does not let us listen ({code})")
                subscribed.set_result(None)
                async for message in client.messages:
                    await lines.put(_line(message.payload))
        except (OSError, ValueError, aiomqtt.MqttError, TimeoutError) as error:
            if not subscribed.done():
                raise HardwareAbsent(f"{topic}: {error}") from error
        await lines.put(b"")


def _line(payload: object) -> bytes:
    return (payload if isinstance(payload, bytes) else b"").replace(b"\n", b" ") + b"\n"
