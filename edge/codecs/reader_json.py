"""RFID readers that tell their reads as JSON by themselves: Impinj's IoT device interface, Zebra's IoT Connector.

One document a line; a document is an event or a list of events::

    {"timestamp": "2021-07-09T23:35:59.278427551Z", "hostname": "impinj-13-f8-f5", "eventType": "tagInventory",
     "tagInventoryEvent": {"epc": URL-safe base64, "epcHex": "E280...", "tidHex": "E280...", "antennaPort": 1,
                           "peakRssiCdbm": -2650, "lastSeenTime": "2021-07-09T23:35:59.278427551Z"}}
    {"type": "SIMPLE", "timestamp": "2022-03-17T10:11:12.123+0000",
     "data": {"idHex": "e280...", "TID": "e280...", "antenna": 1, "peakRssi": -45, "reads": 3}}
    {"type": "BALANCED_PERFORMANCE", "timestamp": "2026-05-19T14:23:11Z",
     "data": {"tagData": [{"EPC": "E200...", "peakRssi": -52, "seenCount": 14}]}}

Impinj reader (R700) IoT device interface; Zebra IoT Connector for FX readers; Zebra RFD40 and RFD90, which have one
antenna and do not name it. Which fields come is set in the reader. Impinj also tells antennas that come and go.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections import deque
from typing import Annotated

import msgspec

from edge.codecs.readings import SAMPLE_BYTES, AntennaState, Reading, Refused, TagRead

MAX_LINE_BYTES = 48 * 1024
"""A document of a reader that gathers its reads is some 6 KiB; one that is longer than this is passed over."""
MAX_EPC_BYTES = 62

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,12}))?(?:([Zz])|([+-])(\d\d):?(\d\d))", re.ASCII
)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_BASE64 = re.compile(r"[A-Za-z0-9_+/-]+=*")

Antenna = Annotated[int, msgspec.Meta(ge=1, le=255)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Dbm = Annotated[float, msgspec.Meta(ge=-200, le=50)]


class _Impinj(msgspec.Struct, frozen=True, rename="camel"):
    """What Impinj tells of a tag or an antenna."""

    epc: str | None = None
    epc_hex: str | None = None
    tid_hex: str | None = None
    antenna_port: Antenna | None = None
    peak_rssi_cdbm: Annotated[int, msgspec.Meta(ge=-20_000, le=5000)] | None = None
    last_seen_time: str | None = None


class _Zebra(msgspec.Struct, frozen=True):
    """What Zebra tells of a tag: an FX by `idHex`, an RFD by `EPC`, several of them in `tagData`."""

    id_hex: str | None = msgspec.field(default=None, name="idHex")
    epc: str | None = msgspec.field(default=None, name="EPC")
    epc_id: str | None = msgspec.field(default=None, name="EPCid")
    tid: str | None = msgspec.field(default=None, name="TID")
    antenna: Antenna | None = None
    peak_rssi: Dbm | None = msgspec.field(default=None, name="peakRssi")
    reads: Count | None = None
    seen_count: Count | None = msgspec.field(default=None, name="seenCount")
    tag_data: list[_Zebra] | None = msgspec.field(default=None, name="tagData")


class _Event(msgspec.Struct, frozen=True, rename="camel"):
    """Either maker's event, as far as it is read here."""

    timestamp: str | None = None
    tag_inventory_event: _Impinj | None = None
    antenna_connected_event: _Impinj | None = None
    antenna_disconnected_event: _Impinj | None = None
    data: _Zebra | None = None


_DECODER = msgspec.json.Decoder(list[_Event] | _Event, strict=False)
"""Takes numbers in strings too, as some firmware writes them."""


