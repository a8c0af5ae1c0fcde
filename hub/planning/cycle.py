"""Which items to count on which day, so that each is counted as often as its turnover deserves. Pure.

Items are classed by what they turn over in money, the usual way of cycle counting (ABC; see D. Piasecki, "Inventory
Accuracy: People, Processes & Technology", 2003): those that make up the first 80 % of it are A, the next 15 % B, the
rest C, and what does not move at all is D. Each class is counted at intervals of its own. What is due is spread over
the days by when it is due, as many a day as people can count; what was never counted is due at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hub.planning.standing import DAY_US, Standing, worth_minor


class Class(StrEnum):
    """How much an item turns over."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


EVERY_DAYS: Mapping[Class, int] = {Class.A: 30, Class.B: 90, Class.C: 180, Class.D: 365}
_UNTIL_PERCENT = ((80, Class.A), (95, Class.B), (100, Class.C))


@dataclass(frozen=True, slots=True)
class Due:
    """An item to be counted on day `day` from now (0: today); it was due `overdue_days` before that, 0 or more."""

    standing: Standing
    cls: Class
    day: int
    overdue_days: int


def classes(standings: Sequence[Standing]) -> list[Class]:
    """Class each item, in the order given; one without a price turns over as if a unit cost one minor unit."""
    turnover = [worth_minor(max(0, each.sold_milli), each.price_minor or 1) for each in standings]
    every, so_far = sum(turnover), 0
    found = [Class.D] * len(standings)
    for place in sorted(range(len(standings)), key=lambda place: (-turnover[place], standings[place].item)):
        if standings[place].sold_milli <= 0:
            continue
        # An item belongs to the class in which its share begins, so that the greatest is always A.
        found[place] = next(cls for percent, cls in _UNTIL_PERCENT if every == 0 or 100 * so_far < percent * every)
        so_far += turnover[place]
    return found


def cycle_plan(standings: Sequence[Standing], now_us: int, per_day: int, days: int) -> list[Due]:
    """Plan `days` days from now with at most `per_day` items each; the longest overdue first, then the best class.

    What finds no place in these days waits. Raises `ValueError` unless both are positive.
    """
    if per_day < 1 or days < 1:
        raise ValueError(f"{per_day} items a day for {days} days")
    waiting: list[tuple[int, Class, Standing]] = []
    for standing, cls in zip(standings, classes(standings), strict=True):
        counted_us = standing.counted_us
        every = EVERY_DAYS[cls]
        due = -every if counted_us is None else (counted_us + every * DAY_US - now_us) // DAY_US
        if due < days:
            waiting.append((due, cls, standing))
    waiting.sort(key=lambda one: (one[0], one[1], one[2].item, one[2].area))
    planned: list[Due] = []
    room = [per_day] * days
    for due, cls, standing in waiting:
        day = next((day for day in range(max(0, due), days) if room[day]), None)
        if day is not None:
            room[day] -= 1
            planned.append(Due(standing, cls, day, day - due))
    return sorted(planned, key=lambda one: (one.day, -one.overdue_days, one.cls, one.standing.item))
