"""A hub's receipt for a station's log that was carried to it: how far it has read, proved by the chain there.

    {"is":"shelfwire-receipt","v":1,"store":…,"station":…,"stream":…,"epoch":…,"seq":…,"depth":…,"digest":…,"hub_us":…}

It is no secret and no signature. It does as much as a cursor on the wire: the station lets go of what lies before it
only if its own chain there is the same. So a receipt of another log, an altered one, or one that tells of entries the
station has not got does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from protocol.chain import Position
from protocol.errors import BadInput
from protocol.identity import Epoch, StationId, StoreId, parse_station, parse_store
from protocol.station_file_header import to_digest
from protocol.topics import Stream

VERSION = 1
MAX_RECEIPT_BYTES = 4096
_MAX_SEQ = 2**53


@dataclass(frozen=True, slots=True)
class Receipt:
    """The hub has read `stream` of `station` up to `at`, `depth` entries in all; told at `hub_us` by its clock."""

    store: StoreId
    station: StationId
    stream: Stream
    at: Position
    depth: int
    hub_us: int


class _Receipt(msgspec.Struct, frozen=True, tag_field="is", tag="shelfwire-receipt"):
    v: int
    store: str
    station: str
    stream: str
    epoch: str
    seq: int
    depth: int
    digest: str
    hub_us: int


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Receipt).decode


def encode_receipt(receipt: Receipt) -> bytes:
    """Write a receipt as one JSON object."""
    at = receipt.at
    return _encode(
        _Receipt(
            VERSION,
            receipt.store,
            receipt.station,
            receipt.stream,
            str(at.epoch),
            at.seq,
            receipt.depth,
            at.digest.hex(),
            receipt.hub_us,
        )
    )


def decode_receipt(data: bytes) -> Receipt:
    """Read a receipt. Raises `BadInput` ("bad-receipt", "future-version")."""
    if len(data) > MAX_RECEIPT_BYTES:
        raise BadInput("bad-receipt", f"{len(data)} bytes are no receipt")
    try:
        wire: _Receipt = _decode(data)
        if wire.v > VERSION:
            raise BadInput("future-version", f"receipt of format {wire.v}; this release reads up to {VERSION}")
        at = Position(Epoch.parse(wire.epoch), wire.seq, to_digest(wire.digest))
        store, station, stream = parse_store(wire.store), parse_station(wire.station), Stream(wire.stream)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise BadInput("bad-receipt", str(error)[:300]) from error
    except BadInput as error:
        if error.name == "future-version":
            raise
        raise BadInput("bad-receipt", error.detail) from error
    if not 0 <= at.seq <= wire.depth < _MAX_SEQ:
        raise BadInput("bad-receipt", f"seq {at.seq} at depth {wire.depth}")
    return Receipt(store, station, stream, at, wire.depth, wire.hub_us)
