"""Declared sources: at a place, for a reason, one source says what moved; what the others say there is evidence.

Where nobody declared anything, scanners and till software say it, and tags move nothing.

A tag that comes to a place for which something is declared *crosses* it: out of the store where sales are declared,
into it where receipts are, from area to area where transfers are. It crosses once: it is out until it comes back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec.structs import replace

from hub.ledger.counting import COUNTS_STATION
from hub.ledger.entries import Key
from hub.ledger.tags import Sighting, Sign, Tag
from protocol.dated_words import Source
from protocol.events import Reason
from protocol.identity import EntryId, Epoch, PlaceId

BY_TAG: Final = (Source.PORTAL, Source.READER)
"""The sources that are told by tags."""
_GENERATION: Final = 2
"""Of the epochs of movements that tags made; those of count sessions are of generation 1."""
_SEQS: Final = 2**59
TILL_SOFTWARE: Final = "api"
"""The device of what till software says through a station's local API."""


class Declared(msgspec.Struct, frozen=True, gc=False):
    """From `from_us` (UTC) on, `source` says what moves at `place` for `reason`."""

    place: PlaceId
    reason: Reason
    source: Source
    from_us: int


def told_by(device: str) -> Source:
    """Say what source a movement is of that a station's log tells."""
    return Source.TILL if device == TILL_SOFTWARE else Source.SCANNER


def counts(declared: Source | None, source: Source) -> bool:
    """Whether what a source says moves stock where `declared` is."""
    return source not in BY_TAG if declared is None else source is declared


class Declarations:
    """What is declared, by the journal; of two for the same time the later one of it."""

    def __init__(self, declared: Iterable[Declared] = ()) -> None:
        """`declared` come in the order of the journal."""
        dated: dict[tuple[str, Reason], dict[int, Source]] = defaultdict(dict)
        for one in declared:
            dated[one.place, one.reason][one.from_us] = one.source
        self._dated = {about: sorted(of.items(), reverse=True) for about, of in dated.items()}
        self._places = {place for place, _ in dated}

    def at(self, place: str, reason: Reason, t_us: int) -> Source | None:
        """Give the source declared at a place for a reason at a time (UTC), None if none is."""
        for from_us, source in self._dated.get((place, reason), ()):
            if from_us <= t_us:
                return source
        return None

    def speak_of(self, place: str) -> bool:
        """Whether anything was ever declared at a place."""
        return place in self._places


class Crossing(msgspec.Struct, frozen=True, gc=False):
    """What a tag tells by coming to a place where something is declared: `pieces` (±1) at `area`.

    `leg` tells the two halves of a transfer apart. It moves stock if it `counts`, and is evidence if not.
    """

    entry: EntryId
    leg: int
    place: PlaceId
    area: PlaceId
    reason: Reason
    source: Source
    pieces: int
    t_us: int
    err_us: int
    counts: bool


def crossing_entry(teller: EntryId, leg: int, epc: str) -> EntryId:
    """Name the movement that a crossing is, whoever computes it: an entry that no log holds, as counts of sessions are.

    One entry may tell of many tags, and two crossings share an id once in 2**59.
    """
    nonce = int.from_bytes(blake2b(f"{teller.station}/{teller.epoch}".encode(), digest_size=8).digest(), "big")
    words = f"{teller.seq}:{leg}:{epc}".encode()
    seq = 1 + int.from_bytes(blake2b(words, digest_size=8).digest(), "big") % _SEQS
    return EntryId(COUNTS_STATION, Epoch(_GENERATION, nonce), seq)


class Walked(msgspec.Struct, frozen=True):
    """The crossings of one tag; by them it has been out of the store since `out_us` (UTC), None: it is not."""

    crossings: tuple[Crossing, ...]
    out_us: int | None


AreaAt = Callable[[PlaceId, int], PlaceId]
"""(place, UTC) -> the area it is of then."""


def walk(sightings: Iterable[Sighting], declared: Declarations, area: AreaAt) -> Walked:
    """Follow one tag from place to place, by sightings in any order, some of them twice.

    The sales and returns among the sightings are those that a till told and that moved stock.
    """
    way = _Way(declared, area)
    seen: set[tuple[Key, Sign]] = set()
    for sighting in sorted(sightings, key=lambda sighting: (sighting.key, sighting.sign)):
        if (sighting.key, sighting.sign) not in seen:
            seen.add((sighting.key, sighting.sign))
            way.take(sighting)
    return Walked(tuple(way.crossings), way.out_us)


