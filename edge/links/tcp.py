"""TCP connections to devices on the shop's network, as byte pipes that this station dials."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from edge.errors import ContractBroken, HardwareAbsent
from edge.links.descriptor import DescriptorPipe

KEEPALIVE_IDLE_S, KEEPALIVE_EVERY_S, KEEPALIVE_PROBES = 10, 5, 3
UNACKNOWLEDGED_MS = 20_000
"""A peer whose cable was cut is noticed within 25 s even by a dialect without keepalives of its own."""


@dataclass(frozen=True, slots=True)
class TcpPeer:
    """Where a device listens: `host` is a name or an address."""

    host: str
    port: int
    connect_timeout_s: float = 5.0
    write_timeout_s: float = 2.0

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class TcpLink:
    """One connection. ``async with TcpLink(TcpPeer("reader-1", 5084)) as link: await link.read()``"""

    def __init__(self, peer: TcpPeer) -> None:
        self._peer = peer
        self._pipe: DescriptorPipe | None = None

    async def __aenter__(self) -> Self:
        """Connect. Raises `HardwareAbsent`: no such name, nobody there, refused, or no answer in time."""
        peer = self._peer
        if self._pipe is not None:
            raise ContractBroken(f"{peer} is open already")
        try:
            async with asyncio.timeout(peer.connect_timeout_s):
                connected = await _connect(peer)
        except TimeoutError:
            raise HardwareAbsent(f"{peer} does not answer within {peer.connect_timeout_s:g} s") from None
        self._pipe = DescriptorPipe(connected.detach(), str(peer))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; a `read` that waits gets b"". Twice is harmless."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    async def read(self) -> bytes:
        """Wait for bytes; b"" when the other end hung up or is gone. Raises `ContractBroken` if not open."""
        return await self._open_pipe().read()

    async def write(self, data: bytes) -> None:
        """Send all of `data`. Raises `LinkLost`, also when the peer takes nothing for `write_timeout_s`."""
        await self._open_pipe().write(data, self._peer.write_timeout_s)

    def read_waiting(self) -> bytes:
        """Give, without waiting, what has come and was not read; b"" if nothing has."""
        return self._open_pipe().read_waiting()

    def _open_pipe(self) -> DescriptorPipe:
        if self._pipe is None:
            raise ContractBroken(f"{self._peer} is not open")
        return self._pipe


async def _connect(peer: TcpPeer) -> socket.socket:
    """Try each address of the host in turn; raises `HardwareAbsent` with what the last one said."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(peer.host, peer.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise HardwareAbsent(f"{peer}: {getattr(error, 'strerror', None) or error}") from error
    why = "no address"
    for family, kind, protocol, _, address in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            for option in keep_alive_options():
                sock.setsockopt(*option)
            await loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            why = os.strerror(error.errno) if error.errno else str(error)
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise HardwareAbsent(f"{peer}: {why}")


def keep_alive_options() -> tuple[tuple[int, int, int], ...]:
    """Socket options that send at once and notice a peer that is gone, as (level, name, value)."""
    return (
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_S),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_EVERY_S),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES),
        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS),
    )
