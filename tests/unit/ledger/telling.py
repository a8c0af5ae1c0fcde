"""The words that stories of the fold are told in: pieces of tea, and times of one day."""

from __future__ import annotations

from hub.ledger.entries import Count, Delta, Entry, Reversal, Scope
from hub.ledger.figures import Outcome
from protocol.events import Reason
from protocol.identity import HUB_STATION, EntryId, Epoch, ItemId, PlaceId, StationId
from tests.unit.ledger.memory_books import MemoryBooks

TEA = Scope(ItemId("tea"), PlaceId("shop"))
JAM = Scope(ItemId("jam"), PlaceId("shop"))
MINUTE_US = 60_000_000
DAY_US = 24 * 60 * MINUTE_US


def at(clock: str) -> int:
    """Microseconds of a time of day, written 13:10 or 13:10:30."""
    hours, minutes, seconds = (*map(int, clock.split(":")), 0)[:3]
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000


def till(seq: int, station: str = "till-1") -> EntryId:
    return EntryId(StationId(station), Epoch(1, 7), seq)


def by_hub(seq: int) -> EntryId:
    return EntryId(HUB_STATION, Epoch(1, 1), seq)


def delta(
    seq: int,
    clock: str,
    pieces: int,
    reason: Reason = Reason.SALE,
    *,
    station: str = "till-1",
    err_us: int = 0,
    lead_us: int = 0,
    lag_us: int = 0,
    fit: int = 0,
    scope: Scope = TEA,
) -> Delta:
    return Delta(till(seq, station), scope, pieces * 1000, reason, at(clock), err_us, lead_us, lag_us, fit=fit)


def count(
    seq: int, clock: str, pieces: int, *, since: str = "", station: str = "counter", err_us: int = 0, fit: int = 0
) -> Count:
    return Count(till(seq, station), TEA, pieces * 1000, at(since or clock), at(clock), err_us, fit=fit)


def soft(seq: int, clock: str, seen: int, most: int, *, fit: int = 0, stands: bool = True) -> Count:
    lo_milli, hi_milli = seen * 1000, most * 1000
    return Count(
        till(seq, "reader"),
        TEA,
        lo_milli,
        at(clock),
        at(clock),
        fit=fit,
        lo_milli=lo_milli,
        hi_milli=hi_milli,
        stands=stands,
    )


def undo(seq: int, target: Entry | EntryId) -> Reversal:
    return Reversal(by_hub(seq), target if isinstance(target, EntryId) else target.id, at("18:00"))


def on_hand(books: MemoryBooks, scope: Scope = TEA) -> int:
    """In pieces."""
    return books.scopes[scope].on_hand_milli // 1000


def variance(books: MemoryBooks, counted: Count) -> int:
    """In pieces."""
    return books.counts[counted.id].variance_milli // 1000


OPENING = count(1, "12:00", 100)
SOLD_3 = delta(1, "13:10", -3)
SOLD_2 = delta(1, "13:20", -2, station="till-2")
COUNTED_95 = count(2, "13:30", 95)
WASTED_2 = delta(2, "13:40", -2, Reason.WASTE)
NOTHING = Outcome([], [], [], [], [])
