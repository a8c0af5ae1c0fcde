"""Frames made by hand: their checksums hold, and answers are told apart."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from tests.lab.lan import OUR_MAC, OURS, OURS_6, Neighbour
from tests.lab.machine import NETWORK
from tests.lab.packets import ECHO_REPLY, IPV4, IPV6, SOLICIT, TCP, UDP, Heard, Way, checksum, taken_apart

MAC, OTHER_MAC = bytes.fromhex("b827eb000001"), bytes.fromhex("52550a000202")
THEIRS_6 = "fe80::ba27:ebff:fe00:1"
HERE = bytes(6) + MAC + b"\x08\x06" + b"\0\1\x08\0\6\4\0\2" + MAC + socket.inet_aton(NETWORK) + bytes(10)
ETHERNET = bytes(6) + MAC + b"\x08\x00"
TO_US, FROM_US = Way(NETWORK, OURS), Way(OURS, NETWORK)
TO_US_6, FROM_US_6 = Way(THEIRS_6, OURS_6), Way(OURS_6, THEIRS_6)


def frame(way: Way, packet: bytes, mac: bytes = MAC) -> bytes:
    return bytes(6) + mac + struct.pack("!H", way.kind) + packet


def tcp(port: int, flags: int) -> bytes:
    return struct.pack("!HHIIBBHHH", port, 40_000, 0, 0, 5 << 4, flags, 0, 0, 0)


def test_the_checksum_of_rfc_1071() -> None:
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0x220D


@pytest.mark.parametrize(("packet", "protocol"), [(FROM_US.syn(80), 6), (FROM_US.datagram(53, b"odd"), 17)])
def test_checksums_hold(packet: bytes, protocol: int) -> None:
    head, segment = packet[:20], packet[20:]
    assert checksum(head) == 0
    assert checksum(packet[12:20] + struct.pack("!BBH", 0, protocol, len(segment)) + segment) == 0


@pytest.mark.parametrize(
    ("packet", "protocol"),
    [
        (FROM_US_6.syn(80), 6),
        (FROM_US_6.datagram(53, b"odd"), 17),
        (FROM_US_6.icmpv6(128, b"echo"), 58),
        (FROM_US_6.here(MAC), 58),
    ],
)
def test_checksums_hold_by_ipv6(packet: bytes, protocol: int) -> None:
    length, segment = int.from_bytes(packet[4:6]), packet[40:]
    assert (len(segment), packet[6]) == (length, protocol)
    # RFC 8200, section 8.1.
    assert checksum(packet[8:40] + struct.pack("!IxxxB", length, protocol) + segment) == 0


def test_a_packet_is_taken_apart_as_it_was_made() -> None:
    told = taken_apart(FROM_US_6.datagram(53, b"hello").ljust(100, b"\0"))
    assert told is not None
    assert (str(told.source), str(told.target), told.protocol, told.data[8:]) == (OURS_6, THEIRS_6, UDP, b"hello")


@pytest.mark.parametrize("packet", [b"", b"\x45", b"\x60" * 39, b"\x10" * 60])
def test_what_is_no_packet_is_none(packet: bytes) -> None:
    assert taken_apart(packet) is None


async def test_answers_are_told_apart() -> None:
    async with Neighbour() as neighbour:
        neighbour.datagram_received(frame(TO_US, TO_US.packet(TCP, tcp(23, 0x12))), ("", 0))  # nobody is known yet
        neighbour.datagram_received(HERE, ("", 0))
        # Refused in his name.
        neighbour.datagram_received(frame(TO_US, TO_US.packet(TCP, tcp(82, 0x14)), OTHER_MAC), ("", 0))
        for port, flags in ((22, 0x12), (80, 0x14), (81, 0x04)):
            neighbour.datagram_received(frame(TO_US, TO_US.packet(TCP, tcp(port, flags))), ("", 0))
        said = TO_US.packet(UDP, struct.pack("!HHHH", 5353, 40_000, 9, 0) + b"!")
        neighbour.datagram_received(frame(TO_US, said), ("", 0))
        refused = b"\3\3" + bytes(6) + FROM_US.datagram(69)
        neighbour.datagram_received(frame(TO_US, TO_US.packet(1, refused)), ("", 0))
        for rubbish in (b"", ETHERNET, ETHERNET + b"\x45", ETHERNET + socket.inet_aton(OURS) * 9):
            neighbour.datagram_received(rubbish, ("", 0))
        await asyncio.sleep(0)
    assert neighbour.v4 == Heard({22}, {80, 81}, {69}, {5353: b"!"})
    assert neighbour.v6 == Heard()
    assert str(neighbour.v4) == "TCP 22, UDP 5353 (refused: 2 TCP, 1 UDP)"


async def test_answers_by_ipv6_are_told_apart() -> None:
    async with Neighbour() as neighbour:
        neighbour.datagram_received(HERE, ("", 0))
        echoed = TO_US_6.icmpv6(ECHO_REPLY, b"\x9c\x40\0\1")
        neighbour.datagram_received(frame(TO_US_6, echoed), ("", 0))
        for port, flags in ((22, 0x12), (80, 0x14)):
            neighbour.datagram_received(frame(TO_US_6, TO_US_6.packet(TCP, tcp(port, flags))), ("", 0))
        refused = TO_US_6.icmpv6(1, bytes(4) + FROM_US_6.datagram(69))
        refused = refused[:41] + b"\4" + refused[42:]
        neighbour.datagram_received(frame(TO_US_6, refused), ("", 0))
        assert await neighbour.found_6() == THEIRS_6
    assert neighbour.v6 == Heard({22}, {80}, {69}, {})
    assert neighbour.v4 == Heard()


async def test_who_asks_for_our_address_is_told() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as machine:
        async with Neighbour() as neighbour:
            words = neighbour.qemu[3]
            machine.bind(("127.0.0.1", int(words.rpartition(":")[2])))
            machine.settimeout(5)
            neighbour.datagram_received(HERE, ("", 0))
            asked = Way(THEIRS_6, "ff02::1:ff00:77")
            solicit = asked.icmpv6(SOLICIT, bytes(4) + socket.inet_pton(socket.AF_INET6, OURS_6) + b"\1\1" + MAC)
            neighbour.datagram_received(frame(asked, solicit), ("", 0))
            answer = await asyncio.to_thread(machine.recv, 2048)
    assert answer[:14] == MAC + OUR_MAC + IPV6.to_bytes(2)
    told = taken_apart(answer[14:])
    assert told is not None
    assert told.data[8:24] == socket.inet_pton(socket.AF_INET6, OURS_6)
    assert told.data[24:] == b"\2\1" + OUR_MAC
    assert FROM_US.kind == IPV4
