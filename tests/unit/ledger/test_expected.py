"""What transfers bring and take: each piece once, from the approval until it is there or the transfer closed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.ledger.expected import Expected, expected
from hub.ledger.transfers import Moved, Route, Said, TransferState, settle
from protocol.decisions import TransferStep
from protocol.identity import ItemId, PlaceId, StoreId

OAK, ELM = StoreId("oak"), StoreId("elm")
TEA, FLOOR, BACK = ItemId("tea"), PlaceId("floor"), PlaceId("back")
TO_US = Route(ELM, PlaceId(""), OAK, FLOOR)


def said(step: TransferStep, route: Route, planned: int) -> Said:
    return Said(step, 1, False, (1, 1), "Ada", "", route, ((TEA, planned),))


def transfer(route: Route, planned: int, moved: Moved = Moved(), steps: str = "da") -> TransferState:  # noqa: B008
    names = {"d": TransferStep.DRAFT, "a": TransferStep.APPROVE, "c": TransferStep.CLOSE}
    return settle("TR-1", [said(names[step], route, planned) for step in steps], {TEA: moved})


def test_what_is_approved_is_on_order_until_it_is_shipped_and_in_transit_until_it_is_there() -> None:
    told = [
        expected([transfer(TO_US, 10_000, moved)], OAK)[TEA, FLOOR]
        for moved in (Moved(), Moved(shipped_milli=4000), Moved(10_000, 3000))
    ]
    assert told == [
        Expected(10_000, 0, 0, ("TR-1",)),
        Expected(6000, 4000, 0, ("TR-1",)),
        Expected(0, 7000, 0, ("TR-1",)),
    ]


def test_what_is_drafted_closed_or_all_there_is_not_expected() -> None:
    there = [
        transfer(TO_US, 10_000, steps="d"),
        transfer(TO_US, 10_000, steps="dac"),
        transfer(TO_US, 10_000, Moved(10_000, 10_000)),
        transfer(Route(OAK, FLOOR, ELM, PlaceId("")), 10_000, Moved(10_000)),
    ]
    assert expected(there, OAK) == {}


def test_what_is_to_leave_is_spoken_for_at_its_area_and_within_the_store_on_order_at_the_other() -> None:
    inside = transfer(Route(OAK, BACK, OAK, FLOOR), 5000, Moved(shipped_milli=2000))
    assert expected([inside], OAK) == {
        (TEA, FLOOR): Expected(3000, 2000, 0, ("TR-1",)),
        (TEA, BACK): Expected(0, 0, 3000, ("TR-1",)),
    }


def test_goods_for_no_area_in_particular_are_for_the_store() -> None:
    assert expected([transfer(Route(ELM, FLOOR, OAK, PlaceId("")), 1000)], OAK)[TEA, PlaceId("store")].on_order_milli


@given(st.integers(1, 9), st.integers(0, 12), st.integers(0, 12))
def test_each_piece_is_counted_once_and_none_below_zero(planned: int, shipped: int, received: int) -> None:
    found = expected([transfer(TO_US, planned, Moved(shipped, received))], OAK).get((TEA, FLOOR), Expected())
    assert min(found.on_order_milli, found.in_transit_milli) >= 0
    assert found.on_order_milli + found.in_transit_milli == max(0, planned - shipped) + max(0, shipped - received)
