"""How much of the stock may be promised: what is on hand, less what is reserved and what is kept for safety. Pure.

    available = max(0, on hand - reserved - safety)

A reservation is for a document, an order of somebody's. What is sold under the same document, whenever, is taken off
it, less what was brought back, so that it does not matter which of the two came first. It ends by a word, by its own
date, or when all of it is sold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from hub.ledger.dated import Dated, Number
from protocol.decisions import ReservationStep
from protocol.identity import PlaceId


class ReservationState(StrEnum):
    """What became of a reservation."""

    OPEN = "open"
    SOLD = "sold"
    FULFILLED = "fulfilled"
    RELEASED = "released"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Reservation:
    """The last word on a document, an item and an area, and what was sold of it there under that document."""

    document: str
    area: PlaceId
    step: ReservationStep
    qty_milli: int
    until_us: int | None
    sold_milli: int

    def state(self, now_us: int) -> ReservationState:
        """Say what became of it."""
        if self.step is ReservationStep.FULFIL:
            return ReservationState.FULFILLED
        if self.step is ReservationStep.RELEASE:
            return ReservationState.RELEASED
        if self.sold_milli >= self.qty_milli:
            return ReservationState.SOLD
        if self.until_us is not None and self.until_us <= now_us:
            return ReservationState.EXPIRED
        return ReservationState.OPEN

    def open_milli(self, now_us: int) -> int:
        """Say how much is kept for it still."""
        if self.state(now_us) is not ReservationState.OPEN:
            return 0
        return self.qty_milli - max(0, self.sold_milli)


EVERYWHERE = ""
"""The area of a word on safety stock that holds in each area without a word of its own."""
SafetyWord = tuple[str, int, Number, int]
"""(area, from when on, number, milli-units)"""


class Promised:
    """What of one item may not be promised, at any moment."""

    __slots__ = ("_reservations", "_safety")

    def __init__(self, reservations: Iterable[Reservation] = (), safety: Iterable[SafetyWord] = ()) -> None:
        self._reservations = tuple(reservations)
        words: dict[str, list[tuple[int, Number, int | None]]] = {}
        for area, from_us, number, qty_milli in safety:
            words.setdefault(area, []).append((from_us, number, qty_milli))
        self._safety = {area: Dated(said, None) for area, said in words.items()}

    def reserved_milli(self, area: PlaceId, now_us: int) -> int:
        """Say how much of what is in an area is kept for somebody."""
        return sum(each.open_milli(now_us) for each in self._reservations if each.area == area)

    def safety_milli(self, area: PlaceId, now_us: int) -> int:
        """Say how much of what is in an area is kept for safety."""
        for name in (area, EVERYWHERE):
            said = self._safety[name].at(now_us) if name in self._safety else None
            if said is not None:
                return said
        return 0

    def moments_us(self) -> list[int]:
        """List the moments (UTC) at which the clock alone changes the figures."""
        ends = [each.until_us for each in self._reservations if each.until_us is not None]
        return ends + [moment for dated in self._safety.values() for moment in dated.moments_us()]


NOTHING_PROMISED = Promised()


def available_milli(on_hand_milli: int, reserved_milli: int, safety_milli: int) -> int:
    """Say how much may be promised, in an area or, of the sums of all areas, in the store."""
    return max(0, on_hand_milli - reserved_milli - safety_milli)


def oversold_milli(on_hand_milli: int, reserved_milli: int, safety_milli: int) -> int:
    """Say how much more is reserved than may be; 0 if nothing is. What is missing below zero is another matter."""
    if not reserved_milli:
        return 0
    return max(0, reserved_milli + safety_milli - max(0, on_hand_milli))
