"""A bad network between two parts: a TCP proxy that does to their connections what it is told to.

    station or hub ---> proxy ---> broker         one proxy for each, so that one can be cut off and the other not

What it is told holds for every connection, those that are open included, until it is told something else.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Coroutine
from types import TracebackType
from typing import Self

PIECE_BYTES = 16 * 1024
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time left: closing sends RST (socket(7))."""


class BadNetwork:
    """Listens on `port` of loopback and passes bytes to `beyond`; `async with` opens it."""

    def __init__(self, port: int, beyond: int) -> None:
        self.port = port
        self._beyond = beyond
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._open = asyncio.Event()
        self._open.set()
        self._refuses = False
        self._delay_s = 0.0
        self._bytes_per_s: float | None = None
        self._reset_after: int | None = None
        self.connections = 0
        """How many were ever made."""
        self.resets = 0
        self.swallowed = 0
        """Connections that were let in and told nothing."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=PIECE_BYTES)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            self.cut()
            await asyncio.gather(*(link.done.wait() for link in list(self._links)))
            await self._server.wait_closed()
            self._server = None

    # What it can be told

    def fine(self) -> None:
        """Pass everything at once."""
        self._refuses = False
        self._delay_s = 0.0
        self._bytes_per_s = None
        self._reset_after = None
        self._open.set()

    def delay(self, seconds: float) -> None:
        """Let every piece arrive this much later."""
        self._delay_s = seconds

    def throttle(self, bytes_per_s: float) -> None:
        """Pass no more than this in each direction of each connection."""
        self._bytes_per_s = bytes_per_s

    def halve(self) -> None:
        """Pass half of what was passed until now; from unlimited, half of 1 MB/s."""
        self._bytes_per_s = (self._bytes_per_s or 1_000_000) / 2

    def blackhole(self) -> None:
        """Take connections and bytes and pass nothing on, in either direction."""
        self._open.clear()

    def refuse(self) -> None:
        """End every connection, and each new one at once."""
        self._refuses = True
        self.cut()

    def cut(self) -> None:
        """End every connection as a peer does."""
        for link in self._links:
            link.end()

    def reset(self) -> None:
        """End every connection by RST."""
        for link in self._links:
            link.reset()

    def reset_after(self, count: int) -> None:
        """End by RST every connection that has passed so many more bytes towards `beyond`, and each new one so too."""
        self._reset_after = count
        for link in self._links:
            link.passed = 0

    # What it does

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(writer)
        self._links.add(link)
        self.connections += 1
        if not self._open.is_set():
            self.swallowed += 1
        try:
            if self._refuses or not await link.unless_ended(self._open.wait()):
                return
            try:
                there, back = await asyncio.open_connection("127.0.0.1", self._beyond, limit=PIECE_BYTES)
            except OSError:
                return
            link.other = back
            _no_delay(writer)
            _no_delay(back)
            await link.unless_ended(self._pass(link, reader, back, up=True), self._pass(link, there, writer, up=False))
        finally:
            self._links.discard(link)
            link.close()
            link.done.set()

    async def _pass(self, link: _Link, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, up: bool) -> None:
        """Pass one direction until either end is gone. A piece waits on its way without holding up those before it."""
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(1000)
        loop = asyncio.get_running_loop()

        async def arrive() -> None:
            while True:
                due, data = await on_the_way.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                await self._open.wait()
                sink.write(data)
                await sink.drain()

        arriving = asyncio.create_task(arrive())
        try:
            while data := await source.read(PIECE_BYTES):
                if up and self._reset_after is not None:
                    room = self._reset_after - link.passed
                    link.passed += len(data)
                    if len(data) >= room:
                        sink.write(data[: max(room, 0)])
                        self.resets += 1
                        link.reset()
                        return
                if self._bytes_per_s is not None:
                    await asyncio.sleep(len(data) / self._bytes_per_s)
                await on_the_way.put((loop.time() + self._delay_s, data))
                if arriving.done():
                    return
        except OSError:
            pass
        finally:
            arriving.cancel()
            await asyncio.gather(arriving, return_exceptions=True)


class _Link:
    """One connection: its two sockets, once there are two."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.one = writer
        self.other: asyncio.StreamWriter | None = None
        self.passed = 0
        self.ended = asyncio.Event()
        self.done = asyncio.Event()

    async def unless_ended(self, *ways: Coroutine[None, None, object]) -> bool:
        """Wait until the first of `ways` is through, or the connection is ended: False."""
        tasks = [asyncio.create_task(way) for way in (*ways, self.ended.wait())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return not self.ended.is_set()

    def end(self) -> None:
        self.ended.set()

    def reset(self) -> None:
        for writer in self._writers():
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
        self.ended.set()

    def close(self) -> None:
        for writer in self._writers():
            writer.close()

    def _writers(self) -> list[asyncio.StreamWriter]:
        return [self.one] if self.other is None else [self.one, self.other]


def _no_delay(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
