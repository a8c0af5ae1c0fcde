"""A simulated device on the network: switched on and off, and in conversation with whoever connects."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class ListeningDevice(ABC):
    """Listens on 127.0.0.1, at the same port each time it is switched on; `async with` switches it on."""

    def __init__(self, port: int = 0) -> None:
        """`port` 0: any that is free."""
        self._listens_at = port
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._listens_at

    async def __aenter__(self) -> Self:
        await self.switch_on()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.switch_off()
        self._hang_up()
        if self._serving:
            await asyncio.wait(self._serving)

    async def switch_on(self) -> None:
        """Listen, on the same port as before. Twice is harmless."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._listens_at)
            self._listens_at = self._server.sockets[0].getsockname()[1]

    def switch_off(self) -> None:
        """Listen no more. Twice is harmless."""
        if self._server is not None:
            self._server.close()
            self._server = None

    @abstractmethod
    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client; an end of the connection may be raised."""

    def _hang_up(self) -> None:
        """End every conversation."""
        for serving in self._serving:
            serving.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            await self._converse(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client went, or the power did
        finally:
            writer.close()
            self._serving.discard(task)
