"""Frames made by hand: their checksums hold, and answers are told apart."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from tests.lab.lan import OURS, Neighbour, checksum, datagram, ipv4, syn
from tests.lab.machine import NETWORK

MAC, OTHER_MAC = bytes.fromhex("b827eb000001"), bytes.fromhex("52550a000202")
ETHERNET = bytes(6) + MAC + b"\x08\x00"


def test_the_checksum_of_rfc_1071() -> None:
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0x220D


@pytest.mark.parametrize(("packet", "protocol"), [(syn(80), 6), (datagram(53, b"odd"), 17)])
def test_checksums_hold(packet: bytes, protocol: int) -> None:
    head, segment = packet[:20], packet[20:]
    assert checksum(head) == 0
    assert checksum(packet[12:20] + struct.pack("!BBH", 0, protocol, len(segment)) + segment) == 0


async def test_answers_are_told_apart() -> None:
    here = bytes(6) + MAC + b"\x08\x06" + b"\0\1\x08\0\6\4\0\2" + MAC + socket.inet_aton(NETWORK) + bytes(10)

    def answered(protocol: int, payload: bytes, mac: bytes = MAC) -> bytes:
        return bytes(6) + mac + b"\x08\x00" + ipv4(protocol, payload, source=NETWORK, target=OURS)

    def tcp(port: int, flags: int) -> bytes:
        return struct.pack("!HHIIBBHHH", port, 40_000, 0, 0, 5 << 4, flags, 0, 0, 0)

    async with Neighbour() as neighbour:
        neighbour.datagram_received(answered(6, tcp(23, 0x12)), ("", 0))  # nobody is known yet
        neighbour.datagram_received(here, ("", 0))
        neighbour.datagram_received(answered(6, tcp(82, 0x14), OTHER_MAC), ("", 0))  # refused in his name
        for port, flags in ((22, 0x12), (80, 0x14), (81, 0x04)):
            neighbour.datagram_received(answered(6, tcp(port, flags)), ("", 0))
        neighbour.datagram_received(answered(17, struct.pack("!HHHH", 5353, 40_000, 9, 0) + b"!"), ("", 0))
        refused = b"\3\3" + bytes(6) + datagram(69)
        neighbour.datagram_received(answered(1, refused), ("", 0))
        for rubbish in (b"", ETHERNET, ETHERNET + b"\x45", ETHERNET + socket.inet_aton(OURS) * 9):
            neighbour.datagram_received(rubbish, ("", 0))
        await asyncio.sleep(0)
    assert (neighbour.open_tcp, neighbour.closed_tcp) == ({22}, {80, 81})
    assert (neighbour.open_udp, neighbour.closed_udp) == ({5353}, {69})
