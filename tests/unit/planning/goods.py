"""Standings for the tests of planning."""

from __future__ import annotations

from hub.planning.standing import DAY_US, NEVER_COUNTED, CountRecord, Standing
from protocol.identity import ItemId, PlaceId

NOW_US = 1_780_315_200_000_000


def days_ago(days: float) -> int:
    return NOW_US - int(days * DAY_US)


def goods(
    item: str,
    on_hand: int = 10,
    doubt: tuple[int, int] = (0, 0),
    counted_days_ago: float | None = 0,
    price: int | None = 100,
    record: CountRecord = NEVER_COUNTED,
    sold: int = 0,
) -> Standing:
    """An item, in pieces; `doubt` is how far the truth may lie below and above."""
    return Standing(
        item=ItemId(item),
        area=PlaceId("store"),
        name=item.title(),
        unit="each",
        on_hand_milli=on_hand * 1000,
        lo_milli=(on_hand + doubt[0]) * 1000,
        hi_milli=(on_hand + doubt[1]) * 1000,
        counted_us=None if counted_days_ago is None else days_ago(counted_days_ago),
        price_minor=price,
        currency=None if price is None else "EUR",
        record=record,
        sold_milli=sold * 1000,
    )
