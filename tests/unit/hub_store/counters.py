"""People who count a shop's shelves with stations, for tests: what they find and say, and what is planned."""

from __future__ import annotations

from hub.store.store import HubStore
from protocol.count_decisions import CountPlanned, CountRuled, CountVerdict
from protocol.dated_words import FloorWord, HomeGiven, PlaceGiven, PlaceKind
from protocol.events import Count, ShelfCounted
from protocol.identity import EntryId
from tests.unit.hub_store.shop import AREA, JAM, NOON_US, SECOND_US, TEA, TEA_CODE, Station

A, B = "shelf-a", "shelf-b"
SESSION = "autumn-26"


def shelf(name: str, from_us: int = 0, area: str = AREA) -> PlaceGiven:
    return PlaceGiven(NOON_US, name, "", area, PlaceKind.SHELF, from_us, "ann", "a shelf stands here")


def home(item: str, place: str, from_us: int = 0) -> HomeGiven:
    return HomeGiven(NOON_US, item, place, from_us, None, "ann", "here it sells")


FLOOR: tuple[FloorWord, ...] = (shelf(A), shelf(B), home(TEA, A), home(TEA, B), home(JAM, A))


def plan(
    session: str = SESSION,
    items: tuple[str, ...] | None = None,
    *,
    shelves: tuple[str, ...] = (),
    closed: bool = False,
    blind: bool = False,
    two_passes: bool = False,
    at_us: int = NOON_US,
) -> CountPlanned:
    return CountPlanned(at_us, session, AREA, items, shelves, blind, closed, two_passes, "ann", "the year ends")


def ruled(
    verdict: CountVerdict,
    item: str | None = None,
    pass_: int | None = None,
    target: EntryId | None = None,
    session: str = SESSION,
) -> CountRuled:
    return CountRuled(
        NOON_US, session, verdict, item, pass_, None if target is None else str(target), "ann", "looked at it"
    )


def found(
    station: Station,
    place: str,
    pieces: int,
    code: str = TEA_CODE,
    *,
    pass_: int = 1,
    person: str = "",
    session: str = SESSION,
    after_s: float = 60.0,
) -> int:
    """Count some pieces at a place for ten seconds; give the entry's seq."""
    station.up_us += int(after_s * SECOND_US)
    begun_us = station.up_us - 10 * SECOND_US
    return station.say(
        Count(station.when(), begun_us, "scanner", code, 1000 * pieces, place, session, 0, "]E0", pass_, person), 0
    )


def done(
    station: Station,
    place: str,
    *,
    pass_: int = 1,
    person: str = "",
    session: str = SESSION,
    after_s: float = 5.0,
    tags: int | None = None,
) -> int:
    """Say that a place is counted; give the entry's seq."""
    station.up_us += int(after_s * SECOND_US)
    begun_us = station.up_us - 30 * SECOND_US
    return station.say(ShelfCounted(station.when(), begun_us, "scanner", place, session, pass_, person, 0, 0, tags), 0)


async def state_of(store: HubStore, item: str = TEA) -> tuple[int, int, int]:
    """On hand, at least, at most; in pieces."""
    (row,) = [row for row in (await store.stock(limit=1000)).rows if row.item == item]
    return row.on_hand_milli // 1000, row.lo_milli // 1000, row.hi_milli // 1000
