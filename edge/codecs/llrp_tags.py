"""One TagReportData of an LLRP report to one read.

LLRP 1.0.1, section 17.2.8.1. What this station asks for::

    240 | EPC-96 (8D) or EPCData (241) | 81 antenna u16 | 86 peak RSSI s8 | 84 last seen u64 | 88 seen count u16 | ...

Anything else in it, such as a vendor's own parameter, is passed over.
"""

from __future__ import annotations

from struct import Struct

from edge.codecs.llrp_wire import TV_BYTES, Parameter
from edge.codecs.readings import SAMPLE_BYTES, Refused, TagRead

_U16 = Struct(">H").unpack_from
_U64 = Struct(">Q").unpack_from
_S8 = Struct(">b").unpack_from
_TLV = Struct(">HH").unpack_from
_USUAL = Struct(">B12sBHBbBQBH").unpack_from
"""The five parameters asked for, in the order the standard lists them."""
_USUAL_END = 4 + 30
_EPC_96, _ANTENNA, _RSSI, _LAST_SEEN, _COUNT = 0x8D, 0x81, 0x86, 0x84, 0x88
_USUAL_TYPES = (_EPC_96, _ANTENNA, _RSSI, _LAST_SEEN, _COUNT)
_EPC_DATA = int(Parameter.EPC_DATA)


def read_tag(data: bytes, at: int, end: int) -> TagRead | Refused:
    """Read the TagReportData in `data[at:end]`, its header included.

    Refuses by name: "malformed" (parameters that overrun it), "no-epc", "no-antenna".
    """
    raw = data[at : min(end, at + SAMPLE_BYTES)]
    if end - at == _USUAL_END:
        first, epc, second, antenna, third, rssi, fourth, seen_us, fifth, reads = _USUAL(data, at + 4)
        if (first, second, third, fourth, fifth) == _USUAL_TYPES and antenna:
            return TagRead(epc, antenna, 100 * rssi, seen_us, reads or 1, None, raw)
    return _read_any(data, at + 4, end, raw)


def _read_any(data: bytes, at: int, end: int, raw: bytes) -> TagRead | Refused:
    """Read whatever parameters there are, one by one."""
    epc = b""
    antenna = 0
    rssi_cdbm = seen_us = None
    reads = 1
    while at < end:
        first = data[at]
        if first & 0x80:
            length = TV_BYTES.get(first & 0x7F, 0)
            if not length or at + length > end:
                return Refused("malformed", f"parameter {first & 0x7F} of a tag report makes no sense", raw)
            if first == _EPC_96:
                epc = data[at + 1 : at + 13]
            elif first == _ANTENNA:
                (antenna,) = _U16(data, at + 1)
            elif first == _RSSI:
                rssi_cdbm = 100 * _S8(data, at + 1)[0]
            elif first == _LAST_SEEN:
                (seen_us,) = _U64(data, at + 1)
            elif first == _COUNT:
                (reads,) = _U16(data, at + 1)
        else:
            kind, length = _TLV(data, at) if end - at >= 4 else (0, 0)
            if length < 4 or at + length > end:
                return Refused("malformed", f"parameter {kind} of a tag report makes no sense", raw)
            if kind == _EPC_DATA:
                epc_bytes = (int.from_bytes(data[at + 4 : min(at + 6, end)], "big") + 7) // 8
                if 6 + epc_bytes > length:
                    return Refused("malformed", "an EPC longer than its parameter", raw)
                epc = data[at + 6 : at + 6 + epc_bytes]
        at += length
    if not epc:
        return Refused("no-epc", "a tag report without an EPC", raw)
    if not antenna:
        return Refused("no-antenna", "a tag report without its antenna", raw)
    return TagRead(epc, antenna, rssi_cdbm, seen_us, reads or 1, None, raw)
