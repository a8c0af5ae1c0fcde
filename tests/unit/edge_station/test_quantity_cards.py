"""A quantity card is for the next scan of its scanner, and for nothing else."""

from __future__ import annotations

from protocol.events import Delta
from tests.unit.edge_station.shop import (
    BAD,
    BANANAS,
    MILK,
    OTHER,
    SCANNER,
    Shop,
)
from tests.unit.edge_station.telling import name_of, quantities


def test_a_quantity_card_multiplies_the_next_scan_only() -> None:
    shop = Shop()
    shop.scan("SW1:QTY:12")
    assert shop.log == []
    shop.scan(MILK)
    shop.scan(MILK)
    assert quantities(shop) == [-12_000, -1000]


def test_a_quantity_can_make_another_price_win() -> None:
    shop = Shop()
    shop.scan("SW1:QTY:6")
    shop.scan(MILK)
    shop.scan(MILK)
    assert [entry.price_minor for entry in shop.log if isinstance(entry, Delta)] == [99, 119]


def test_a_quantity_card_is_for_the_scanner_that_read_it() -> None:
    shop = Shop()
    shop.scan("SW1:QTY:5", SCANNER)
    shop.scan(MILK, OTHER)
    shop.scan(MILK, SCANNER)
    assert quantities(shop) == [-1000, -5000]


def test_a_quantity_outlives_a_misread_but_not_a_minute() -> None:
    shop = Shop()
    shop.scan("SW1:QTY:5")
    shop.scan(BAD)
    shop.scan(MILK)
    assert quantities(shop) == [-5000]
    shop.scan("SW1:QTY:5")
    shop.wait(61)
    assert [notice.rejected.name for notice in shop.notices] == ["quantity-expired"]
    shop.scan(MILK)
    assert quantities(shop) == [-5000, -1000]


def test_a_quantity_outlives_a_refusal_of_the_disk_and_is_used_once() -> None:
    shop = Shop(slow=True)
    shop.scan("SW1:QTY:12")
    shop.scan(MILK)
    shop.fail()
    for _ in range(2):
        shop.scan(MILK)
        shop.write()
    assert quantities(shop) == [-12_000, -1000]


def test_of_two_quantities_the_later_one_holds_after_a_refusal() -> None:
    shop = Shop(slow=True)
    shop.scan("SW1:QTY:12")
    shop.scan(MILK)
    shop.scan("SW1:QTY:2")
    shop.fail()
    shop.scan(MILK)
    shop.write()
    assert quantities(shop) == [-2000]


def test_a_quantity_refused_by_the_disk_is_not_for_the_next_mode() -> None:
    shop = Shop(slow=True)
    shop.scan("SW1:QTY:12")
    shop.scan(MILK)
    shop.scan("SW1:MODE:RECEIVE", OTHER)
    refused = shop.waiting.pop(0)
    shop.write()
    shop.waiting.append(refused)
    shop.fail()
    shop.scan(MILK)
    shop.write()
    assert quantities(shop) == [1000]


def test_a_quantity_told_beside_the_code_is_taken_and_bounded() -> None:
    shop = Shop()
    shop.scan(MILK, qty_milli=2500)
    shop.scan(BANANAS, qty_milli=730)
    assert quantities(shop) == [-2500, -730]
    for wrong in (0, -1000, 10**10):
        assert name_of(shop.answers[shop.scan(MILK, qty_milli=wrong)]) == "bad-quantity"
