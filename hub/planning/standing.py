"""What planning knows of one item in one area. Pure; quantities in milli-units, money in minor units, times UTC µs."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.identity import ItemId, PlaceId

DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class CountRecord:
    """What the counts of an item found wrong: `wrong_milli` is the sum of their variances, without their signs.

    They were found over `over_us`, from the first count to the last, by `counts` of them; the first tells nothing.
    """

    counts: int = 0
    wrong_milli: int = 0
    over_us: int = 0


NEVER_COUNTED = CountRecord()


@dataclass(frozen=True, slots=True)
class Standing:
    """An item's figures: the truth is in [lo, hi] if nothing went wrong unseen since `counted_us`.

    `sold_milli` is what customers took and did not bring back, ever; `reserved_milli` is kept for some of them, and
    `safety_milli` is said to be there always.
    """

    item: ItemId
    area: PlaceId
    name: str
    unit: str
    on_hand_milli: int
    lo_milli: int
    hi_milli: int
    counted_us: int | None
    price_minor: int | None
    currency: str | None
    record: CountRecord = NEVER_COUNTED
    sold_milli: int = 0
    reserved_milli: int = 0
    safety_milli: int = 0


def divided(part: int, whole: int) -> int:
    """Divide, half away from zero; `whole` is positive."""
    half = (2 * abs(part) + whole) // (2 * whole)
    return half if part >= 0 else -half


def worth_minor(milli: int, price_minor: int) -> int:
    """Give the value of a quantity at a price for one unit."""
    return divided(milli * price_minor, 1000)
