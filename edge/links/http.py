"""What a device answers to one HTTP request that never ends, as a byte pipe: a stream of events."""

from __future__ import annotations

import asyncio
import os
import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx

from edge.errors import ContractBroken, HardwareAbsent
from edge.links.tcp import keep_alive_options

WAITING_PARTS = 16
"""Parts read ahead of whoever takes them; beyond these the device has to wait."""


@dataclass(frozen=True, slots=True)
class HttpStream:
    """What to ask for. `password` goes with `user`; `ca_file` holds the certificates an https server is held to."""

    url: str
    user: str = ""
    password: str = ""
    ca_file: str = ""
    connect_timeout_s: float = 5.0


class HttpLink:
    """One request, read only. The task that reads it owns the connection; closing cancels it."""

    def __init__(self, stream: HttpStream) -> None:
        self._stream = stream
        self._task: asyncio.Task[None] | None = None
        self._parts: asyncio.Queue[bytes] = asyncio.Queue(WAITING_PARTS)

    async def __aenter__(self) -> Self:
        """Ask, and wait for the answer to begin. Raises `HardwareAbsent`: nobody there, or another answer than 200."""
        if self._task is not None:
            raise ContractBroken(f"{self._stream.url} is open already")
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._parts = asyncio.Queue(WAITING_PARTS)
        self._task = asyncio.create_task(self._pump(answered, self._parts), name=f"http {self._stream.url}")
        try:
            await asyncio.wait({answered, self._task}, return_when=asyncio.FIRST_COMPLETED)
            if not answered.done():
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
        """Hang up; a `read` that waits gets b"". Twice is harmless."""
        if self._task is None:
            return
        self._task.cancel()
        self._task = None
        while not self._parts.empty():
            self._parts.get_nowait()
        self._parts.put_nowait(b"")

    async def read(self) -> bytes:
        """Wait for bytes; b"" when the answer ended or the device is gone. Raises `ContractBroken` if not open."""
        if self._task is None:
            raise ContractBroken(f"{self._stream.url} is not open")
        parts = self._parts
        data = await parts.get()
        if not data and parts.empty():
            parts.put_nowait(b"")  # ever after
        return data

    async def _pump(self, answered: asyncio.Future[None], parts: asyncio.Queue[bytes]) -> None:
        stream = self._stream
        try:
            timeout = httpx.Timeout(stream.connect_timeout_s, read=None)
            tls = ssl.create_default_context(cafile=stream.ca_file) if stream.ca_file else True
            transport = httpx.AsyncHTTPTransport(verify=tls, socket_options=[*keep_alive_options()])
            auth = httpx.BasicAuth(stream.user, stream.password) if stream.user else None
            async with (
                httpx.AsyncClient(transport=transport, timeout=timeout, auth=auth, trust_env=False) as client,
                asyncio.timeout(stream.connect_timeout_s) as patience,
                client.stream("GET", stream.url, headers={"Accept-Encoding": "identity"}) as response,
            ):
                patience.reschedule(None)
                if response.status_code != 200:
                    raise HardwareAbsent(f"{stream.url}: {response.status_code} {response.reason_phrase}")
                answered.set_result(None)
                async for part in response.aiter_raw():
                    if part:
                        await parts.put(part)
        except (OSError, ValueError, httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            if not answered.done():
                raise _absent(stream, error) from error
        await parts.put(b"")


def _absent(stream: HttpStream, error: Exception) -> HardwareAbsent:
    if isinstance(error, (TimeoutError, httpx.TimeoutException)):
        return HardwareAbsent(f"{stream.url} does not answer within {stream.connect_timeout_s:g} s")
    said, cause = str(error) or type(error).__name__, error.__cause__ or error.__context__
    while cause is not None:  # what the kernel said lies below what each layer made of it
        if isinstance(cause, OSError) and cause.errno:
            said = os.strerror(cause.errno) if cause.errno > 0 else cause.strerror or said
        cause = cause.__cause__ or cause.__context__
    return HardwareAbsent(f"{stream.url}: {said}")
