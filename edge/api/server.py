"""Serves the local API on a loopback socket, inside the agent's own event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import uvicorn

from edge.api.app import Api
from edge.errors import EdgeError

BACKLOG = 64
CONNECTIONS = 128
STOP_WITHIN_S = 2


class PortTaken(EdgeError):
    """The address of the local API cannot be listened on."""


class LocalApi:
    """Listens from `async with` on, and serves while `serve` runs."""

    def __init__(self, api: Api, host: str, port: int) -> None:
        self._api = api
        self._host = host
        self._asked_port = port
        self._socket: socket.socket | None = None
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port listened on."""
        if self._socket is None:
            return self._asked_port
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Where the API is."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    async def __aenter__(self) -> Self:
        """Listen. Raises `PortTaken`."""
        self._socket = _listen(self._host, self._asked_port)
        config = uvicorn.Config(
            self._api.app(lambda: self.port),
            http="h11",
            ws="none",
            lifespan="off",
            # What is logged is the root's to say, and till software asks too often for a line each time.
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=STOP_WITHIN_S,
        )
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve([self._socket]), name="local api")
        return self

    async def watch(self) -> None:
        """Wait for as long as it serves. Raises what it died of."""
        assert self._serving is not None
        await asyncio.shield(self._serving)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take no more requests, end the event streams, and let the others be answered."""
        if self._socket is None or self._server is None or self._serving is None:
            return
        self._api.closing.set()
        self._server.should_exit = True
        await asyncio.wait([self._serving])
        self._socket.close()
        self._socket = None


class _Server(uvicorn.Server):
    """Leaves signals to the agent."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sets TCP_NODELAY on what is accepted here.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise PortTaken(f"{host}:{port}: {error.strerror}") from error
    return listening
