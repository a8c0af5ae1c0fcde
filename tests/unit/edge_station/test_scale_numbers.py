"""The number an item has at the scales: keyed in by the till, or on a card beside them."""

from __future__ import annotations

from edge.station.actions import Accepted
from protocol.cards import PluCard, card_text
from protocol.events import Delta
from tests.unit.edge_station.shop import API, BANANAS_PLU, Shop, grams
from tests.unit.edge_station.telling import name_of


def test_a_number_card_waits_for_the_scale_as_the_item_itself_does() -> None:
    shop = Shop()
    ticket = shop.scan(card_text(PluCard(4011)))
    assert not shop.log
    shop.weigh(grams(734))
    answer = shop.answers[ticket]
    assert isinstance(answer, Accepted)
    assert (answer.code, answer.goods and answer.goods.item and answer.goods.item.item) == (BANANAS_PLU, "bananas")
    (sold,) = [entry for entry in shop.log if isinstance(entry, Delta)]
    assert (sold.code, sold.qty_milli, sold.price_minor) == (BANANAS_PLU, -734, 199)


def test_a_till_names_the_number_and_the_weight() -> None:
    shop = Shop()
    ticket = shop.scan(BANANAS_PLU, API, qty_milli=500)
    assert isinstance(shop.answers[ticket], Accepted)
    assert [entry.qty_milli for entry in shop.log if isinstance(entry, Delta)] == [-500]


def test_a_number_that_can_be_none_is_no_card() -> None:
    for text in ("SW1:PLU:0", "SW1:PLU:123456", "SW1:PLU:40X", "SW1:PLU"):
        assert name_of(Shop().outcome(text)) == "bad-card"
