"""Labels printed by a scale: what they say is sold, without asking the station's own scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from edge.codecs.readings import Scan
from edge.station.actions import Accepted, Goods, Rejected
from protocol.cards import Mode
from protocol.events import Count, CountReading, Delta, When
from protocol.label_price import LabelPrice
from tests.unit.edge_station.shop import (
    BANANAS,
    MILK,
    MILK_BY_6,
    SCANNER,
    TEA,
    UNKNOWN,
    Shop,
    grams,
    lookup,
    station_config,
)

MILK_MINOR = 119


def saying(weight_g: int | None = None, minor: int | None = None) -> Callable[[Scan, When], Goods]:
    """Have every code tell a weight or a price."""
    price = None if minor is None else LabelPrice(minor, "EUR")
    return lambda scan, when: replace(lookup(scan, when), weight_g=weight_g, label_price=price)


def sold(shop: Shop) -> list[tuple[int, int | None]]:
    return [(entry.qty_milli, entry.price_minor) for entry in shop.log if isinstance(entry, Delta)]


def test_a_weight_on_the_label_is_sold_at_the_price_of_a_kilogram() -> None:
    shop = Shop(lookup=saying(weight_g=734))
    assert isinstance(shop.outcome(BANANAS), Accepted)
    assert sold(shop) == [(-734, 199)]
    assert shop.summary().total_minor == 146


def test_a_price_on_the_label_tells_the_weight_and_is_what_it_costs() -> None:
    shop = Shop(lookup=saying(minor=146))
    shop.scan(BANANAS)
    shop.scan(BANANAS)
    assert sold(shop) == [(-734, 199)] * 2
    assert (shop.summary().total_minor, shop.summary().currency) == (292, "EUR")
    shop.power_cut()
    assert shop.summary().total_minor == 292


def test_with_both_the_weight_moves_and_the_price_is_paid() -> None:
    shop = Shop(lookup=saying(weight_g=734, minor=140))
    shop.scan(BANANAS)
    assert sold(shop) == [(-734, 199)]
    assert shop.summary().total_minor == 140


def test_a_price_of_what_is_sold_by_the_piece_is_its_price() -> None:
    shop = Shop(lookup=saying(minor=250))
    outcome = shop.outcome(TEA)
    assert isinstance(outcome, Accepted)
    assert outcome.attention is None
    assert sold(shop) == [(-1000, 250)]
    assert shop.summary().total_minor == 250


def test_a_price_of_several_pieces_is_so_many_of_them() -> None:
    shop = Shop(lookup=saying(minor=3 * MILK_MINOR))
    shop.scan(MILK)
    shop.scan("SW1:QTY:2")
    shop.scan(MILK)
    assert sold(shop) == [(-3000, MILK_MINOR), (-6000, MILK_MINOR)]
    assert shop.summary().total_minor == 9 * MILK_MINOR
    shop.power_cut()
    assert shop.summary().total_minor == 9 * MILK_MINOR


def test_a_price_of_several_pieces_counts_as_so_many() -> None:
    shop = Shop(station_config(Mode.COUNT), lookup=saying(minor=2 * MILK_MINOR))
    shop.scan(MILK)
    shop.scan("SW1:END")
    assert [entry.qty_milli for entry in shop.log if isinstance(entry, Count)] == [2000]


def test_a_price_of_unknown_goods_is_for_all_that_the_label_weighs() -> None:
    shop = Shop(lookup=saying(weight_g=1250, minor=500))
    shop.scan(UNKNOWN)
    assert sold(shop) == [(-1250, None)]
    assert shop.summary().total_minor == 500


def test_a_price_on_a_case_is_of_the_whole_case() -> None:
    shop = Shop(lookup=saying(minor=600))
    shop.scan(MILK_BY_6)
    shop.scan("SW1:QTY:2")
    shop.scan(MILK_BY_6)
    assert sold(shop) == [(-1000, None), (-2000, None)]
    assert shop.summary().total_minor == 1800


def test_a_price_in_another_currency_tells_no_weight() -> None:
    def abroad(scan: Scan, when: When) -> Goods:
        return replace(lookup(scan, when), label_price=LabelPrice(146, "USD"))

    shop = Shop(lookup=abroad)
    ticket = shop.scan(BANANAS)
    assert shop.unanswered == [ticket]
    shop.weigh(grams(734))
    assert sold(shop) == [(-734, 199)]


@pytest.mark.parametrize("code", [BANANAS, TEA, UNKNOWN])
def test_a_count_of_priced_labels_costs_nothing(code: str) -> None:
    shop = Shop(station_config(Mode.COUNT), lookup=saying(minor=500))
    shop.scan(code)
    shop.scan(code)
    assert (shop.summary().scans, shop.summary().total_minor) == (2, None)


def test_a_weight_of_what_is_sold_by_the_piece_is_one_piece() -> None:
    shop = Shop(lookup=saying(weight_g=1020))
    shop.scan(MILK)
    assert sold(shop) == [(-1000, 119)]


def test_a_weight_of_an_unknown_code_is_kept_for_when_it_is_known() -> None:
    shop = Shop(lookup=saying(weight_g=1020))
    shop.scan(UNKNOWN)
    assert sold(shop) == [(-1020, None)]


def test_a_price_that_tells_no_weight_is_weighed() -> None:
    def unpriced(scan: Scan, when: When) -> Goods:
        return replace(saying(minor=146)(scan, when), prices=())

    shop = Shop(lookup=unpriced)
    ticket = shop.scan(BANANAS)
    assert shop.unanswered == [ticket]
    shop.weigh(grams(700))
    assert sold(shop) == [(-700, None)]
    assert shop.summary().total_minor == 146


def test_a_label_is_of_one_pack_and_not_multiplied() -> None:
    shop = Shop(lookup=saying(weight_g=734))
    shop.scan("SW1:QTY:2")
    refused = shop.outcome(BANANAS)
    assert isinstance(refused, Rejected)
    assert refused.name == "quantity-of-weighed"


@pytest.mark.parametrize("mode", [Mode.SALE, Mode.COUNT])
def test_a_label_held_back_is_restored_with_its_weight(mode: Mode) -> None:
    config = replace(station_config(mode), dwell_us={SCANNER: 500_000})
    shop = Shop(config, lookup=saying(weight_g=734))
    shop.scan(BANANAS)
    shop.scan(BANANAS, after_s=0.1)
    shop.scan("SW1:AGAIN")
    moved = [abs(entry.qty_milli) for entry in shop.log if isinstance(entry, Delta | CountReading)]
    assert moved == [734, 734]
    shop.scan("SW1:END")
    assert [entry.qty_milli for entry in shop.log if isinstance(entry, Count)] == ([1468] if mode is Mode.COUNT else [])
