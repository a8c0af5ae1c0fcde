"""What an LLRP reader says, message by message (LLRP 1.0.1, sections 16 and 17); for the simulator and the tests.

Written beside the codec and not with it, so that a wrong number in one shows in the other.
"""

from __future__ import annotations

import struct


def message(kind: int, ident: int, body: bytes = b"") -> bytes:
    return struct.pack(">HII", 0x0400 | kind, 10 + len(body), ident) + body


def tlv(kind: int, body: bytes = b"") -> bytes:
    return struct.pack(">HH", kind, 4 + len(body)) + body


def tag(
    epc: bytes, antenna: int, rssi_dbm: int = -60, seen_us: int = 0, reads: int = 1, *, extra: bytes = b""
) -> bytes:
    """TagReportData: an EPC of 96 bits as EPC-96, others as EPCData; then as readers order it, and `extra`."""
    told = b"\x8d" + epc if len(epc) == 12 else tlv(241, struct.pack(">H", 8 * len(epc)) + epc)
    return tlv(
        240,
        told
        + struct.pack(">BH", 0x81, antenna)
        + struct.pack(">Bb", 0x86, rssi_dbm)
        + struct.pack(">BQ", 0x84, seen_us)
        + struct.pack(">BH", 0x88, reads)
        + extra,
    )


def report(*tags: bytes, ident: int = 1000) -> bytes:
    """RO_ACCESS_REPORT."""
    return message(61, ident, b"".join(tags))


def keepalive(ident: int) -> bytes:
    """KEEPALIVE."""
    return message(62, ident)


def notification(event: bytes, at_us: int = 1_700_000_000_000_000) -> bytes:
    """READER_EVENT_NOTIFICATION of one event, with its time."""
    return message(63, 0, tlv(246, tlv(128, struct.pack(">Q", at_us)) + event))


def connection_attempt(status: int) -> bytes:
    """The greeting: 0 accepted, 2 another client has the reader, 4 another client tried."""
    return notification(tlv(256, struct.pack(">H", status)))


def antenna_event(antenna: int, connected: bool, at_us: int = 1_700_000_000_000_000) -> bytes:
    return notification(tlv(255, struct.pack(">BH", connected, antenna)), at_us)


def rospec_ended(rospec: int) -> bytes:
    return notification(tlv(249, struct.pack(">BII", 1, rospec, 0)))


def reader_exception(said: str) -> bytes:
    return notification(tlv(252, struct.pack(">H", len(said.encode())) + said.encode()))


def status(code: int, said: str = "") -> bytes:
    """LLRPStatus."""
    return tlv(287, struct.pack(">HH", code, len(said.encode())) + said.encode())


def answer(kind: int, ident: int, code: int = 0, said: str = "", *, more: bytes = b"") -> bytes:
    """A response: its status first."""
    return message(kind, ident, status(code, said) + more)


def antenna_properties(antenna: int, connected: bool) -> bytes:
    return tlv(221, struct.pack(">BHh", 0x80 if connected else 0, antenna, 600))
