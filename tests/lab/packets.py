"""Packets made by hand, as another machine in the network sends them, and what came back taken apart.

    IPv4, IPv6 | TCP SYN          SYN+ACK: open, RST: closed, nothing: filtered
    IPv4, IPv6 | UDP              an answer: open, port unreachable (ICMP, ICMPv6): closed, nothing: filtered or silent
    ARP, NDP                      whose address is this?
    IPv6 | ICMPv6 echo to all     who is there?

RFC 826, 791, 9293, 768, 8200, 4443, 4861.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

SOURCE_PORT: Final = 40_000
IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
ECHO, ECHO_REPLY, SOLICIT, ADVERT = 128, 129, 135, 136
ALL_NODES: Final = "ff02::1"
_UNREACHABLE = {ICMP: b"\3\3", ICMPV6: b"\1\4"}
"""The port is: type and code."""
_NDP_HOPS: Final = 255
_EXTENSIONS = frozenset({0, 43, 44, 60})


def checksum(data: bytes) -> int:
    """The internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(~total & 0xFFFF)


@dataclass(frozen=True, slots=True)
class Way:
    """From one address to another, both of one family."""

    source: str
    target: str

    @property
    def kind(self) -> int:
        """What Ethernet calls this family."""
        return IPV6 if ":" in self.target else IPV4

    def packet(self, protocol: int, payload: bytes) -> bytes:
        ends = self._ends()
        if self.kind == IPV6:
            return struct.pack("!IHBB", 6 << 28, len(payload), protocol, _NDP_HOPS) + ends + payload
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0) + ends
        return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload

    def syn(self, port: int, source_port: int = SOURCE_PORT) -> bytes:
        """Ask a TCP port for a connection."""
        segment = struct.pack("!HHIIBBHHH", source_port, port, port * 65_536, 0, 5 << 4, 0x02, 1024, 0, 0)
        return self.packet(TCP, self._with_checksum(TCP, segment, 16))

    def datagram(self, port: int, data: bytes = b"\0" * 8, source_port: int = SOURCE_PORT) -> bytes:
        """Say something to a UDP port."""
        segment = struct.pack("!HHHH", source_port, port, 8 + len(data), 0) + data
        return self.packet(UDP, self._with_checksum(UDP, segment, 6))

    def icmpv6(self, kind: int, body: bytes) -> bytes:
        return self.packet(ICMPV6, self._with_checksum(ICMPV6, struct.pack("!BBH", kind, 0, 0) + body, 2))

    def here(self, mac: bytes) -> bytes:
        """Say, when asked, at which `mac` the source is (solicited, and to be taken)."""
        body = struct.pack("!I", 0x6000_0000) + ip_address(self.source).packed + b"\2\1" + mac
        return self.icmpv6(ADVERT, body)

    def _ends(self) -> bytes:
        return ip_address(self.source).packed + ip_address(self.target).packed

    def _with_checksum(self, protocol: int, segment: bytes, at: int) -> bytes:
        # Both families' pseudo headers add up to the same: addresses, length, protocol.
        pseudo = self._ends() + struct.pack("!II", len(segment), protocol)
        return segment[:at] + struct.pack("!H", checksum(pseudo + segment)) + segment[at + 2 :]


def whose(ours: str, our_mac: bytes, address: str) -> bytes:
    """Ask by ARP who has an address."""
    return b"\0\1\x08\0\6\4\0\1" + our_mac + ip_address(ours).packed + bytes(6) + ip_address(address).packed


@dataclass(frozen=True, slots=True)
class Told:
    """A packet taken apart; `data` is what the protocol carries."""

    source: IPv4Address | IPv6Address
    target: IPv4Address | IPv6Address
    protocol: int
    data: bytes


def taken_apart(packet: bytes) -> Told | None:
    """Read a packet of either family; None for what is none, or has extension headers, which nobody sends here."""
    if len(packet) >= 20 and packet[0] >> 4 == 4:
        head, end = (packet[0] & 15) * 4, int.from_bytes(packet[2:4])
        return Told(IPv4Address(packet[12:16]), IPv4Address(packet[16:20]), packet[9], packet[head:end])
    if len(packet) >= 40 and packet[0] >> 4 == 6 and packet[6] not in _EXTENSIONS:
        end = 40 + int.from_bytes(packet[4:6])
        return Told(IPv6Address(packet[8:24]), IPv6Address(packet[24:40]), packet[6], packet[40:end])
    return None


@dataclass(slots=True)
class Heard:
    """What was heard of a machine's ports; `said` holds the last that each UDP port answered."""

    open_tcp: set[int] = field(default_factory=set)
    closed_tcp: set[int] = field(default_factory=set)
    closed_udp: set[int] = field(default_factory=set)
    said: dict[int, bytes] = field(default_factory=dict)

    @property
    def open_udp(self) -> set[int]:
        return set(self.said)

    def take(self, told: Told) -> None:
        """Note an answer; whatever is none is passed over."""
        port = int.from_bytes(told.data[:2])
        if told.protocol == TCP and len(told.data) >= 20:
            (self.open_tcp if told.data[13] & 0x12 == 0x12 else self.closed_tcp).add(port)
        elif told.protocol == UDP and len(told.data) >= 8:
            self.said[port] = told.data[8:]
        elif told.data[:2] == _UNREACHABLE.get(told.protocol):
            about = taken_apart(told.data[8:])
            if about is not None and about.protocol == UDP and len(about.data) >= 4:
                self.closed_udp.add(int.from_bytes(about.data[2:4]))

    def __str__(self) -> str:
        return (
            f"TCP {_named(self.open_tcp)}, UDP {_named(self.open_udp)}"
            f" (refused: {len(self.closed_tcp)} TCP, {len(self.closed_udp)} UDP)"
        )


def _named(ports: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(ports))) or "none"
