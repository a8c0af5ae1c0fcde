"""A weighed item waits for the next weight at rest, and is refused by name where none comes."""

from __future__ import annotations

import pytest

from edge.codecs.readings import WeightState
from edge.station.actions import Accepted
from protocol.cards import Mode
from protocol.events import Delta, Rejection
from protocol.identity import DeviceId
from tests.unit.edge_station.shop import (
    BANANAS,
    MILK,
    OTHER,
    Shop,
    grams,
    no_weight,
)
from tests.unit.edge_station.telling import name_of, quantities


def test_a_weighed_item_takes_the_next_stable_weight_in_grams() -> None:
    shop = Shop()
    ticket = shop.scan(BANANAS)
    shop.weigh(no_weight(WeightState.MOTION))
    shop.weigh(no_weight(WeightState.FAULT))
    assert shop.unanswered == [ticket]
    shop.weigh(grams(1250))
    (event,) = shop.log
    assert isinstance(event, Delta)
    assert (event.qty_milli, event.price_minor, event.when) == (-1250, 199, shop.clock.now())


def test_a_weight_from_before_the_scan_does_not_count() -> None:
    shop = Shop()
    shop.weigh(grams(500))
    ticket = shop.scan(BANANAS)
    assert shop.unanswered == [ticket]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (None, "weight-none"),
        (no_weight(WeightState.MOTION), "weight-motion"),
        (no_weight(WeightState.OVER), "weight-over"),
        (no_weight(WeightState.UNDER), "weight-under"),
        (no_weight(WeightState.FAULT), "weight-fault"),
        (no_weight(WeightState.UNCHANGED), "weight-unchanged"),
        (grams(0), "weight-zero"),
    ],
)
def test_no_weight_in_time_is_a_named_refusal_and_never_zero(said: object, name: str) -> None:
    shop = Shop()
    ticket = shop.scan(BANANAS)
    if said is not None:
        shop.weigh(said)  # type: ignore[arg-type]
    assert shop.station.next_deadline_us is not None
    shop.wait(5)
    assert name_of(shop.answers[ticket]) == name
    assert shop.log == []
    assert [e.name for e in shop.chatter if isinstance(e, Rejection)] == [name]
    assert shop.station.next_deadline_us is None


def test_a_load_is_sold_once_unless_it_is_lifted_or_taken_back() -> None:
    shop = Shop()
    shop.scan(BANANAS)
    shop.weigh(grams(1250))
    ticket = shop.scan(BANANAS)
    shop.weigh(grams(1250))
    shop.wait(5)
    assert name_of(shop.answers[ticket]) == "weight-same-load"
    shop.scan("SW1:UNDO")
    shop.scan(BANANAS)
    shop.weigh(grams(1250))
    shop.weigh(grams(0))
    shop.scan(BANANAS)
    shop.weigh(grams(1250))
    assert quantities(shop) == [-1250, -1250, -1250]


def test_while_a_weight_is_waited_for_the_scanner_refuses_goods_and_undo_gives_up() -> None:
    shop = Shop()
    bananas = shop.scan(BANANAS)
    assert name_of(shop.outcome(MILK)) == "weighing"
    assert name_of(shop.outcome(BANANAS, OTHER)) == "scale-busy"
    assert isinstance(shop.outcome(MILK, OTHER), Accepted)
    assert isinstance(shop.outcome("SW1:UNDO"), Accepted)
    assert name_of(shop.answers[bananas]) == "given-up"
    assert quantities(shop) == [-1000]


def test_a_weighed_item_is_not_multiplied() -> None:
    shop = Shop()
    shop.scan("SW1:QTY:2")
    assert name_of(shop.outcome(BANANAS)) == "quantity-of-weighed"


def test_only_the_weights_of_the_scale_named_count() -> None:
    shop = Shop()
    shop.config = shop.config.__class__(shop.config.place, Mode.SALE, scale=DeviceId("scale"))
    shop.power_cut()
    ticket = shop.scan(BANANAS)
    shop.weigh(grams(300), DeviceId("parcel-scale"))
    assert shop.unanswered == [ticket]
    shop.weigh(grams(300))
    assert quantities(shop) == [-300]
