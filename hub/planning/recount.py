"""Which items to count again first: those where the most money hangs on a figure that may be wrong. Pure.

The doubt about a figure is how many units it may be off, in milli-units, added up from

    what the books say themselves     hi - lo
    what went wrong unseen since      days since the last count, times what goes wrong a day
    what cannot be true               how far on-hand is below zero
    what head office says             how far its figure was off where a recount was asked for

What goes wrong a day is the item's own record (the sum of its counts' variances over the days between them), drawn
towards an average item's by as many days of that as `CREDIBLE_DAYS`: an item counted once has no record to speak of,
one counted for years has nearly its own (H. Bühlmann, "Experience Rating and Credibility", ASTIN Bulletin 4, 1967: the
weight of one's own experience is n / (n + k)). An item that was never counted counts as `NEVER_DAYS` old.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from hub.planning.standing import DAY_US, Standing, divided, worth_minor
from protocol.identity import ItemId, PlaceId

NOBODY_ASKED: Final[Mapping[tuple[ItemId, PlaceId], int]] = MappingProxyType({})
CREDIBLE_DAYS = 90
NEVER_DAYS = 365


class Why(StrEnum):
    """What speaks for counting."""

    NEGATIVE = "negative"
    HEAD_OFFICE = "head-office"
    """Head office says something else, and somebody wants to know who is right."""
    AMBIGUOUS = "ambiguous"
    NEVER_COUNTED = "never-counted"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Recount:
    """An item to count: how far its figure may be off, what that is worth, and why."""

    standing: Standing
    doubt_milli: int
    at_stake_minor: int
    why: tuple[Why, ...]


def recount_list(
    standings: Sequence[Standing], now_us: int, asked: Mapping[tuple[ItemId, PlaceId], int] = NOBODY_ASKED
) -> list[Recount]:
    """Rank items by what is at stake, then by doubt; leave out those without any.

    `asked` are the items and areas that somebody wants counted since head office says something else: by how much, in
    milli-units. They come first.

    What has no price is at stake with none, and so comes after all that has, the most doubtful first.
    """
    shop_milli, shop_us = _shop(standings)
    found: list[Recount] = []
    for standing in standings:
        record = standing.record
        age_us = NEVER_DAYS * DAY_US if standing.counted_us is None else max(0, now_us - standing.counted_us)
        # One fraction, rounded once: days since, times (own + the shop's a day times k) / (own days + k).
        own = record.wrong_milli * shop_us + shop_milli * CREDIBLE_DAYS * DAY_US
        stale = divided(age_us * own, (record.over_us + CREDIBLE_DAYS * DAY_US) * shop_us)
        ambiguous, negative = standing.hi_milli - standing.lo_milli, max(0, -standing.on_hand_milli)
        differs = asked.get((standing.item, standing.area))
        doubt = ambiguous + stale + negative + abs(differs or 0)
        if not doubt:
            continue
        never = standing.counted_us is None
        why = (
            [Why.HEAD_OFFICE] * (differs is not None)
            + [Why.NEGATIVE] * bool(negative)
            + [Why.AMBIGUOUS] * bool(ambiguous)
        )
        why += [Why.NEVER_COUNTED if never else Why.STALE] * bool(stale)
        found.append(Recount(standing, doubt, worth_minor(doubt, standing.price_minor or 0), tuple(why)))
    return sorted(
        found,
        key=lambda each: (
            Why.HEAD_OFFICE not in each.why,
            -each.at_stake_minor,
            -each.doubt_milli,
            each.standing.item,
            each.standing.area,
        ),
    )


def _shop(standings: Iterable[Standing]) -> tuple[int, int]:
    """Give what went wrong with all items, and over how long: an average item's record, times their number.

    A shop that never counted twice is taken to lose one piece of each item in a year.
    """
    wrong, over = 0, 0
    for standing in standings:
        wrong += standing.record.wrong_milli
        over += standing.record.over_us
    return wrong + 1000, over + 365 * DAY_US
