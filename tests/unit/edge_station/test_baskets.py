"""Selling by basket: scans fall into it, and move goods when till software closes it as sold."""

from __future__ import annotations

import pytest

from edge.station.actions import Accepted, Outcome
from edge.station.basket import MAX_LINES
from edge.station.session import session_name
from protocol.cards import Mode
from protocol.events import (
    BasketClosed,
    BasketEnd,
    BasketLine,
    BasketOpened,
    Delta,
    LineTakenOut,
    Restored,
    Suppressed,
)
from tests.unit.edge_station.shop import BANANAS, EPOCH, MILK, SCANNER, TEA, Shop, grams, station_config
from tests.unit.edge_station.telling import name_of


@pytest.fixture
def shop() -> Shop:
    return Shop(station_config(baskets=True))


def opened(shop: Shop, document: str | None = None) -> str:
    outcome = shop.open_basket(document)
    assert isinstance(outcome, Accepted)
    assert outcome.session is not None
    return outcome.session


def accepted(outcome: Outcome) -> Accepted:
    assert isinstance(outcome, Accepted), outcome
    return outcome


def deltas(shop: Shop) -> list[Delta]:
    return [entry for entry in shop.log if isinstance(entry, Delta)]


def lines(shop: Shop) -> list[BasketLine]:
    return [entry for entry in shop.log if isinstance(entry, BasketLine)]


def test_nothing_is_sold_without_a_basket_and_nothing_moves_until_it_is_sold(shop: Shop) -> None:
    assert name_of(shop.outcome(MILK)) == "no-basket"
    name = opened(shop, "order-17")
    first = accepted(shop.outcome(MILK))
    assert (first.did, first.session, first.price is not None) == ("sale", name, True)
    shop.outcome(TEA)
    assert not deltas(shop)
    scanned = [line.meant for line in lines(shop)]
    told = accepted(shop.close_basket(name))
    assert told.did == "basket-sold"
    assert told.ended is not None
    assert (told.ended.scans, told.ended.total_minor, told.ended.document) == (2, 119, "order-17")
    assert deltas(shop) == scanned, "each as it was scanned, at its own time"
    assert [delta.document for delta in scanned] == ["order-17", "order-17"]
    end = shop.log[-1]
    assert isinstance(end, BasketClosed)
    assert (end.basket, end.how) == (name, BasketEnd.SOLD)
    opening = shop.log[0]
    assert isinstance(opening, BasketOpened)
    assert (opening.basket, opening.document) == (session_name(opening.when), "order-17")
    assert name_of(shop.outcome(MILK)) == "no-basket"
    assert shop.station.work.document is None


@pytest.mark.parametrize("how", [BasketEnd.VOIDED, BasketEnd.ABANDONED])
def test_what_is_not_sold_moves_nothing(shop: Shop, how: BasketEnd) -> None:
    name = opened(shop)
    shop.outcome(MILK)
    assert accepted(shop.close_basket(name, how)).did == f"basket-{how.value}"
    assert not deltas(shop)
    assert name_of(shop.outcome("SW1:UNDO")) == "nothing-to-undo"


def test_undo_takes_lines_out_one_by_one_and_no_further_than_the_basket(shop: Shop) -> None:
    shop.close_basket(opened(shop))
    name = opened(shop)
    shop.outcome(MILK)
    shop.outcome(TEA)
    accepted(shop.outcome("SW1:UNDO"))
    out = shop.log[-1]
    assert isinstance(out, LineTakenOut)
    assert isinstance(shop.log[out.seq - 1], BasketLine)
    assert out.epoch == str(EPOCH)
    assert shop.summary().scans == 1
    accepted(shop.outcome("SW1:UNDO"))
    assert name_of(shop.outcome("SW1:UNDO")) == "nothing-to-undo"
    shop.outcome(TEA)
    shop.close_basket(name)
    assert [delta.code for delta in deltas(shop)] == [TEA]
    assert name_of(shop.outcome("SW1:UNDO")) == "nothing-to-undo", "what is sold is not taken back by a card"


