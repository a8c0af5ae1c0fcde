"""Names of stores, stations, logs and entries, parsed once and trusted after."""

from __future__ import annotations

import re
from typing import NewType

import msgspec

from protocol.errors import BadInput

StoreId = NewType("StoreId", str)
StationId = NewType("StationId", str)
DeviceId = NewType("DeviceId", str)
PlaceId = NewType("PlaceId", str)
ItemId = NewType("ItemId", str)

HUB_STATION = StationId("hub")
"""The name under which the hub's own journal is folded."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_EPOCH = re.compile(r"([1-9][0-9]{0,8})\.([0-9a-f]{16})")


def _parse_name(kind: str, text: str) -> str:
    if not _NAME.fullmatch(text):
        raise BadInput(f"bad-{kind}", f"{text[:80]!r} is not 1 to 63 of a-z, 0-9 and inner hyphens")
    return text


def parse_store(text: str) -> StoreId:
    """Take a store's name: 1 to 63 of a-z, 0-9, inner hyphens. Raises `BadInput`."""
    return StoreId(_parse_name("store", text))


def parse_station(text: str) -> StationId:
    """Take a station's name, by the rule of `parse_store`. Raises `BadInput`."""
    return StationId(_parse_name("station", text))


def parse_place(text: str) -> PlaceId:
    """Take a place's name, by the rule of `parse_store`. Raises `BadInput`."""
    return PlaceId(_parse_name("place", text))


class Epoch(msgspec.Struct, frozen=True, order=True, gc=False):
    """One life of a log: `generation` orders lives, `nonce` (64 random bits) tells equal generations apart."""

    generation: int
    nonce: int

    def __str__(self) -> str:
        return f"{self.generation}.{self.nonce:016x}"

    @classmethod
    def parse(cls, text: str) -> Epoch:
        """Read `"<generation>.<16 hex digits>"`. Raises `BadInput`."""
        match = _EPOCH.fullmatch(text)
        if match is None:
            raise BadInput("bad-epoch", f"{text[:80]!r} is not <generation>.<16 hex digits>")
        return cls(int(match[1]), int(match[2], 16))


class EntryId(msgspec.Struct, frozen=True, order=True, gc=False):
    """Where an entry stands for ever: the log's station, the log's epoch, and its seq from 1."""

    station: StationId
    epoch: Epoch
    seq: int

    def __str__(self) -> str:
        return f"{self.station}/{self.epoch}/{self.seq}"

    @classmethod
    def parse(cls, text: str) -> EntryId:
        """Read `"<station>/<epoch>/<seq>"`. Raises `BadInput`."""
        station, _, rest = text.partition("/")
        epoch, _, seq = rest.partition("/")
        if not (seq.isascii() and seq.isdigit() and int(seq[:19]) > 0 and len(seq) < 19):
            raise BadInput("bad-entry-id", f"{text[:80]!r} is not <station>/<epoch>/<seq>")
        return cls(parse_station(station), Epoch.parse(epoch), int(seq))
