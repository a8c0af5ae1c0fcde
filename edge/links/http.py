"""What a device answers to one HTTP request that never ends, as a byte pipe: a stream of events."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from edge.errors import HardwareAbsent
from edge.links.pumped import PumpedLink
from edge.links.tcp import keep_alive_options
from edge.links.tls import client_context

WAITING_PARTS = 16
CONNECTING = 0.5
"""How much of the patience is for connecting. It ends first: httpx cleans up after its own timeouts, not after ours."""


@dataclass(frozen=True, slots=True)
class HttpStream:
    """What to ask for. `password` goes with `user`; `ca_file` holds the certificates an https server is held to."""

    url: str
    user: str = ""
    password: str = ""
    ca_file: str = ""
    answer_timeout_s: float = 5.0


class HttpLink(PumpedLink):
    """One request. Opening waits for the answer to begin; any other than 200 is a device that is absent."""

    def __init__(self, stream: HttpStream) -> None:
        super().__init__(stream.url, WAITING_PARTS)
        self._stream = stream

    async def _pump(self, opened: Callable[[], None], give: Callable[[bytes], Awaitable[None]]) -> None:
        stream = self._stream
        try:
            secure = stream.url.lower().startswith("https:")
            tls = client_context(stream.ca_file) if secure else False
            transport = httpx.AsyncHTTPTransport(verify=tls, socket_options=[*keep_alive_options()])
            auth = httpx.BasicAuth(stream.user, stream.password) if stream.user else None
            timeout = httpx.Timeout(CONNECTING * stream.answer_timeout_s, read=None)
            async with (
                httpx.AsyncClient(transport=transport, timeout=timeout, auth=auth, trust_env=False) as client,
                asyncio.timeout(stream.answer_timeout_s) as patience,
                client.stream("GET", stream.url, headers={"Accept-Encoding": "identity"}) as response,
            ):
                patience.reschedule(None)
                if response.status_code != 200:
                    raise HardwareAbsent(f"{stream.url}: {response.status_code} {response.reason_phrase}")
                opened()
                async for part in response.aiter_raw():
                    if part:
                        await give(part)
        except httpx.TimeoutException as error:
            patience_s = CONNECTING * stream.answer_timeout_s
            raise HardwareAbsent(f"{stream.url} cannot be connected to within {patience_s:g} s") from error
        except TimeoutError as error:
            raise HardwareAbsent(f"{stream.url} does not answer within {stream.answer_timeout_s:g} s") from error
        except (OSError, UnicodeError, httpx.HTTPError, httpx.InvalidURL) as error:
            raise HardwareAbsent(f"{stream.url}: {_said(error)}") from error


def _said(error: Exception) -> str:
    """Give what the kernel said, which lies below what each layer made of it."""
    said, cause = str(error) or type(error).__name__, error.__cause__ or error.__context__
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return getattr(cause, "verify_message", "") or cause.reason or str(cause)
        if isinstance(cause, OSError) and cause.errno:
            said = os.strerror(cause.errno) if cause.errno > 0 else cause.strerror or said
        cause = cause.__cause__ or cause.__context__
    return said
