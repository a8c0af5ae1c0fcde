"""Where the goods of the simulated shop are, and what happens next: the only keeper of the truth."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from protocol.events import Reason


class Spot(StrEnum):
    """Where a piece can be. Only the first three are ever counted."""

    SHELF = "shelf"
    STOCKROOM = "stockroom"
    BAY = "bay"
    CARRIED = "carried"
    """In a trolley, a basket, a staff cage, a crate, on the till's belt or behind the returns desk."""
    OUTSIDE = "outside"


COUNTED = (Spot.SHELF, Spot.STOCKROOM, Spot.BAY)


@dataclass(frozen=True, slots=True)
class Passage:
    """Goods that crossed the shop's books: `qty` into it (negative: out of it).

    They left or reached a place where they are counted at `moved_us`, and were scanned at `scanned_us`.
    """

    reason: Reason
    qty: int
    moved_us: int
    scanned_us: int


@dataclass(frozen=True, slots=True)
class Absence:
    """Goods that were off every counted place for a while and came back, and no entry that stands tells of it."""

    why: str
    qty: int
    from_us: int
    until_us: int


@dataclass(frozen=True, slots=True)
class Counted:
    """A count as it was: from its first look to its last."""

    from_us: int
    until_us: int
    qty: int


@dataclass(slots=True)
class _Look:
    """A counter reads a spot piece by piece; what is added or taken meanwhile is among those read, or it is not."""

    spot: Spot
    began_us: int
    ends_us: int
    qty: int


@dataclass(slots=True)
class Goods:
    """One item: its pieces by where they are, and what became of them."""

    number: int
    at: dict[Spot, int] = field(default_factory=lambda: dict.fromkeys(Spot, 0))
    passages: list[Passage] = field(default_factory=list)
    absences: list[Absence] = field(default_factory=list)
    counts: list[Counted] = field(default_factory=list)
    stolen_us: list[int] = field(default_factory=list)
    history: list[tuple[int, int]] = field(default_factory=list)
    """(time, pieces in the shop) whenever that changed."""
    being_counted: bool = False
    being_moved: int = 0
    look: _Look | None = None

    @property
    def in_shop(self) -> int:
        """All pieces that are in the shop: what on-hand should be."""
        return sum(qty for spot, qty in self.at.items() if spot is not Spot.OUTSIDE)


class World:
    """Time and goods. Deeds are done in the order of their times."""

    def __init__(self, items: int, rng: random.Random) -> None:
        self.rng = rng
        self.now_us = 0
        self.goods = [Goods(number) for number in range(items)]
        self._next: list[tuple[int, int, Callable[[], None], bool]] = []
        self._serial = self._to_do = 0

    def at(self, t_us: int, deed: Callable[[], None], *, beside: bool = False) -> None:
        """Have something done at a time, now at the earliest. Nobody waits for what goes on `beside` the rest."""
        self._serial += 1
        self._to_do += not beside
        heapq.heappush(self._next, (max(t_us, self.now_us), self._serial, deed, beside))

    def after(self, delay_us: int, deed: Callable[[], None]) -> None:
        """Have something done after a while."""
        self.at(self.now_us + delay_us, deed)

    def after_beside(self, delay_us: int, deed: Callable[[], None]) -> None:
        """Have something done after a while, if anything else is still to do then."""
        self.at(self.now_us + delay_us, deed, beside=True)

    def run(self) -> None:
        """Let things happen until nothing is left to do."""
        while self._to_do:
            self.now_us, _, deed, beside = heapq.heappop(self._next)
            self._to_do -= not beside
            deed()

    def move(self, goods: Goods, qty: int, source: Spot, target: Spot) -> int:
        """Move as many pieces as there are, at most `qty`; say how many. Outside there is no end of them."""
        if source is not Spot.OUTSIDE:
            qty = min(qty, goods.at[source])
        if qty > 0:
            self._seen(goods, source, -qty)
            self._seen(goods, target, qty)
            goods.at[source] -= qty
            goods.at[target] += qty
            if Spot.OUTSIDE in (source, target):
                goods.history.append((self.now_us, goods.in_shop))
        return max(0, qty)

    def begin_look(self, goods: Goods, spot: Spot, takes_us: int) -> None:
        """Begin to count the pieces at a spot."""
        goods.look = _Look(spot, self.now_us, self.now_us + takes_us, goods.at[spot])

    def end_look(self, goods: Goods) -> int:
        """Say how many pieces were read."""
        look, goods.look = goods.look, None
        assert look is not None
        return look.qty

    def _seen(self, goods: Goods, spot: Spot, qty: int) -> None:
        """Let the counter who reads this spot miss or see what comes and goes, piece by piece."""
        look = goods.look
        if look is None or look.spot is not spot:
            return
        past = (self.now_us - look.began_us) / max(1, look.ends_us - look.began_us)
        for _ in range(abs(qty)):
            # Taken from the part that was read already, or put there: what was read stays as it is.
            if self.rng.random() >= past:
                look.qty += 1 if qty > 0 else -1
