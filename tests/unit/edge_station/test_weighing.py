"""No load is sold twice, whatever the scale says while it lies there."""

from __future__ import annotations

import pytest

from edge.codecs.readings import Weight, WeightState
from edge.station.actions import Rejected
from protocol.events import Delta
from tests.unit.edge_station.shop import BANANAS, BANANAS_TOO, Shop, grams, no_weight

EMPTY = Weight(0, WeightState.ZERO, False, b"")


def sold(shop: Shop) -> list[int]:
    return [-entry.qty_milli for entry in shop.log if isinstance(entry, Delta)]


def sell_again(*said: Weight) -> Shop:
    """Sell 1250 g of bananas, have the scale say something, scan again and weigh the same."""
    shop = Shop()
    shop.scan(BANANAS)
    shop.weigh(grams(1250))
    for weight in said:
        shop.weigh(weight)
    shop.scan(BANANAS_TOO)
    shop.weigh(grams(1250))
    return shop


@pytest.mark.parametrize(
    "said",
    [
        (),
        (grams(1250),),
        (no_weight(WeightState.MOTION), grams(1250)),
        (grams(1255), grams(1245)),
        (no_weight(WeightState.UNCHANGED),),
        (no_weight(WeightState.FAULT),),
        (no_weight(WeightState.OVER), grams(1250)),
    ],
)
def test_a_load_that_stayed_is_not_sold_again(said: tuple[Weight, ...]) -> None:
    shop = sell_again(*said)
    shop.wait(5)
    assert sold(shop) == [1250]
    refusal = shop.told[-1]
    assert isinstance(refusal, Rejected)
    assert refusal.name == "weight-same-load"


@pytest.mark.parametrize("said", [EMPTY, grams(0), no_weight(WeightState.UNDER), grams(1256), grams(300)])
def test_a_load_that_was_lifted_or_changed_is_another(said: Weight) -> None:
    assert sold(sell_again(said)) == [1250, 1250]


def test_a_load_is_another_from_six_grams_on() -> None:
    shop = Shop()
    for weight in (1000, 1005, 1006):
        shop.scan(BANANAS)
        shop.weigh(grams(weight))
        shop.wait(5)
    assert sold(shop) == [1000, 1006]


def test_the_weight_that_a_scale_shows_after_its_tare_is_what_is_sold() -> None:
    shop = Shop()
    shop.scan(BANANAS)
    shop.weigh(Weight(480, WeightState.STABLE, True, b""))
    assert sold(shop) == [480]


def test_a_weight_measured_before_the_scan_is_not_sold_however_soon_it_follows() -> None:
    shop = Shop()
    shop.weigh(grams(700))
    ticket = shop.scan(BANANAS)
    shop.weigh(no_weight(WeightState.MOTION))
    shop.wait(5)
    assert isinstance(shop.answers[ticket], Rejected)
    assert sold(shop) == []
