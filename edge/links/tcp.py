"""TCP connections to devices on the shop's network, as byte pipes that this station dials."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass

from edge.errors import HardwareAbsent
from edge.links.descriptor_link import TwoWayLink

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


class TcpLink(TwoWayLink):
    """One connection. ``async with TcpLink(TcpPeer("reader-1", 5084)) as link: await link.read()``"""

    def __init__(self, peer: TcpPeer) -> None:
        super().__init__(str(peer), peer.write_timeout_s)
        self._peer = peer

    async def _open(self) -> int:
        """Connect. Raises `HardwareAbsent`: no such name, nobody there, refused, or no answer in time."""
        peer = self._peer
        try:
            async with asyncio.timeout(peer.connect_timeout_s):
                connected = await _connect(peer)
        except TimeoutError:
            raise HardwareAbsent(f"{peer} does not answer within {peer.connect_timeout_s:g} s") from None
        return connected.detach()


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
