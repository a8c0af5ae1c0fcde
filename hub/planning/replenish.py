"""How much to order: safety stock and order-up-to level from what customers took, in whole packs. Pure, all integers.

Orders are placed every *review* days and arrive *lead* days later, so what is ordered now has to last until the order
after it arrives: L = lead + review days (periodic review with an order-up-to level, the (R, S) system of E. Silver,
D. Pyke and D. Thomas, "Inventory and Production Management in Supply Chains", 4th ed., 2017, chapter 6). S is taken
from the item's own past and no law is assumed: of all stretches of L days in the window looked at, the amount that the
service share of them did not exceed (nearest rank). Goods that sell seldom and in lumps are no exception then.

    S       = quantile of what was taken in L days          safety = S - the mean of the same
              or the mean and the safety stock that somebody said, if that is more
              and never less than the minimum, or more than the maximum, that somebody set
    wanted  = S + reserved - (on hand + on order + in transit)
    order   = wanted in whole packs, at least 0
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from hub.planning.standing import Standing, divided

LEAST_STRETCHES = 7
"""Fewer different stretches than these say nothing of what is rare."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How an item is bought, and what is on its way. `service_permille` of all stretches are to be covered.

    `min_milli` and `max_milli` are what somebody set to be there at least and at most. `documents` name what
    `on_order_milli`, `in_transit_milli` and `reserved_milli` come from, where that is known.
    """

    supplier: str = ""
    lead_days: int = 2
    review_days: int = 1
    pack_milli: int = 1000
    service_permille: int = 950
    on_order_milli: int = 0
    in_transit_milli: int = 0
    reserved_milli: int = 0
    documents: tuple[str, ...] = ()
    min_milli: int | None = None
    max_milli: int | None = None

    def within(self, up_to_milli: int | None) -> int | None:
        """Keep an order-up-to level between minimum and maximum; where nothing else is known, it is the minimum."""
        if self.min_milli is not None:
            up_to_milli = max(self.min_milli, up_to_milli or 0)
        if self.max_milli is not None and up_to_milli is not None:
            up_to_milli = min(self.max_milli, up_to_milli)
        return up_to_milli


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What to order of an item, with all that it follows from.

    `up_to_milli` is None if the past is too short to tell and no minimum was set, `safety_milli` if it is too short;
    then `order_milli` only makes good what is missing of what is reserved and of the safety stock that somebody said.
    It is `packs` whole packs, as few as make `wanted_milli`. `taken_milli` was taken in the `days` looked at.
    """

    standing: Standing
    terms: Terms
    taken_milli: int
    days: int
    up_to_milli: int | None
    safety_milli: int | None
    wanted_milli: int
    order_milli: int
    packs: int


def suggest(standing: Standing, daily_milli: Sequence[int], terms: Terms) -> Suggestion:
    """Suggest an order; `daily_milli` is what customers took each day, oldest first, less what they brought back.

    Raises `ValueError` for terms that cannot be: no days, no pack, a share beyond 1000.
    """
    if terms.lead_days < 0 or terms.review_days < 1 or terms.pack_milli < 1 or not 0 < terms.service_permille <= 1000:
        raise ValueError(f"terms that cannot be: {terms}")
    until = terms.lead_days + terms.review_days
    stretches = _stretches(daily_milli, until)
    up_to = safety = None
    if len(stretches) >= LEAST_STRETCHES:
        # Nearest rank: the smallest amount that so many of them do not exceed.
        rank = -(-terms.service_permille * len(stretches) // 1000)
        mean = max(0, divided(sum(stretches), len(stretches)))
        up_to = max(0, sorted(stretches)[rank - 1], mean + standing.safety_milli if standing.safety_milli else 0)
        safety = max(0, up_to - mean)
    up_to = terms.within(up_to)
    held = standing.on_hand_milli + terms.on_order_milli + terms.in_transit_milli
    level = standing.safety_milli if up_to is None else up_to
    wanted = max(0, level + standing.reserved_milli + terms.reserved_milli - held)
    packs = -(-wanted // terms.pack_milli)
    return Suggestion(
        standing=standing,
        terms=terms,
        taken_milli=sum(daily_milli),
        days=len(daily_milli),
        up_to_milli=up_to,
        safety_milli=safety,
        wanted_milli=wanted,
        order_milli=packs * terms.pack_milli,
        packs=packs,
    )


def _stretches(daily_milli: Sequence[int], days: int) -> list[int]:
    """Sum up every stretch of so many days on end."""
    sums = [0, *accumulate(daily_milli)]
    return [sums[end] - sums[end - days] for end in range(days, len(sums))]
