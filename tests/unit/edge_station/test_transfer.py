"""Transfer mode: into transit, or to a place of the same store."""

from __future__ import annotations

import pytest

from edge.station.actions import Accepted, Rejected, Work
from protocol.cards import Mode, PlaceCard, card_text
from protocol.events import Delta, Reason, Reversal
from protocol.identity import PlaceId
from tests.unit.edge_station.shop import MILK, TEA, UNKNOWN, Shop, station_config

STOCKROOM = PlaceId("stockroom")
CARD = card_text(PlaceCard(STOCKROOM))


def legs(shop: Shop) -> list[tuple[str, str | None, int]]:
    return [(entry.place, entry.counter_place, entry.qty_milli) for entry in shop.log if isinstance(entry, Delta)]


def name_of(outcome: object) -> str:
    assert isinstance(outcome, Rejected)
    return outcome.name


def test_without_a_place_goods_leave_for_transit() -> None:
    shop = Shop(station_config(Mode.TRANSFER))
    shop.scan(MILK)
    assert legs(shop) == [("shop", None, -1000)]


@pytest.mark.parametrize("code", [MILK, UNKNOWN])
def test_with_a_place_they_leave_one_and_reach_the_other_in_one_transaction(code: str) -> None:
    shop = Shop()
    shop.scan(CARD)
    shop.slow = True
    shop.scan(code)
    (commit,) = shop.waiting
    shop.write()
    assert len(commit.entries) == 2
    assert legs(shop) == [("shop", "stockroom", -1000), ("stockroom", "shop", 1000)]
    out, into = (entry for entry in shop.log if isinstance(entry, Delta))
    assert (out.reason, out.when, out.code) == (into.reason, into.when, into.code) == (Reason.TRANSFER, out.when, code)


def test_a_quantity_card_multiplies_both_legs() -> None:
    shop = Shop()
    for text in (CARD, "SW1:QTY:4", MILK):
        shop.scan(text)
    assert [qty for _, _, qty in legs(shop)] == [-4000, 4000]


def test_undo_takes_back_both_legs_of_the_last_transfer_only() -> None:
    shop = Shop()
    for text in (CARD, MILK, TEA, "SW1:UNDO"):
        shop.scan(text)
    assert [entry.seq for entry in shop.log if isinstance(entry, Reversal)] == [3, 4]
    shop.scan("SW1:UNDO")
    assert [entry.seq for entry in shop.log if isinstance(entry, Reversal)] == [3, 4, 1, 2]
    assert name_of(shop.outcome("SW1:UNDO")) == "nothing-to-undo"


def test_an_undo_that_the_disk_refused_is_tried_again_whole() -> None:
    shop = Shop()
    shop.scan(CARD)
    shop.scan(MILK)
    shop.slow = True
    shop.scan("SW1:UNDO")
    shop.fail()
    shop.scan("SW1:UNDO")
    shop.write()
    assert [entry.seq for entry in shop.log if isinstance(entry, Reversal)] == [1, 2]


def test_after_a_power_cut_goods_still_go_there_and_undo_still_takes_both_legs() -> None:
    shop = Shop()
    shop.scan(CARD)
    shop.scan(MILK)
    shop.power_cut()
    assert shop.station.work == Work(Mode.TRANSFER, to_place=STOCKROOM)
    shop.scan(TEA)
    shop.scan("SW1:UNDO")
    shop.power_cut()
    shop.scan("SW1:UNDO")
    assert [entry.seq for entry in shop.log if isinstance(entry, Reversal)] == [3, 4, 1, 2]


def test_another_place_is_another_period() -> None:
    shop = Shop()
    shop.scan(CARD)
    shop.scan(MILK)
    shop.set_mode(Mode.TRANSFER, to_place="bakery")
    assert name_of(shop.outcome("SW1:UNDO")) == "nothing-to-undo"
    shop.scan(MILK)
    assert [place for place, _, qty in legs(shop) if qty > 0] == ["stockroom", "bakery"]


def test_goods_do_not_go_where_they_are() -> None:
    shop = Shop()
    assert name_of(shop.outcome(card_text(PlaceCard(PlaceId("shop"))))) == "same-place"
    assert shop.station.mode is Mode.SALE


@pytest.mark.parametrize(("mode", "document"), [(Mode.SALE, None), (Mode.TRANSFER, "T-1")])
def test_a_place_belongs_to_a_transfer_under_no_document(mode: Mode, document: str | None) -> None:
    shop = Shop()
    assert name_of(shop.answers[shop.set_mode(mode, document, "stockroom")]) == "bad-place"


def test_the_place_card_again_changes_nothing() -> None:
    shop = Shop()
    shop.scan(CARD)
    shop.scan(MILK)
    assert isinstance(shop.outcome(CARD), Accepted)
    assert isinstance(shop.outcome("SW1:UNDO"), Accepted)
