"""Serves an application over TLS to machines that may show a certificate: bounded in number, time, head and body.

Every machine on the shop's network can call here before anybody knows who it is. So connections are counted before
their TLS begins, from one address and in all, none lasts longer than its errand could, and nothing is read without a
bound. Whoever shows no certificate is let through to the application as nobody; one of another authority, or one that
has run out, ends the handshake.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from collections import Counter
from email.utils import formatdate
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

import h11
import uvicorn
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from hub.web.guard import bounded
from hub.web.problems import Problem, answer
from hub.web.server import listen

CERTIFICATE: Final = "client_certificate_der"
"""The name in `scope["state"]` of the certificate that was shown and belongs to our authority, in DER; not there:
none was."""
MOST_CONNECTIONS: Final = 256
MOST_FROM_ONE_ADDRESS: Final = 64
"""A store behind a router that translates addresses has this many stations that enrol in the same second."""
HANDSHAKE_WITHIN_S: Final = 10.0
LASTS_S: Final = 60.0
MAX_HEAD_BYTES: Final = 16 * 1024
MAX_BODY_BYTES: Final = 64 * 1024
"""The record of a hand-over check is the longest that is sent here; each errand has its own bound below this one."""
_PAUSE_S: Final = 0.5
_log = logging.getLogger(__name__)


def server_context(trusted_pem: bytes) -> ssl.SSLContext:
    """Make the terms on which to talk; who called may show a certificate of this authority, and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    # Whoever resumed a session would not be asked for the certificate again.
    context.num_tickets = 0
    context.load_verify_locations(cadata=trusted_pem.decode("ascii"))
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def present(context: ssl.SSLContext, chain_pem: bytes, key_pem: bytes) -> None:
    """Let connections from now on be shown this certificate; its key never gets onto a disk."""
    file = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        with os.fdopen(file, "wb", closefd=False) as memory:
            memory.write(key_pem + chain_pem)
        context.load_cert_chain(f"/proc/self/fd/{file}")
    finally:
        os.close(file)


class TlsServer:
    """Listens and serves from `async with` on, until it ends."""

    def __init__(self, app: ASGIApp, host: str, port: int, context: ssl.SSLContext) -> None:
        self._app = app
        self._host = host
        self._asked_port = port
        self._context = context
        self._socket: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._callers: Counter[str] = Counter()
        self._state = ServerState()
        self.turned_away = 0
        """Connections that were one too many."""

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._asked_port if self._socket is None else self._socket.getsockname()[1]
        return port

    async def __aenter__(self) -> Self:
        """Listen. Raises `TryAgain` if the address is taken or not ours."""
        self._socket = listen(self._host, self._asked_port)
        config = uvicorn.Config(
            _Bounded(self._app),
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        )
        config.load()
        self._accepting = asyncio.create_task(self._accept(self._socket, config), name="enrolment")
        return self

    async def watch_for(self, seconds: float) -> None:
        """Wait so long. Raises what it dies of meanwhile."""
        if self._accepting is not None:
            done, _ = await asyncio.wait((self._accepting,), timeout=seconds)
            for each in done:
                each.result()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take no more connections, and end those there are: their machines ask again."""
        if self._socket is None or self._accepting is None:
            return
        self._accepting.cancel()
        for serving in self._serving:
            serving.cancel()
        await asyncio.gather(self._accepting, *self._serving, return_exceptions=True)
        self._socket.close()
        self._socket = None

    async def _accept(self, listening: socket.socket, config: uvicorn.Config) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(listening)
            except OSError as error:
                # The caller has gone again, or this process has no room for one more.
                _log.warning("connection not taken", extra={"error": str(error)})
                await asyncio.sleep(_PAUSE_S)
                continue
            caller = str(address[0])
            if len(self._serving) >= MOST_CONNECTIONS or self._callers[caller] >= MOST_FROM_ONE_ADDRESS:
                self.turned_away += 1
                connection.close()
                continue
            self._callers[caller] += 1
            serving = asyncio.create_task(self._serve(connection, config), name=f"enrolment of {caller}")
            self._serving.add(serving)
            serving.add_done_callback(partial(self._gone, caller))

    def _gone(self, caller: str, done: asyncio.Task[None]) -> None:
        self._serving.discard(done)
        self._callers[caller] -= 1
        if not self._callers[caller]:
            del self._callers[caller]
        if not done.cancelled() and (error := done.exception()) is not None:
            _log.error("a connection of enrolment failed", exc_info=error)

    async def _serve(self, connection: socket.socket, config: uvicorn.Config) -> None:
        """Serve a connection to its end, however it ends."""
        self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
        protocol = _Protocol(config, self._state, {})
        try:
            async with asyncio.timeout(LASTS_S):
                await asyncio.get_running_loop().connect_accepted_socket(
                    lambda: protocol, connection, ssl=self._context, ssl_handshake_timeout=HANDSHAKE_WITHIN_S
                )
                await protocol.ended.wait()
        except (OSError, TimeoutError) as error:
            # No TLS, no certificate of ours, nothing said for too long: it is the caller who learns of it.
            _log.debug("connection of enrolment ended", extra={"error": str(error)})
        finally:
            # Before that, what took the connection lets it go.
            if protocol.begun:
                protocol.transport.abort()


class _AsAsked(h11.Connection):
    """Answers a request of HTTP/1.0 by a status line of HTTP/1.0: Cisco's libest, a client of EST, reads no other."""

    def send(self, event: h11.Event) -> bytes | None:  # type: ignore[override]  # one for its overloads
        data = super().send(event)
        if data is not None and isinstance(event, h11.Response) and self.their_http_version == b"1.0":
            return b"HTTP/1.0" + data.removeprefix(b"HTTP/1.1")
        return data


class _Protocol(H11Protocol):
    """HTTP/1.1, with what TLS knows of the peer in the scope's state."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn = _AsAsked(h11.SERVER, MAX_HEAD_BYTES)
        self.begun = False
        self.ended = asyncio.Event()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        shown = transport.get_extra_info("ssl_object").getpeercert(True)
        if shown is not None:
            self.app_state = {**self.app_state, CERTIFICATE: shown}
        self.begun = True
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.ended.set()


class _Bounded:
    """Looks at no long head, and reads a body, no more of it than is allowed, before the application is asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # h11 bounds what it has not read yet; what comes whole at once may be longer.
        head_bytes = len(scope["raw_path"]) + len(scope["query_string"])
        if head_bytes + sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEAD_BYTES:
            await Response(status_code=431, headers={"connection": "close"})(scope, receive, send)
            return
        try:
            receive = await bounded(Headers(scope=scope), receive, MAX_BODY_BYTES)
        except Problem as problem:
            await answer(problem)(scope, receive, send)
            return
        await self._app(scope, receive, send)
