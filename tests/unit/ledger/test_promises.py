"""What may be promised: the rules of reservations and safety stock by themselves."""

from __future__ import annotations

import pytest

from hub.ledger.promises import Promised, Reservation, ReservationState, available_milli, oversold_milli
from protocol.decisions import ReservationStep
from protocol.identity import PlaceId

NOW_US = 1000
STORE, BACK = PlaceId("store"), PlaceId("back")


def reserved(
    qty: int = 5,
    sold: int = 0,
    until_us: int | None = None,
    step: ReservationStep = ReservationStep.RESERVE,
    area: PlaceId = STORE,
) -> Reservation:
    return Reservation("order-1", area, step, qty, until_us, sold)


@pytest.mark.parametrize(
    ("told", "state", "left"),
    [
        (reserved(), ReservationState.OPEN, 5),
        (reserved(sold=2), ReservationState.OPEN, 3),
        (reserved(sold=-2), ReservationState.OPEN, 5),
        (reserved(sold=5), ReservationState.SOLD, 0),
        (reserved(sold=9), ReservationState.SOLD, 0),
        (reserved(until_us=NOW_US + 1), ReservationState.OPEN, 5),
        (reserved(until_us=NOW_US), ReservationState.EXPIRED, 0),
        (reserved(0, step=ReservationStep.FULFIL), ReservationState.FULFILLED, 0),
        (reserved(0, step=ReservationStep.RELEASE), ReservationState.RELEASED, 0),
    ],
)
def test_what_is_kept_still(told: Reservation, state: ReservationState, left: int) -> None:
    assert (told.state(NOW_US), told.open_milli(NOW_US)) == (state, left)


def test_what_is_kept_of_each_area_is_its_own() -> None:
    promised = Promised([reserved(5), reserved(2), reserved(3, area=BACK)])
    assert [promised.reserved_milli(area, NOW_US) for area in (STORE, BACK, PlaceId("yard"))] == [7, 3, 0]


def test_safety_of_an_area_goes_before_that_of_all_and_begins_on_its_day() -> None:
    words = [("", 0, (1, 1), 10), ("back", 0, (1, 2), 0), ("", NOW_US + 1, (1, 3), 20), ("", 0, (2, 1), 12)]
    promised = Promised([], words)
    assert [promised.safety_milli(area, NOW_US) for area in (STORE, BACK)] == [12, 0]
    assert promised.safety_milli(STORE, NOW_US + 1) == 20
    assert NOW_US + 1 in promised.moments_us()


@pytest.mark.parametrize(
    ("on_hand", "kept", "safety", "available", "oversold"),
    [(10, 3, 2, 5, 0), (5, 3, 2, 0, 0), (4, 3, 2, 0, 1), (1, 0, 2, 0, 0), (-4, 3, 0, 0, 3), (-4, 0, 0, 0, 0)],
)
def test_what_may_be_promised_and_what_was_promised_too_much(
    on_hand: int, kept: int, safety: int, available: int, oversold: int
) -> None:
    assert available_milli(on_hand, kept, safety) == available
    assert oversold_milli(on_hand, kept, safety) == oversold