class ReaderJsonCodec:
    """Lines to reads. Events of other kinds say nothing, and empty lines neither. Refuses by name:

    - "too-long": over `MAX_LINE_BYTES` without a line end; skips to the next
    - "not-json": no JSON; "not-an-event": JSON of another shape
    - "no-epc": an EPC that is missing, no hexadecimal or longer than a tag can hold
    - "no-antenna": a read without its antenna (the reader can be set to tell it)
    """

    def __init__(self) -> None:
        self._line = bytearray()
        self._skipping = False
        self._readings: deque[Reading] = deque()

    def feed(self, data: bytes) -> None:
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._append(line)
            if not self._skipping:
                self._read(bytes(self._line))
            self._line.clear()
            self._skipping = False
        self._append(rest)

    def gap(self) -> None:
        """Do nothing: a line may pause where it likes."""

    def next_reading(self) -> Reading | None:
        return self._readings.popleft() if self._readings else None

    def to_send(self) -> bytes:
        """Nothing: these readers are only listened to."""
        return b""

    def _append(self, part: bytes) -> None:
        if self._skipping:
            return
        room = MAX_LINE_BYTES - len(self._line)
        self._line += part[:room]
        if len(part) > room:
            self._skipping = True
            self._refuse("too-long", f"no line end within {MAX_LINE_BYTES} bytes", bytes(self._line))
            self._line.clear()

    def _read(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            found = _DECODER.decode(line)
        except msgspec.ValidationError as error:
            self._refuse("not-an-event", str(error), line)
            return
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._refuse("not-json", str(error), line)
            return
        for event in found if isinstance(found, list) else [found]:
            self._take(event, line[:SAMPLE_BYTES])

    def _take(self, event: _Event, raw: bytes) -> None:
        at_us = _time_us(event.timestamp)
        for antenna, connected in ((event.antenna_connected_event, True), (event.antenna_disconnected_event, False)):
            if antenna is not None and antenna.antenna_port is not None:
                self._readings.append(AntennaState(antenna.antenna_port, connected, at_us))
        if (seen := event.tag_inventory_event) is not None:
            epc = _hex(seen.epc_hex) or _base64(seen.epc)
            seen_us = _time_us(seen.last_seen_time)
            tid = _hex(seen.tid_hex) or None
            self._tag(epc, seen.antenna_port, seen.peak_rssi_cdbm, at_us if seen_us is None else seen_us, 1, tid, raw)
        if event.data is not None:
            self._zebra(event.data, at_us, raw)

    def _zebra(self, data: _Zebra, at_us: int | None, raw: bytes) -> None:
        if data.tag_data is None and data.id_hex is None and data.epc is None and data.epc_id is None:
            return  # a heartbeat, an alert or the like
        for one in (data,) if data.tag_data is None else data.tag_data:
            epc = _hex(one.id_hex or one.epc or one.epc_id)
            rssi_cdbm = None if one.peak_rssi is None else round(100 * one.peak_rssi)
            reads = one.reads or one.seen_count or 1
            antenna = one.antenna or (1 if data.tag_data is not None else None)
            self._tag(epc, antenna, rssi_cdbm, at_us, reads, _hex(one.tid) or None, raw)

    def _tag(
        self,
        epc: bytes,
        antenna: int | None,
        rssi_cdbm: int | None,
        seen_us: int | None,
        reads: int,
        tid: bytes | None,
        raw: bytes,
    ) -> None:
        if not epc:
            self._refuse("no-epc", "no EPC in hexadecimal or base64", raw)
        elif antenna is None:
            self._refuse("no-antenna", "the reader does not tell the antenna: set it to", raw)
        else:
            self._readings.append(TagRead(epc, antenna, rssi_cdbm, seen_us, reads, tid, raw))

    def _refuse(self, name: str, detail: str, raw: bytes) -> None:
        self._readings.append(Refused(name, detail[:200], raw[:SAMPLE_BYTES]))


def _hex(text: str | None) -> bytes:
    """Give the bytes of a hexadecimal number as long as an EPC or TID may be, b"" for anything else."""
    if text is None or len(text) > 2 * MAX_EPC_BYTES or not _HEX.fullmatch(text):
        return b""
    return bytes.fromhex(text)


def _base64(text: str | None) -> bytes:
    """Likewise of URL-safe (or plain) base64, padded or not."""
    if text is None or len(text) > 2 * MAX_EPC_BYTES or not _BASE64.fullmatch(text):
        return b""
    bare = text.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))[:MAX_EPC_BYTES]
    except binascii.Error:
        return b""


def _time_us(text: str | None) -> int | None:
    """Give UTC microseconds of an RFC 3339 time, also with "+0000" and more places; None for anything else."""
    found = _TIME.fullmatch(text) if text is not None else None
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.group(1, 2, 3, 4, 5, 6))
    try:
        at = dt.datetime(year, month, day, hour, minute, min(second, 59), tzinfo=dt.UTC)
    except ValueError:
        return None
    whole_s = (at - _EPOCH) // dt.timedelta(seconds=1) + (second == 60)
    if found[9]:
        ahead_s = 3600 * int(found[10]) + 60 * int(found[11])
        whole_s += ahead_s if found[9] == "-" else -ahead_s
    return whole_s * 1_000_000 + int((found[7] or "0").ljust(6, "0")[:6])
