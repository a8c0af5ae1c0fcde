"""Packets of Zebra's Simple Serial Interface: how they are built, who sends which, and what their code types mean.

Zebra 72E-40451 "Simple Serial Interface Programmer's Guide"; the same in Symbol 70-37052 "SE 923 Integration Guide",
figure 6-1 and table 6-2 (packet), page 6-15 and table 6-6 (DECODE_DATA, code types), in Datalogic's Dragon D151 manual,
page 63 (CMD_NAK), and in Zebra's DS2208 reference guide, page 7-8 (the bit for a continued packet)::

    | length | opcode | source    | status | data ...              | checksum hi | checksum lo |
      bytes    F3 a     0 scanner   bit 0    code type, then the     two's complement of the sum of
      but      code     4 host      resend   code; goes on in the    all bytes before it, 16 bits
      the sum                       bit 1    next packet if bit 1 is
                                    more     set, without the type

    EAN-13 4006381333931 = 12 F3 00 00 0B 34 30 30 36 33 38 31 33 33 33 39 33 31 FC 54
    answered               04 D0 04 00 FF 28          CMD_ACK
                           05 D1 04 00 06 FF 20       CMD_NAK, cause 6 "denied" (1 "resend", 2 "bad context")

That the code type is not repeated in the packets that follow is how open-source hosts read them (enioka's scanner
library); the guide's page on it was not at hand. Were it repeated, long codes would be refused and not read wrong: the
types of 2D codes (11, 1B, 1C, C1, C2) are no text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

DECODE_DATA, EVENT, CMD_ACK, CMD_NAK = 0xF3, 0xF6, 0xD0, 0xD1
NAK_RESEND, NAK_BAD_CONTEXT, NAK_DENIED = 1, 2, 6
SCANNER, HOST = 0, 4
RESEND_BIT, MORE_BIT = 1, 2

_FROM_SCANNER = bytes(
    [0x80, 0xA4, 0xA6, 0xB1, 0xB4, 0xC6, CMD_ACK, CMD_NAK, 0xD4, 0xD6, 0xD8, DECODE_DATA, 0xF4, EVENT]
)
"""Opcodes that a scanner sends, as published hosts list them: tells packets from noise before the checksum has come."""

_SHORTEST = 4
_START = re.compile(rb"[\x04-\xff](?:\Z|[" + re.escape(_FROM_SCANNER) + rb"](?:\Z|\x00))")

AIM_OF_TYPE: Mapping[int, str] = {
    0x01: "]A0", 0x02: "]F0", 0x03: "]C0", 0x04: "]S0", 0x05: "]S0", 0x06: "]I0", 0x07: "]G0",
    0x08: "]E0", 0x09: "]E0", 0x0A: "]E4", 0x0B: "]E0", 0x0C: "]H0", 0x0E: "]M0", 0x0F: "]C1",
    0x10: "]E0", 0x11: "]L0", 0x13: "]A4", 0x19: "]C0", 0x2D: "]z0", 0x30: "]e0", 0x31: "]e0",
    0x32: "]e0", 0xC1: "]d2", 0xC2: "]Q3",
    # With a 2- or 5-digit add-on (ISO/IEC 15424, EAN/UPC, modifier 3).
    0x48: "]E3", 0x49: "]E3", 0x4B: "]E3", 0x88: "]E3", 0x89: "]E3", 0x8B: "]E3",
}  # fmt: skip
"""The symbology identifier that a code type amounts to.

Data Matrix (1B) and QR Code (1C) are not here: older models send GS1 DataMatrix and GS1 QR under these types too.
"""

LETTER_OF_TYPE: Mapping[int, str] = {0x1B: "d", 0x1C: "Q"}
"""What such a code's identifier starts with if the scanner sends one."""

NO_CODES: Mapping[int, str] = {0x33: "parameter", 0x99: "several-codes"}
"""Code types that are none, and what they are refused as: a setting that was scanned, and a bundle of codes."""


def packet(opcode: int, data: bytes = b"", *, source: int = HOST, status: int = 0) -> bytes:
    """Build a packet; `data` is at most 251 bytes."""
    body = bytes([_SHORTEST + len(data), opcode, source, status]) + data
    return body + (-sum(body) & 0xFFFF).to_bytes(2, "big")


def next_start(held: bytearray) -> int:
    """Where in these bytes a packet may begin, told from its first three as far as they are there; else their end."""
    found = _START.search(held)
    return found.start() if found else len(held)
