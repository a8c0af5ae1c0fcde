"""The bytes of the Low Level Reader Protocol: headers, parameters, and the few requests that reading tags needs.

GS1 EPCglobal Low Level Reader Protocol (LLRP) 1.0.1 and 1.1, sections 16 and 17 (binary encoding), big-endian::

    message    | 3 bits 0 | 3 bits version | 10 bits type | u32 length, header counted | u32 message id | parameters
    TLV        | 6 bits 0 | 10 bits type | u16 length, header counted | fields, then parameters
    TV         | 1 | 7 bits type | fields of fixed length

Nothing here can change a tag: there is no access specification among the requests.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

HEADER = struct.Struct(">HII")
TLV = struct.Struct(">HH")
VERSION = 1
"""What is sent; 1.1 readers answer 1.0.1 in kind."""
VERSIONS = (1, 2)

ROSPEC_ID = 1
"""Ours. All others are deleted on opening: a reader has one client."""


class Message(IntEnum):
    """Message types, table 16.1; an answer is its request + 10, but for CLOSE_CONNECTION."""

    GET_READER_CONFIG = 2
    SET_READER_CONFIG = 3
    CLOSE_CONNECTION_RESPONSE = 4
    GET_READER_CONFIG_RESPONSE = 12
    SET_READER_CONFIG_RESPONSE = 13
    CLOSE_CONNECTION = 14
    ADD_ROSPEC = 20
    DELETE_ROSPEC = 21
    START_ROSPEC = 22
    ENABLE_ROSPEC = 24
    ADD_ROSPEC_RESPONSE = 30
    DELETE_ROSPEC_RESPONSE = 31
    START_ROSPEC_RESPONSE = 32
    ENABLE_ROSPEC_RESPONSE = 34
    RO_ACCESS_REPORT = 61
    KEEPALIVE = 62
    READER_EVENT_NOTIFICATION = 63
    KEEPALIVE_ACK = 72
    ERROR_MESSAGE = 100


class Parameter(IntEnum):
    """Parameter types, table 17.1: those under 128 are TV."""

    ANTENNA_ID = 1
    LAST_SEEN_UTC = 4
    PEAK_RSSI = 6
    TAG_SEEN_COUNT = 8
    EPC_96 = 13
    UTC_TIMESTAMP = 128
    ROSPEC = 177
    RO_BOUNDARY_SPEC = 178
    ROSPEC_START_TRIGGER = 179
    ROSPEC_STOP_TRIGGER = 182
    AI_SPEC = 183
    AI_SPEC_STOP_TRIGGER = 184
    INVENTORY_PARAMETER_SPEC = 186
    KEEPALIVE_SPEC = 220
    ANTENNA_PROPERTIES = 221
    ANTENNA_CONFIGURATION = 222
    RO_REPORT_SPEC = 237
    TAG_REPORT_CONTENT_SELECTOR = 238
    TAG_REPORT_DATA = 240
    EPC_DATA = 241
    READER_EVENT_NOTIFICATION_SPEC = 244
    EVENT_NOTIFICATION_STATE = 245
    READER_EVENT_NOTIFICATION_DATA = 246
    ROSPEC_EVENT = 249
    REPORT_BUFFER_OVERFLOW = 251
    READER_EXCEPTION = 252
    ANTENNA_EVENT = 255
    CONNECTION_ATTEMPT = 256
    CONNECTION_CLOSE = 257
    LLRP_STATUS = 287
    C1G2_INVENTORY_COMMAND = 330
    C1G2_SINGULATION_CONTROL = 336


TV_BYTES = {
    **dict.fromkeys((1, 7, 8, 10, 11, 12, 14, 15, 17, 19, 20), 3),
    **dict.fromkeys((2, 3, 4, 5), 9),
    **dict.fromkeys((9, 16, 18), 5),
    6: 2,
    13: 13,
}
"""Whole length of each TV parameter, its type byte counted."""

REPORTED = 0x1580
"""TagReportContentSelector: antenna, peak RSSI, last seen, seen count."""
EVENTS = (2, 3, 4, 8)
"""Events asked for: ROSpec started or ended, report buffer, reader exception, antenna."""


@dataclass(frozen=True, slots=True)
class ReadingPlan:
    """How a reader is to read.

    `antennas`: their numbers, () for all. `report_every`: how many reads make a report. `session` 0 to 3 and
    `population` (tags expected at once) as in the Gen2 air protocol; a None leaves the reader's own.
    """

    antennas: tuple[int, ...] = ()
    report_every: int = 1
    keepalive_ms: int = 5000
    session: int | None = None
    population: int | None = None


def message(kind: Message, ident: int, body: bytes = b"") -> bytes:
    """Put a header before a body."""
    return HEADER.pack(VERSION << 10 | kind, HEADER.size + len(body), ident) + body


def tlv(kind: Parameter, *parts: bytes) -> bytes:
    """Put a TLV header before fields and parameters."""
    body = b"".join(parts)
    return TLV.pack(kind, TLV.size + len(body)) + body


def parameters(data: bytes, at: int = 0) -> Iterator[tuple[int, bytes]]:
    """Give the type and body of each parameter in `data` from `at`; ends where they make no sense."""
    end = len(data)
    while at < end:
        first = data[at]
        if first & 0x80:
            length, header, kind = TV_BYTES.get(first & 0x7F, 0), 1, first & 0x7F
        elif end - at < TLV.size:
            return
        else:
            kind, length = TLV.unpack_from(data, at)
            header = TLV.size
        if length < header or at + length > end:
            return
        yield kind, data[at + header : at + length]
        at += length


def text(data: bytes) -> str:
    """Give a string field: u16 length and UTF-8; at most 200 characters of it, "" where none stands."""
    length = int.from_bytes(data[:2], "big")
    return data[2 : 2 + length].decode("utf-8", "replace")[:200]


def rospec_id(rospec: int) -> bytes:
    """Body of DELETE_, ENABLE_ and START_ROSPEC; 0 means all."""
    return rospec.to_bytes(4, "big")


def configure(plan: ReadingPlan) -> bytes:
    """Body of SET_READER_CONFIG: keepalives and events; everything else stays as the reader has it."""
    states = [tlv(Parameter.EVENT_NOTIFICATION_STATE, struct.pack(">HB", event, 0x80)) for event in EVENTS]
    return (
        b"\x00"
        + tlv(Parameter.READER_EVENT_NOTIFICATION_SPEC, *states)
        + tlv(Parameter.KEEPALIVE_SPEC, struct.pack(">BI", 1, plan.keepalive_ms))
    )


def ask_antennas() -> bytes:
    """Body of GET_READER_CONFIG for the AntennaProperties (2) of all antennas (0)."""
    return struct.pack(">HBHH", 0, 2, 0, 0)


def rospec(plan: ReadingPlan) -> bytes:
    """Body of ADD_ROSPEC: reads from START_ROSPEC until it is deleted, disabled at first as the standard wants."""
    antennas: Sequence[int] = plan.antennas or (0,)
    tuning = []
    if plan.session is not None or plan.population is not None:
        singulation = tlv(
            Parameter.C1G2_SINGULATION_CONTROL,
            struct.pack(">BHI", (plan.session or 0) << 6, plan.population or 32, 0),
        )
        command = tlv(Parameter.C1G2_INVENTORY_COMMAND, b"\x00", singulation)
        tuning = [tlv(Parameter.ANTENNA_CONFIGURATION, struct.pack(">H", one), command) for one in antennas]
    return tlv(
        Parameter.ROSPEC,
        struct.pack(">IBB", ROSPEC_ID, 0, 0),
        tlv(
            Parameter.RO_BOUNDARY_SPEC,
            tlv(Parameter.ROSPEC_START_TRIGGER, b"\x00"),
            tlv(Parameter.ROSPEC_STOP_TRIGGER, struct.pack(">BI", 0, 0)),
        ),
        tlv(
            Parameter.AI_SPEC,
            struct.pack(f">H{len(antennas)}H", len(antennas), *antennas),
            tlv(Parameter.AI_SPEC_STOP_TRIGGER, struct.pack(">BI", 0, 0)),
            tlv(Parameter.INVENTORY_PARAMETER_SPEC, struct.pack(">HB", 1, 1), *tuning),
        ),
        tlv(
            Parameter.RO_REPORT_SPEC,
            struct.pack(">BH", 1, plan.report_every),
            tlv(Parameter.TAG_REPORT_CONTENT_SELECTOR, struct.pack(">H", REPORTED)),
        ),
    )
