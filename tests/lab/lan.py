"""Another machine in the same network, made of frames alone: asks every port whether it is open.

The machine under test, the host and this one hang on one hub of QEMU's. Nothing of this host's network takes part, so
that what a firewall inside drops, refuses or answers is seen as it would be from the next till.

    Ethernet | ARP                       who has 10.0.2.15; and answers for 10.0.2.77
    Ethernet | IPv4 | TCP SYN            SYN+ACK: open, RST: closed, nothing: filtered
    Ethernet | IPv4 | UDP                an answer: open, ICMP port unreachable: closed, nothing: filtered or silent

RFC 826, 791, 9293, 768.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterable
from typing import Any, Final, cast

from tests.lab.machine import NETWORK

OURS: Final = "10.0.2.77"
OUR_MAC: Final = bytes.fromhex("525400000077")
SOURCE_PORT: Final = 40_000
BURST: Final = 32
PAUSE_S: Final = 0.016
"""Between bursts: an emulated machine takes some thousand frames a second, and drops what is more."""
TIMES: Final = 2
"""How often each port is asked; an emulated network card may lose a frame."""
ARP_S: Final = 60.0
LAST_S: Final = 5.0
_IPV4, _ARP = 0x0800, 0x0806
_TCP, _UDP, _ICMP = 6, 17, 1


def checksum(data: bytes) -> int:
    """The internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(~total & 0xFFFF)


def ipv4(protocol: int, payload: bytes, source: str = OURS, target: str = NETWORK) -> bytes:
    """Make an IPv4 packet."""
    head = struct.pack(
        "!BBHHHBBH4s4s",
        *(0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0, socket.inet_aton(source), socket.inet_aton(target)),
    )
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def _with_checksum(protocol: int, segment: bytes, at: int) -> bytes:
    pseudo = socket.inet_aton(OURS) + socket.inet_aton(NETWORK) + struct.pack("!BBH", 0, protocol, len(segment))
    return segment[:at] + struct.pack("!H", checksum(pseudo + segment)) + segment[at + 2 :]


def syn(port: int) -> bytes:
    """Ask a TCP port for a connection."""
    segment = struct.pack("!HHIIBBHHH", SOURCE_PORT, port, port * 65_536, 0, 5 << 4, 0x02, 1024, 0, 0)
    return ipv4(_TCP, _with_checksum(_TCP, segment, 16))


def datagram(port: int, data: bytes = b"\0" * 8) -> bytes:
    """Say something to a UDP port."""
    segment = struct.pack("!HHHH", SOURCE_PORT, port, 8 + len(data), 0) + data
    return ipv4(_UDP, _with_checksum(_UDP, segment, 6))


class Neighbour(asyncio.DatagramProtocol):
    """The other machine; `qemu` are QEMU's words by which all hang on one hub, `open_tcp` and so on what was heard."""

    def __init__(self) -> None:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        ):
            one.bind(("127.0.0.1", 0))
            other.bind(("127.0.0.1", 0))
            self._own, self._theirs = one.getsockname()[1], other.getsockname()[1]
        self._transport: asyncio.DatagramTransport | None = None
        self._mac: asyncio.Future[bytes] | None = None
        self.open_tcp: set[int] = set()
        self.closed_tcp: set[int] = set()
        self.open_udp: set[int] = set()
        self.closed_udp: set[int] = set()

    @property
    def qemu(self) -> list[str]:
        return [
            # Restricted: else it would take what is meant for the machine, and try to reach it in this host's network.
            *("-netdev", "user,id=host,restrict=on"),
            *("-netdev", f"socket,id=next,udp=127.0.0.1:{self._own},localaddr=127.0.0.1:{self._theirs}"),
            *("-netdev", "hubport,id=on-host,hubid=0,netdev=host"),
            *("-netdev", "hubport,id=on-next,hubid=0,netdev=next"),
            *("-netdev", "hubport,id=shop,hubid=0"),
        ]

    async def __aenter__(self) -> Neighbour:
        loop = asyncio.get_running_loop()
        self._mac = loop.create_future()
        await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", self._own))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # asyncio's own is no subclass of it

    async def scan(self, tcp: Iterable[int] = range(1, 65_536), udp: Iterable[int] = range(1, 2_049)) -> None:
        """Ask all those ports; raises `TimeoutError` if the machine is not there at all."""
        mac = await self._found()
        for _ in range(TIMES):
            await self._send(mac, (syn(port) for port in tcp))
            await self._send(mac, (datagram(port) for port in udp))
        await asyncio.sleep(LAST_S)  # what was asked last has its time too

    async def _found(self) -> bytes:
        assert self._mac is not None
        asked = b"\0\1\x08\0\6\4\0\1" + OUR_MAC + socket.inet_aton(OURS) + bytes(6) + socket.inet_aton(NETWORK)
        async with asyncio.timeout(ARP_S):
            while True:
                self._frame(b"\xff" * 6, _ARP, asked)
                done, _ = await asyncio.wait([self._mac], timeout=1.0)
                if done:
                    return self._mac.result()

    async def _send(self, mac: bytes, packets: Iterable[bytes]) -> None:
        for number, packet in enumerate(packets):
            self._frame(mac, _IPV4, packet)
            if number % BURST == BURST - 1:
                await asyncio.sleep(PAUSE_S)

    def _frame(self, mac: bytes, kind: int, payload: bytes) -> None:
        assert self._transport is not None
        frame = mac + OUR_MAC + struct.pack("!H", kind) + payload
        self._transport.sendto(frame.ljust(60, b"\0"), ("127.0.0.1", self._theirs))

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        kind = int.from_bytes(data[12:14])
        payload = data[14:]
        if kind == _ARP:
            self._arp(data[6:12], payload)
        elif kind == _IPV4 and len(payload) >= 28 and payload[16:20] == socket.inet_aton(OURS) and self._is_his(data):
            head = (payload[0] & 15) * 4
            self._answered(payload[9], payload[head : int.from_bytes(payload[2:4])])

    def _is_his(self, frame: bytes) -> bool:
        """Say whether the machine itself sent it: QEMU's own network hears all too, and refuses in its name."""
        assert self._mac is not None
        return self._mac.done() and frame[6:12] == self._mac.result()

    def _arp(self, mac: bytes, payload: bytes) -> None:
        asked = int.from_bytes(payload[6:8]) == 1
        if asked and payload[24:28] == socket.inet_aton(OURS):
            answer = b"\0\1\x08\0\6\4\0\2" + OUR_MAC + socket.inet_aton(OURS) + payload[8:18]
            self._frame(mac, _ARP, answer)
        elif not asked and payload[14:18] == socket.inet_aton(NETWORK):
            assert self._mac is not None
            if not self._mac.done():
                self._mac.set_result(mac)

    def _answered(self, protocol: int, data: bytes) -> None:
        port = int.from_bytes(data[:2])
        if protocol == _TCP and len(data) >= 20:
            (self.open_tcp if data[13] & 0x12 == 0x12 else self.closed_tcp).add(port)
        elif protocol == _UDP:
            self.open_udp.add(port)
        elif protocol == _ICMP and data[:2] == b"\3\3" and len(data) >= 8 + 24:
            about = data[8:]
            head = (about[0] & 15) * 4
            if about[9] == _UDP:
                self.closed_udp.add(int.from_bytes(about[head + 2 : head + 4]))
