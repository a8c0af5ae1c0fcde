"""The newest scans of a station whose backlog still drains, for people to see now; the log alone is counted.

    {"v":1,"epoch":"3.00000000000000aa","scans":[[90210,["d",…]],[90211,["d",…]]]}

A scan is told by the epoch and seq that it has in the station's log, so that whoever shows it knows it again when the
log brings it, and as the line stored there. The payload is bounded; what does not fit is left out, the oldest first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from protocol.errors import BadInput
from protocol.events import (
    Count,
    CountReading,
    Delta,
    Restored,
    Reversal,
    StationEntry,
    Suppressed,
    decode_station_entry,
)
from protocol.identity import Epoch

VERSION = 1
MAX_LIVE_BYTES = 16 * 1024
MAX_LIVE_SCANS = 20
_HEADER_BYTES = 128
_MAX_SEQ = 2**53

Scan = Delta | Count | CountReading | Reversal | Suppressed | Restored
"""What a person did; not what is about clocks, and not tags, which come by the hundred."""


@dataclass(frozen=True, slots=True)
class LiveScan:
    """A scan and its seq in the epoch of the message that tells of it."""

    seq: int
    scan: Scan


@dataclass(frozen=True, slots=True)
class LiveScans:
    """What a message tells, the newest last."""

    epoch: Epoch
    scans: tuple[LiveScan, ...]


class Live(msgspec.Struct, frozen=True):
    """The message as it is written: each scan's seq and its stored line."""

    v: int
    epoch: str
    scans: tuple[tuple[int, msgspec.Raw], ...]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Live).decode


def is_scan(entry: StationEntry) -> bool:
    """Say whether an entry is shown live."""
    return isinstance(entry, Scan)


def encode_live(epoch: Epoch, lines: Iterable[tuple[int, bytes]]) -> bytes | None:
    """Write the newest scans among stored lines, given as (seq, line), oldest first; None if there is none."""
    kept: list[tuple[int, msgspec.Raw]] = []
    room = MAX_LIVE_BYTES - _HEADER_BYTES
    for seq, line in reversed(list(lines)):
        try:
            shown = is_scan(decode_station_entry(line))
        except BadInput:
            continue
        if not shown:
            continue
        room -= len(line) + len(str(seq)) + 4
        if room < 0 or len(kept) == MAX_LIVE_SCANS:
            break
        kept.append((seq, msgspec.Raw(line)))
    return _encode(Live(VERSION, str(epoch), tuple(reversed(kept)))) if kept else None


def decode_live(payload: bytes) -> LiveScans:
    """Read a message. Scans of a kind unknown here are left out.

    Raises `BadInput`: "bad-live", "bad-epoch", "too-large" beyond the bounds, "future-schema".
    """
    if len(payload) > MAX_LIVE_BYTES:
        raise BadInput("too-large", f"{len(payload)} bytes live")
    try:
        live: Live = _decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("bad-live", str(error)[:300]) from error
    if live.v > VERSION:
        raise BadInput("future-schema", f"live scans of version {live.v}; this side knows up to {VERSION}")
    if len(live.scans) > MAX_LIVE_SCANS:
        raise BadInput("too-large", f"{len(live.scans)} scans live")
    scans: list[LiveScan] = []
    for seq, line in live.scans:
        if not 0 < seq < _MAX_SEQ:
            raise BadInput("bad-live", f"seq {str(seq)[:30]}")
        try:
            entry = decode_station_entry(bytes(line))
        except BadInput:
            continue
        if isinstance(entry, Scan):
            scans.append(LiveScan(seq, entry))
    return LiveScans(Epoch.parse(live.epoch), tuple(scans))
