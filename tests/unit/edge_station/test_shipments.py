"""A shipment's card: the same paper sends goods off where they leave and takes them in where they arrive."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.station.actions import Accepted, Work
from protocol.cards import Mode, ShipmentCard, ShipmentEnd, card_text
from protocol.errors import BadInput
from protocol.events import Delta, Reason, Reversal
from protocol.identity import PlaceId, StoreId
from tests.unit.edge_station.shop import MILK, Shop, station_config
from tests.unit.edge_station.telling import name_of

OAK, HIGH = StoreId("oak-street"), StoreId("high-street")
BETWEEN_STORES = card_text(ShipmentCard("TR-17", ShipmentEnd(OAK), ShipmentEnd(HIGH, PlaceId("dock"))))
WITHIN = card_text(ShipmentCard("TR-18", ShipmentEnd(OAK, PlaceId("stockroom")), ShipmentEnd(OAK, PlaceId("shop"))))


def at(store: StoreId, place: str) -> Shop:
    return Shop(replace(station_config(), store=store, place=PlaceId(place)))


def moved(shop: Shop) -> list[tuple[int, Reason, str, str | None]]:
    return [(e.qty_milli, e.reason, e.place, e.document) for e in shop.log if isinstance(e, Delta)]


def test_goods_leave_the_store_the_card_names_first_and_arrive_at_the_other() -> None:
    source, destination = at(OAK, "shop"), at(HIGH, "dock")
    for shop in (source, destination):
        shop.scan(BETWEEN_STORES)
        shop.scan("SW1:QTY:6")
        shop.scan(MILK)
    assert moved(source) == [(-6000, Reason.TRANSFER, "shop", "TR-17")]
    assert moved(destination) == [(6000, Reason.TRANSFER, "dock", "TR-17")]
    assert destination.station.work == Work(Mode.TRANSFER, "TR-17", arriving=True)


def test_within_a_store_the_places_tell_the_two_ends_apart() -> None:
    source, destination = at(OAK, "stockroom"), at(OAK, "shop")
    for shop in (source, destination):
        shop.scan(WITHIN)
        shop.scan(MILK)
    assert moved(source) == [(-1000, Reason.TRANSFER, "stockroom", "TR-18")]
    assert moved(destination) == [(1000, Reason.TRANSFER, "shop", "TR-18")]


def test_a_station_knows_its_place_by_the_area_that_it_is_part_of() -> None:
    shop = Shop(replace(station_config(), store=OAK, place=PlaceId("till-3"), area=PlaceId("shop")))
    shop.scan(WITHIN)
    shop.scan(MILK)
    assert moved(shop) == [(1000, Reason.TRANSFER, "till-3", "TR-18")]


def test_a_station_at_neither_end_refuses_the_card() -> None:
    for shop in (at(StoreId("mill-lane"), "shop"), at(HIGH, "shop"), Shop()):
        assert name_of(shop.outcome(BETWEEN_STORES)) == "not-here"
        assert shop.station.mode is Mode.SALE


def test_arriving_goods_survive_a_power_cut_and_are_undone() -> None:
    shop = at(HIGH, "dock")
    shop.scan(BETWEEN_STORES)
    shop.scan(MILK)
    shop.power_cut()
    assert shop.station.work.arriving
    shop.scan(MILK)
    assert isinstance(shop.outcome("SW1:UNDO"), Accepted)
    assert isinstance(shop.outcome("SW1:UNDO"), Accepted)
    assert name_of(shop.outcome("SW1:UNDO")) == "nothing-to-undo"
    assert [entry.seq for entry in shop.log if isinstance(entry, Reversal)] == [2, 1]


def test_the_api_takes_goods_in_by_document_only_as_a_transfer() -> None:
    shop = at(HIGH, "dock")
    shop.ask_for(Work(Mode.TRANSFER, "TR-17", arriving=True))
    assert shop.station.work.arriving
    for work in (Work(Mode.TRANSFER, arriving=True), Work(Mode.SALE, "TR-17", arriving=True)):
        assert name_of(shop.answers[shop.ask_for(work)]) == "bad-document"


def test_a_card_within_a_store_names_both_places() -> None:
    for source, destination in ((None, None), ("shop", None), ("shop", "shop")):
        ends = [ShipmentEnd(OAK, None if place is None else PlaceId(place)) for place in (source, destination)]
        with pytest.raises(BadInput, match="bad-card"):
            card_text(ShipmentCard("TR-1", *ends))


def test_a_damaged_card_is_refused() -> None:
    assert name_of(at(OAK, "shop").outcome(BETWEEN_STORES.replace("TR-17", "TR-71"))) == "bad-card"