def test_a_power_cut_loses_nothing_of_it(shop: Shop) -> None:
    name = opened(shop, "order-17")
    shop.outcome(MILK)
    shop.outcome(TEA)
    shop.outcome("SW1:UNDO")
    shop.power_cut()
    assert (shop.station.session, shop.station.work.document) == (name, "order-17")
    shop.outcome("SW1:QTY:3")
    shop.outcome(TEA)
    shop.power_cut()
    assert shop.summary().scans == 2
    shop.outcome("SW1:UNDO")
    shop.outcome(MILK)
    told = accepted(shop.close_basket(name))
    assert [(delta.code, delta.qty_milli) for delta in deltas(shop)] == [(MILK, -1000), (MILK, -1000)]
    shop.power_cut()
    again = accepted(shop.close_basket(name))
    assert (again.did, again.session) == (told.did, name), "till software that did not hear the answer asks again"
    assert len(deltas(shop)) == 2
    assert name_of(shop.close_basket(name, BasketEnd.VOIDED)) == "no-basket"
    assert name_of(shop.outcome("SW1:UNDO")) == "nothing-to-undo"
    shop.power_cut(station_config(Mode.RECEIVE, baskets=True))
    assert shop.station.mode is Mode.RECEIVE


def test_an_open_basket_stays_open_though_the_settings_say_otherwise(shop: Shop) -> None:
    name = opened(shop)
    shop.outcome(MILK)
    shop.power_cut(station_config(Mode.RECEIVE))
    assert shop.station.session == name
    assert accepted(shop.close_basket(name)).did == "basket-sold"
    assert len(deltas(shop)) == 1
    assert name_of(shop.open_basket()) == "no-baskets"


def test_the_station_turns_to_nothing_else_while_one_is_open(shop: Shop) -> None:
    name = opened(shop)
    assert name_of(shop.open_basket()) == "basket-open"
    assert name_of(shop.outcome("SW1:END")) == "basket-open"
    assert name_of(shop.outcome("SW1:MODE:RECEIVE")) == "basket-open"
    assert name_of(shop.close_basket("another")) == "other-basket"
    shop.close_basket(name)
    accepted(shop.outcome("SW1:MODE:RETURN"))
    assert name_of(shop.open_basket()) == "not-selling"
    shop.outcome(MILK)
    assert [delta.qty_milli for delta in deltas(shop)] == [1000], "only what is sold falls into baskets"


def test_weighed_goods_and_doubles_fall_into_it_too() -> None:
    shop = Shop(station_config(baskets=True, dwell_us={SCANNER: 3_000_000}))
    name = opened(shop)
    shop.scan(BANANAS)
    assert name_of(shop.close_basket(name)) == "weighing"
    shop.weigh(grams(1250))
    shop.outcome(MILK)
    shop.outcome(MILK)
    assert isinstance(shop.log[-1], Suppressed)
    accepted(shop.outcome("SW1:AGAIN"))
    assert isinstance(shop.log[-2], Restored)
    shop.mark()
    shop.close_basket(name)
    assert [delta.qty_milli for delta in deltas(shop)] == [-1250, -1000, -1000]
    assert [delta.when for delta in deltas(shop)] == [line.meant.when for line in lines(shop)]


def test_a_line_that_is_not_on_disk_is_not_in_it(shop: Shop) -> None:
    name = opened(shop)
    shop.slow = True
    shop.scan(MILK)
    ticket = shop.scan(TEA)
    shop.write()
    shop.fail()
    assert name_of(shop.answers[ticket]) == "full"
    shop.slow = False
    assert accepted(shop.close_basket(name)).did == "basket-sold"
    assert [delta.code for delta in deltas(shop)] == [MILK]


def test_one_basket_takes_so_much_and_no_more(shop: Shop) -> None:
    opened(shop)
    for _ in range(MAX_LINES):
        shop.outcome(MILK)
    assert name_of(shop.outcome(MILK)) == "basket-full"
