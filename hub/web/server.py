"""Serves the hub's web application on a socket of its own, inside the hub's event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from hub.errors import TryAgain
from hub.web.http import Ready, http_protocol

BACKLOG = 1024
STOP_WITHIN_S = 2


class WebServer:
    """Listens and serves from `async with` on. `stopping` is set at the end, so that live updates do not hold it up."""

    def __init__(self, app: ASGIApp, host: str, port: int, stopping: asyncio.Event, ready: Ready | None = None) -> None:
        """`ready` answers what it can before `app` is asked."""
        self._app = app
        self._ready = ready
        self._host = host
        self._asked_port = port
        self._stopping = stopping
        self._socket: socket.socket | None = None
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where the page is."""
        port: int = self._asked_port if self._socket is None else self._socket.getsockname()[1]
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{port}"

    async def __aenter__(self) -> Self:
        """Listen. Raises `TryAgain` if the address is taken or not ours."""
        self._socket = listen(self._host, self._asked_port)
        config = uvicorn.Config(
            self._app,
            http=http_protocol(self._ready),
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=STOP_WITHIN_S,
        )
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve([self._socket]), name="web")
        return self

    async def watch(self) -> None:
        """Wait for as long as it serves. Raises what it died of."""
        if self._serving is not None:
            await asyncio.shield(self._serving)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take no more requests, end the live updates, and let the others be answered."""
        if self._socket is None or self._server is None or self._serving is None:
            return
        self._stopping.set()
        self._server.should_exit = True
        await asyncio.wait([self._serving])
        self._socket.close()
        self._socket = None


class _Server(uvicorn.Server):
    """Leaves signals to the command."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """Listen at an address. Raises `TryAgain` if it is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise TryAgain(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listening
