"""The words that stories of counting in sessions are told in: two shelves of a shop, and times of one day."""

from __future__ import annotations

from hub.ledger.counting import Part, Plan, Ruling, ShelfDone, Verdict
from hub.ledger.entries import Delta, Scope
from protocol.events import Reason
from protocol.identity import HUB_STATION, EntryId, Epoch, ItemId, PlaceId, StationId
from tests.unit.ledger.memory_counting import HomeGiven, ShelfGiven

TEA, JAM = ItemId("tea"), ItemId("jam")
SHOP, A, B = PlaceId("shop"), PlaceId("shelf-a"), PlaceId("shelf-b")
TEA_HERE = Scope(TEA, SHOP)
MINUTE_US = 60_000_000
FLOOR = (ShelfGiven(A, SHOP), ShelfGiven(B, SHOP), HomeGiven(TEA, A), HomeGiven(TEA, B), HomeGiven(JAM, A))
EVERYTHING = Plan("s", SHOP, 0)


def at(clock: str) -> int:
    hours, minutes = map(int, clock.split(":"))
    return (hours * 60 + minutes) * MINUTE_US


def entry(seq: int, station: str = "hand-1") -> EntryId:
    return EntryId(StationId(station), Epoch(1, 7), seq)


def found(
    seq: int,
    place: PlaceId,
    pieces: int,
    clock: str,
    *,
    item: ItemId = TEA,
    pass_: int = 1,
    person: str = "",
    most: int | None = None,
    session: str = "s",
    since: str = "",
) -> Part:
    soft = None if most is None else most * 1000
    return Part(
        entry(seq), session, item, place, pieces * 1000, at(since or clock), at(clock), 0, pass_, person, soft
    )  # fmt: skip


def done(seq: int, place: PlaceId, clock: str, *, pass_: int = 1, person: str = "", since: str = "") -> ShelfDone:
    return ShelfDone(entry(seq), "s", place, at(since or clock), at(clock), 0, pass_, person)


def ruled(seq: int, verdict: Verdict, item: ItemId | None = None, pass_: int | None = None) -> Ruling:
    return Ruling(EntryId(HUB_STATION, Epoch(1, 1), seq), verdict, "s", item, pass_)


def sold(seq: int, clock: str, pieces: int, *, item: ItemId = TEA, lead_us: int = 0) -> Delta:
    scope = Scope(item, SHOP)
    return Delta(entry(seq, "till-1"), scope, -pieces * 1000, Reason.SALE, at(clock), lead_us=lead_us)
