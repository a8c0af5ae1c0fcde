"""Another machine in the same network, made of frames alone: asks every port whether it is open, by IPv4 and by IPv6.

The machine under test, the host and this one hang on one hub of QEMU's. Nothing of this host's network takes part, so
that what a firewall inside drops, refuses or answers is seen as it would be from the next till. IPv6 is asked between
the addresses that every machine gives itself (link-local); what the machine under test has for one is what answers an
echo asked of all.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address, ip_address
from typing import Any, Final, cast

from tests.lab.machine import NETWORK
from tests.lab.packets import (
    ALL_NODES,
    ARP,
    ECHO,
    ECHO_REPLY,
    ICMPV6,
    IPV4,
    IPV6,
    SOLICIT,
    SOURCE_PORT,
    Heard,
    Told,
    Way,
    taken_apart,
    whose,
)

OURS: Final = "10.0.2.77"
OURS_6: Final = "fe80::77"
OUR_MAC: Final = bytes.fromhex("525400000077")
ALL_MACS: Final = b"\xff" * 6
ALL_NODES_MAC: Final = bytes.fromhex("333300000001")
BURST: Final = 32
PAUSE_S: Final = 0.016
"""Between bursts: an emulated machine takes some thousand frames a second, and drops what is more."""
TIMES: Final = 2
"""How often each port is asked; an emulated network card may lose a frame."""
FOUND_S: Final = 60.0
LAST_S: Final = 5.0
AGAIN_S: Final = 1.0


class Neighbour(asyncio.DatagramProtocol):
    """The other machine; `qemu` are QEMU's words by which all hang on one hub, `v4` and `v6` what was heard."""

    def __init__(self, forward: tuple[int, int] | None = None) -> None:
        """`forward` is a port of this host's loopback, and the TCP port of the machine to which it leads."""
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        ):
            one.bind(("127.0.0.1", 0))
            other.bind(("127.0.0.1", 0))
            self._own, self._theirs = one.getsockname()[1], other.getsockname()[1]
        self._forward = "" if forward is None else f",hostfwd=tcp:127.0.0.1:{forward[0]}-:{forward[1]}"
        self._port = SOURCE_PORT
        self._transport: asyncio.DatagramTransport | None = None
        self._mac: asyncio.Future[bytes] | None = None
        self._address_6: asyncio.Future[str] | None = None
        self.forget()

    def forget(self) -> None:
        """Begin to listen anew."""
        self.v4, self.v6 = Heard(), Heard()

    @property
    def qemu(self) -> list[str]:
        return [
            # Restricted: else it would take what is meant for the machine, and try to reach it in this host's network.
            *("-netdev", f"user,id=host,restrict=on{self._forward}"),
            *("-netdev", f"socket,id=next,udp=127.0.0.1:{self._own},localaddr=127.0.0.1:{self._theirs}"),
            *("-netdev", "hubport,id=on-host,hubid=0,netdev=host"),
            *("-netdev", "hubport,id=on-next,hubid=0,netdev=next"),
            *("-netdev", "hubport,id=shop,hubid=0"),
        ]

    async def __aenter__(self) -> Neighbour:
        loop = asyncio.get_running_loop()
        self._mac, self._address_6 = loop.create_future(), loop.create_future()
        await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", self._own))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # asyncio's own is no subclass of it

    async def scan(self, tcp: Iterable[int] = range(1, 65_536), udp: Iterable[int] = range(1, 2_049)) -> None:
        """Ask all those ports both ways; raises `TimeoutError` if the machine is not there, or not by IPv6."""
        tcp, udp = list(tcp), list(udp)
        self._port += 1  # what the machine's firewall still knows of the last time counts for nothing
        ways = [Way(OURS, NETWORK), Way(OURS_6, await self.found_6())]
        for way in ways * TIMES:
            await self._send(way, (way.syn(port, self._port) for port in tcp))
            await self._send(way, (way.datagram(port, source_port=self._port) for port in udp))
        await asyncio.sleep(LAST_S)  # what was asked last has its time too

    async def asked(self, port: int, data: bytes, timeout_s: float) -> bytes:
        """Say something to a UDP port by IPv4 until it answers; give what. Raises `TimeoutError`."""
        mac = await self._found()
        self.v4.said.pop(port, None)
        async with asyncio.timeout(timeout_s):
            while port not in self.v4.said:
                self._frame(mac, IPV4, Way(OURS, NETWORK).datagram(port, data))
                await asyncio.sleep(AGAIN_S)
        return self.v4.said[port]

    async def found_6(self) -> str:
        """Find the machine's own address by IPv6. Raises `TimeoutError`."""
        assert self._address_6 is not None
        await self._found()
        ask = Way(OURS_6, ALL_NODES).icmpv6(ECHO, struct.pack("!HH", SOURCE_PORT, 1))
        await self._until(self._address_6, lambda: self._frame(ALL_NODES_MAC, IPV6, ask))
        return self._address_6.result()

    async def _found(self) -> bytes:
        assert self._mac is not None
        asked = whose(OURS, OUR_MAC, NETWORK)
        await self._until(self._mac, lambda: self._frame(ALL_MACS, ARP, asked))
        return self._mac.result()

    async def _until(self, answer: asyncio.Future[Any], ask: Callable[[], None]) -> None:
        async with asyncio.timeout(FOUND_S):
            while not answer.done():
                ask()
                await asyncio.wait([answer], timeout=AGAIN_S)

    async def _send(self, way: Way, packets: Iterable[bytes]) -> None:
        mac = await self._found()
        for number, packet in enumerate(packets):
            self._frame(mac, way.kind, packet)
            if number % BURST == BURST - 1:
                await asyncio.sleep(PAUSE_S)

    def _frame(self, mac: bytes, kind: int, payload: bytes) -> None:
        assert self._transport is not None
        frame = mac + OUR_MAC + struct.pack("!H", kind) + payload
        self._transport.sendto(frame.ljust(60, b"\0"), ("127.0.0.1", self._theirs))

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        kind = int.from_bytes(data[12:14])
        payload = data[14:]
        if kind == ARP:
            self._arp(data[6:12], payload)
        elif kind in {IPV4, IPV6} and self._is_his(data) and (told := taken_apart(payload)) is not None:
            if str(told.target) == OURS:
                self.v4.take(told)
            elif str(told.target) == OURS_6 and not self._echoed(told):
                self.v6.take(told)
            self._solicited(data[6:12], told)

    def _is_his(self, frame: bytes) -> bool:
        """Say whether the machine itself sent it: QEMU's own network hears all too, and refuses in its name."""
        assert self._mac is not None
        return self._mac.done() and frame[6:12] == self._mac.result()

    def _arp(self, mac: bytes, payload: bytes) -> None:
        asked = int.from_bytes(payload[6:8]) == 1
        if asked and payload[24:28] == socket.inet_aton(OURS):
            answer = b"\0\1\x08\0\6\4\0\2" + OUR_MAC + socket.inet_aton(OURS) + payload[8:18]
            self._frame(mac, ARP, answer)
        elif not asked and payload[14:18] == socket.inet_aton(NETWORK):
            assert self._mac is not None
            if not self._mac.done():
                self._mac.set_result(mac)

    def _echoed(self, told: Told) -> bool:
        """Say whether this answers the echo; then it is known who the machine is."""
        assert self._address_6 is not None
        if told.protocol != ICMPV6 or told.data[:1] != bytes([ECHO_REPLY]):
            return False
        if not self._address_6.done():
            self._address_6.set_result(str(told.source))
        return True

    def _solicited(self, mac: bytes, told: Told) -> None:
        """Answer the machine that asks, by NDP, where we are."""
        if told.protocol != ICMPV6 or told.data[:1] != bytes([SOLICIT]) or told.source == IPv6Address(0):
            return
        if told.data[8:24] == ip_address(OURS_6).packed:
            self._frame(mac, IPV6, Way(OURS_6, str(told.source)).here(OUR_MAC))
