"""ThingMagic M6e, M6e Nano and Micro modules, host side, 115200 baud 8N1.

ThingMagic embedded module serial protocol (Mercury API, `serial_reader_l3.c`); the CRC is over all but the first byte::

    ->  FF | length | opcode | data | CRC u16
    <-  FF | length | opcode | status u16 | data | CRC u16             length counts data only

    ->  FF 03 2F 00 00 02 5E 86                                       stop reading
    ->  FF 00 03 1D 0C                                                which version are you
    ->  FF 10 2F 00 00 01 22 00 00 05 07 22 10 00 1B 03 E8 01 FF DD 2B     read until stopped, with all metadata
    <-  FF 28 22 00 00 | 10 00 1B 01 FF | 01 | 01 C4 11 0E1640 00000127 0000 05 0000 0F | 0080 3000 EPC 45E9 | CRC
        status 0: a tag   metadata flags^     ^count, RSSI s8 dBm, antenna (send and receive), ... | bits, PC, EPC, CRC
    <-  FF 00 22 04 00 84 E0                                          no tag for a second

A tag's time is counted from the last such second, so it tells nothing.
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence

from edge.codecs.readings import SAMPLE_BYTES, TagRead
from edge.codecs.serial_reader import SerialReaderCodec, Step, epc_bytes

_VERSION, _READ_MULTIPLE, _MULTI_PROTOCOL = 0x03, 0x22, 0x2F
_SET_ANTENNAS, _SET_PROTOCOL, _SET_REGION, _SET_OPTION = 0x91, 0x93, 0x97, 0x9A
_HEARD = (_VERSION, _READ_MULTIPLE, _MULTI_PROTOCOL, _SET_ANTENNAS, _SET_PROTOCOL, _SET_REGION, _SET_OPTION)
"""Opcodes that are asked for; a frame of another is noise."""
_READ = bytes.fromhex("0000 01 22 0000 05 07 22 10 001b 03e8 01ff")
_STOP = bytes.fromhex("0000 02")
_METADATA = ((0x0008, 3), (0x0010, 4), (0x0020, 2), (0x0040, 1))
"""Flags and lengths of what stands between antenna and embedded data: frequency, time, phase, protocol."""
_TAIL = ((0x0100, 1), (0x0200, 1), (0x0400, 1), (0x0800, 1))
"""And of what follows it: pins, Gen2 Q, link frequency, target."""
NO_TAGS = 0x0400
_STATUSES = {
    0x0100: "wrong length",
    0x0101: "unknown opcode",
    0x0102: "opcode not in this module",
    0x0105: "parameter out of range",
    0x0109: "feature not in this module",
    0x0401: "no protocol set",
    0x0500: "frequency out of range",
    0x0503: "antenna not connected",
    0x0504: "too hot, reads less",
    0x0505: "antenna reflects the signal",
    0x7F00: "the module has failed",
}

REGIONS = {
    "na": 0x01,
    "in": 0x04,
    "jp": 0x05,
    "prc": 0x06,
    "eu3": 0x08,
    "kr2": 0x09,
    "au": 0x0B,
    "nz": 0x0C,
    "na2": 0x0D,
}
"""Where the module may send, as the Mercury API names it."""


class M6eCodec(SerialReaderCodec):
    """Tag records to reads. Refuses as `SerialReaderCodec` does.

    `antennas`: ports to read with, each as sender and receiver. `region` None leaves what the module has; a new one has
    none and refuses to read.
    """

    def __init__(self, antennas: Sequence[int] = (1,), region: str | None = None) -> None:
        ports = b"\x02" + b"".join(bytes([port, port]) for port in antennas)
        regions = (Step(_frame(_SET_REGION, bytes([REGIONS[region]])), _SET_REGION, must=True),) if region else ()
        super().__init__(
            b"\xff",
            (
                Step(_frame(_MULTI_PROTOCOL, _STOP), _MULTI_PROTOCOL),
                Step(_frame(_VERSION), _VERSION, must=True),
                *regions,
                Step(_frame(_SET_PROTOCOL, b"\x00\x05"), _SET_PROTOCOL, must=True),
                Step(_frame(_SET_ANTENNAS, ports), _SET_ANTENNAS, must=True),
                # Without the module's own filter every read is told, and not only the first.
                Step(_frame(_SET_OPTION, b"\x01\x0c\x00"), _SET_OPTION),
                Step(_frame(_MULTI_PROTOCOL, _READ), _MULTI_PROTOCOL, must=True),
            ),
            _frame(_MULTI_PROTOCOL, _STOP),
        )

    def _length(self, held: bytearray) -> int | None:
        if held[0] != 0xFF or (len(held) > 2 and held[2] not in _HEARD):
            return 0
        return None if len(held) < 3 else 7 + held[1]

    def _fault(self, frame: bytes) -> str:
        check = crc(frame[1:-2])
        told = int.from_bytes(frame[-2:], "big")
        return "" if told == check else f"CRC {told:04X} instead of {check:04X}"

    def _take(self, frame: bytes) -> None:
        opcode, status, data = frame[2], int.from_bytes(frame[3:5], "big"), frame[5:-2]
        if opcode == _READ_MULTIPLE and status == 0:
            # Of the records that come while it reads, those of type 1 are tags; others tell its temperature.
            if len(data) > 8 and data[5] == 1:
                self._tag(data, frame)
        elif opcode != _READ_MULTIPLE or status != NO_TAGS:
            fault = f"{_STATUSES.get(status, 'an error')} ({opcode:02X}: {status:04X})" if status else ""
            if fault:
                self._refuse("reader-error", fault, frame)
            self._answered(opcode, fault)

    def _tag(self, data: bytes, frame: bytes) -> None:
        flags, at = int.from_bytes(data[3:5], "big"), 6
        if not data[0] & 0x10 or flags & 0x0007 != 0x0007 or flags > 0x0FFF:
            self._refuse("malformed", f"a tag record with metadata {flags:04X}", frame)
            return
        reads, rssi, ports = data[at : at + 3]
        at += 3 + sum(length for flag, length in _METADATA if flags & flag)
        if flags & 0x0080:
            at += 2 + (int.from_bytes(data[at : at + 2], "big") + 7) // 8
        at += sum(length for flag, length in _TAIL if flags & flag)
        told = int.from_bytes(data[at : at + 2], "big") // 8
        length = epc_bytes(int.from_bytes(data[at + 2 : at + 4], "big"))
        if not length or told != length + 4 or len(data) < at + 2 + told:
            self._refuse("malformed", f"a tag's PC announces {length} bytes of EPC, which are not there", frame)
            return
        epc = data[at + 4 : at + 4 + length]
        rssi_cdbm = 100 * (rssi - 256 if rssi > 127 else rssi)
        # The high half is the port that sent, 0 standing for 16 (Mercury API, "antenna id").
        self._give(TagRead(epc, ports >> 4 or 16, rssi_cdbm, None, reads or 1, raw=frame[:SAMPLE_BYTES]))


def crc(data: bytes) -> int:
    """CRC-16 of polynomial 1021 from FFFF, shifted in without the 16 zero bits at the end: the Mercury API's own.

    `binascii` has the one with these bits: leaving the last two bytes out of it and adding them makes ours.
    """
    return binascii.crc_hqx(data[:-2], _START) ^ int.from_bytes(data[-2:], "big")


_START = binascii.crc_hqx(b"\xff\xff", 0)


def _frame(opcode: int, data: bytes = b"") -> bytes:
    body = bytes([len(data), opcode]) + data
    return b"\xff" + body + crc(body).to_bytes(2, "big")


def from_options(antennas: Sequence[int] = (1,), region: str | None = None) -> M6eCodec:
    """Make the codec as a capture's `[options]` say. Raises `ValueError` for a region there is not."""
    if region is not None and region not in REGIONS:
        raise ValueError(f"no region {region!r}")
    return M6eCodec(tuple(antennas), region)
