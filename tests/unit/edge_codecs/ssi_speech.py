"""What a Zebra scanner and its host say to each other in the tests of SSI."""

from __future__ import annotations

from edge.codecs.readings import Reading, Refused, Scan
from edge.codecs.ssi_packets import (
    DECODE_DATA,
    SCANNER,
    packet,
)

EAN_13, CODE_128, QR, GS1_DATAMATRIX = 0x0B, 0x03, 0x1C, 0xC1
EAN = b"4006381333931"
SCAN = Scan("4006381333931", EAN, "]E0")
ACK = bytes.fromhex("04 D0 04 00 FF 28")


def nak(cause: int) -> bytes:
    return packet(0xD1, bytes([cause]))


def code(data: bytes = EAN, kind: int = EAN_13, status: int = 0) -> bytes:
    return packet(DECODE_DATA, bytes([kind]) + data, source=SCANNER, status=status)


def part(data: bytes, status: int) -> bytes:
    return packet(DECODE_DATA, data, source=SCANNER, status=status)


def damaged(frame: bytes) -> bytes:
    return frame[:6] + bytes([frame[6] ^ 1]) + frame[7:]


def refused(readings: list[Reading]) -> list[str]:
    assert all(isinstance(one, Refused) for one in readings), readings
    return [one.name for one in readings if isinstance(one, Refused)]