def tag_then(
    epc: str,
    sightings: Iterable[Sighting],
    deals: Iterable[tuple[Sighting, tuple[Reason, Source]]],
    declared: Declarations,
    area: AreaAt,
    until_us: int,
) -> Tag:
    """Say what was known of a tag at a moment, by all that readers and tills (each with reason and source) ever told.

    One that was carried out by then has left, as if its reader had said so.
    """
    seen = [sighting for sighting in sightings if sighting.t_us <= until_us]
    sold = [(sighting, *why) for sighting, why in deals if sighting.t_us <= until_us]
    tag = Tag(epc)
    for sighting in (*seen, *(sighting for sighting, _, _ in sold)):
        tag = tag.told(sighting)
    counted = [
        sighting
        for sighting, reason, source in sold
        if counts(declared.at(sighting.place, reason, sighting.t_us), source)
    ]
    if tag.where is not None and walk([*seen, *counted], declared, area).out_us is not None:
        tag = replace(tag, where=replace(tag.where, sign=Sign.LEFT))
    return tag


class _Way:
    """Where a tag is while it is followed.

    `inside` is the place where it was seen last within the store, None if never or since it left. A tag that crossed an
    exit is out since `out_us`; one that was `sold` was rung up at a till, and nothing but a till takes it back.
    """

    def __init__(self, declared: Declarations, area: AreaAt) -> None:
        self._declared = declared
        self._area = area
        self.crossings: list[Crossing] = []
        self.inside: PlaceId | None = None
        self.seen_at: PlaceId | None = None
        self.out_us: int | None = None
        self.by_portal = False
        self.sold = False

    def take(self, sighting: Sighting) -> None:
        match sighting.sign:
            case Sign.SOLD:
                self.sold, self.out_us, self.inside = True, None, None
            case Sign.RETURNED:
                self.sold, self.out_us, self.inside = False, None, sighting.place
            case Sign.LEFT:
                self.inside = None
            case Sign.SEEN:
                came, self.seen_at = sighting.place != self.seen_at, sighting.place
                if not self.sold and came:
                    self._come_to(sighting)
            case Sign.MISSED:
                pass

    def _come_to(self, sighting: Sighting) -> None:
        place, at_us = sighting.place, sighting.t_us
        sale = self._declared.at(place, Reason.SALE, at_us)
        receipt = self._declared.at(place, Reason.RECEIPT, at_us)
        if sale is not None:
            if self.out_us is None and self._cross(sighting, Reason.SALE, sale, self.inside or place, -1):
                self.out_us, self.by_portal, self.inside = at_us, sale is Source.PORTAL, None
            return
        if self.out_us is not None:
            if not self.by_portal:
                # What was handed over is not back by being seen: somebody has to look.
                return
            self._cross(sighting, Reason.SALE, Source.PORTAL, place, 1)
            self.out_us = None
        elif receipt is not None and self.inside is None:
            self._cross(sighting, Reason.RECEIPT, receipt, place, 1)
        elif self.inside is not None and self._area(self.inside, at_us) != self._area(place, at_us):
            self._change_area(sighting, self.inside)
        self.inside = place

    def _change_area(self, sighting: Sighting, before: PlaceId) -> None:
        source = self._declared.at(sighting.place, Reason.TRANSFER, sighting.t_us)
        if source is None:
            source = self._declared.at(before, Reason.TRANSFER, sighting.t_us)
        if source is not None:
            self._cross(sighting, Reason.TRANSFER, source, before, -1, leg=0)
            self._cross(sighting, Reason.TRANSFER, source, sighting.place, 1, leg=1)

    def _cross(
        self, sighting: Sighting, reason: Reason, declared: Source, stock_at: PlaceId, pieces: int, leg: int = 0
    ) -> bool:
        """Note a crossing; say whether it moves stock."""
        by_tag = declared in BY_TAG
        self.crossings.append(
            Crossing(
                sighting.entry,
                leg,
                sighting.place,
                self._area(stock_at, sighting.t_us),
                reason,
                declared if by_tag else Source.PORTAL,
                pieces,
                sighting.t_us,
                sighting.err_us,
                by_tag,
            )
        )
        return by_tag
