"""The price card: the next scan only tells its price."""

from __future__ import annotations

from edge.station.actions import Accepted, Rejected
from protocol.cards import Mode
from protocol.events import Delta
from tests.unit.edge_station.shop import BAD, BANANAS, MILK, OTHER, SCANNER, TEA, UNKNOWN, Shop


def sold(shop: Shop) -> list[tuple[str, int]]:
    return [(entry.code, entry.qty_milli) for entry in shop.log if isinstance(entry, Delta)]


def test_one_scan_tells_its_price_and_the_next_is_sold() -> None:
    shop = Shop()
    asked = shop.outcome("SW1:PRICE")
    told = shop.outcome(MILK)
    assert isinstance(asked, Accepted)
    assert isinstance(told, Accepted)
    assert (asked.did, told.did, told.mode) == ("price", "price-check", Mode.SALE)
    assert told.price is not None
    assert (told.price.minor, told.where) == (119, None)
    shop.scan(MILK)
    assert sold(shop) == [(MILK, -1000)]


def test_it_is_for_the_scanner_that_read_it() -> None:
    shop = Shop()
    shop.scan("SW1:PRICE", SCANNER)
    shop.scan(MILK, OTHER)
    shop.scan(TEA, SCANNER)
    assert sold(shop) == [(MILK, -1000)]


def test_an_item_sold_by_weight_is_not_weighed_for_it() -> None:
    shop = Shop()
    shop.scan("SW1:PRICE")
    told = shop.outcome(BANANAS)
    assert isinstance(told, Accepted)
    assert told.price is not None
    assert told.price.minor == 199


def test_it_outlives_a_misread_but_no_answer_and_no_minute() -> None:
    shop = Shop()
    shop.scan("SW1:PRICE")
    shop.scan(BAD)
    unknown = shop.outcome(UNKNOWN)
    assert isinstance(unknown, Rejected)
    assert unknown.name == "unknown-item"
    shop.scan("SW1:PRICE")
    shop.wait(61)
    assert [notice.rejected.name for notice in shop.notices] == ["price-check-expired"]
    shop.scan(MILK)
    assert sold(shop) == [(MILK, -1000)]


def test_undo_drops_it_and_a_quantity_waits_behind_it() -> None:
    shop = Shop()
    shop.scan("SW1:PRICE")
    shop.scan("SW1:UNDO")
    shop.scan("SW1:QTY:3")
    shop.scan("SW1:PRICE")
    shop.scan(TEA)
    shop.scan(MILK)
    assert sold(shop) == [(MILK, -3000)]
