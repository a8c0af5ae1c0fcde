"""Which price was live at a time and place: by what was known there then, and beside it by what is known now."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from hub.errors import BadInput
from hub.store.tables import catalogue_held
from protocol.catalogue import (
    STORE,
    CatalogueRow,
    Gone,
    Price,
    PriceKind,
    RowKind,
    Scope,
    area_scope,
    encode_row,
    station_scope,
)
from protocol.catalogue_set import CatalogueSet
from protocol.identity import ItemId, PlaceId, StationId
from protocol.pricing import winning_price
from protocol.state import StationState, encode_state
from tests.unit.hub_store.shop import BOTH_ENGINES, rows_at, store_at

pytestmark = BOTH_ENGINES

MILK = ItemId("milk")
TILL, OTHER = StationId("till-1"), StationId("till-2")
SHOP = PlaceId("shop")


def price(
    minor: int,
    id_: str = "regular-0",
    scope: Scope = STORE,
    *,
    priority: int = 0,
    min_qty_milli: int = 0,
    valid_from_us: int = 0,
    valid_to_us: int | None = None,
) -> Price:
    about = ("milk", id_, PriceKind.REGULAR, minor, "EUR", scope)
    return Price(*about, priority, min_qty_milli, valid_from_us, valid_to_us)


class Shop:
    """A hub whose clock stands where a test puts it, and stations that hold what they are told to."""

    def __init__(self, path: Path) -> None:
        self.now_us = 0
        self.store = store_at(path, lambda: self.now_us)

    async def say(self, at_us: int, *rows: CatalogueRow) -> None:
        self.now_us = at_us
        await self.store.apply_catalogue(rows)

    async def hold(self, at_us: int, station: StationId = TILL) -> None:
        await self.store.note_catalogue_held([(station, self.store.catalogue.view.head, at_us)])

    async def at(
        self, t_us: int, station: StationId | None = None, qty_milli: int = 1000
    ) -> tuple[int | None, int | None]:
        """Give the prices live and due."""
        then = await self.store.price_at(MILK, station, t_us, qty_milli)
        return (None if then.live is None else then.live.minor, None if then.due is None else then.due.minor)


async def test_a_till_that_was_cut_off_sold_at_the_price_it_knew(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "hub.db")
    async with shop.store as store:
        await shop.say(100, price(129))
        await shop.hold(110)
        await shop.hold(110, OTHER)
        await shop.say(200, price(139, "regular-250", valid_from_us=250))
        await shop.hold(210, OTHER)
        await shop.hold(400)
        # In force from 250 on, shipped ahead to the one and not to the other.
        assert [await shop.at(t, OTHER) for t in (109, 249, 250)] == [(None, 129), (129, 129), (139, 139)]
        assert [await shop.at(t, TILL) for t in (249, 250, 399, 400)] == [
            (129, 129),
            (129, 139),
            (129, 139),
            (139, 139),
        ]
        then = await store.price_at(MILK, OTHER, 300, 1000)
        assert (then.known_us, then.held_us, then.version) == (200, 210, 2)


async def test_a_price_on_its_way_to_a_till_may_have_been_live_there(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "hub.db")
    async with shop.store as store:
        await shop.say(100, price(129))
        await shop.hold(110)
        await shop.say(200, price(139))
        await shop.say(220, price(149), price(1, "other-item-of-no-effect", STORE, priority=-5))
        await shop.hold(230)
        await shop.say(300, Gone(RowKind.PRICE, "milk", "regular-0"))

        async def perhaps(t_us: int) -> tuple[int | None, list[tuple[int | None, int, int | None]]]:
            then = await store.price_at(MILK, TILL, t_us, 1000)
            others = [
                (None if each.price is None else each.price.minor, each.from_us, each.until_us) for each in then.perhaps
            ]
            return None if then.live is None else then.live.minor, others

        assert await perhaps(105) == (None, [(129, 100, 110)])
        assert await perhaps(199) == (129, [])
        assert await perhaps(210) == (129, [(139, 200, 230)])
        assert await perhaps(225) == (129, [(139, 200, 230), (149, 220, 230)])
        assert await perhaps(230) == (149, [])
        # It has not said since that it knows of the end.
        assert await perhaps(400) == (149, [(1, 300, None)])


async def test_a_change_that_came_too_late_was_not_live_though_it_was_due(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "hub.db")
    async with shop.store:
        await shop.say(100, price(129))
        await shop.say(500, price(99, "offer", priority=5, valid_from_us=300, valid_to_us=600))
        assert [await shop.at(t) for t in (99, 299, 300, 499, 500, 600)] == [
            (None, 129), (129, 129), (129, 99), (129, 99), (99, 99), (129, 129),
        ]  # fmt: skip


async def test_what_was_replaced_or_ended_was_live_until_then(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "hub.db")
    async with shop.store as store:
        await shop.say(100, price(129))
        await shop.hold(100)
        await shop.say(200, price(119))
        await shop.hold(200)
        await shop.say(300, Gone(RowKind.PRICE, "milk", "regular-0"))
        await shop.hold(300)
        for station in (None, TILL):
            assert [(await shop.at(t, station))[0] for t in (100, 199, 200, 299, 300)] == [129, 129, 119, 119, None]
        assert [(row.price.minor, row.known_us, row.until_us) for row in await store.price_history(MILK)] == [
            (119, 200, 300),
            (129, 100, 200),
        ]


async def test_a_quantity_and_the_stations_own_scopes_count(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "hub.db")
    async with shop.store as store:
        await store.record_station_state(TILL, encode_state(StationState("online", place=SHOP)), 1)
        own = price(89, "own", scope=station_scope(TILL), priority=1)
        near = price(109, "near", scope=area_scope(SHOP))
        await shop.say(100, price(129), near, own, price(79, "six", min_qty_milli=6000, priority=9))
        await shop.hold(100)
        await shop.hold(100, OTHER)
        assert await shop.at(100) == (129, 129)
        assert await shop.at(100, TILL) == (89, 89)
        assert await shop.at(100, OTHER) == (129, 129)
        assert await shop.at(100, TILL, 6000) == (79, 79)


async def test_a_station_nobody_knows_is_told_apart_from_one_that_held_nothing_yet(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "hub.db")
    async with shop.store as store:
        await shop.say(100, price(129))
        with pytest.raises(BadInput, match="no-station"):
            await store.price_at(MILK, TILL, 100, 1000)
        await store.record_station_state(TILL, encode_state(StationState("online")), 1)
        assert await shop.at(100, TILL) == (None, 129)


async def test_the_same_version_said_again_is_written_down_once(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "hub.db")
    async with shop.store:
        await shop.say(100, price(129))
        for at_us in (100, 200, 300):
            await shop.hold(at_us)
    assert rows_at(tmp_path / "hub.db", select(catalogue_held.c.at_us)) == [(100,)]


ids = st.sampled_from(["a", "b", "c"])
scopes = st.sampled_from([STORE, station_scope(TILL), area_scope(SHOP), station_scope(OTHER)])
moments = st.integers(0, 6)
prices = st.builds(
    lambda id_, minor, scope, priority, least, start, length: Price(
        *("milk", id_, PriceKind.REGULAR, minor, "EUR", scope, priority, least, start),
        None if length is None else start + length,
    ),
    ids, st.integers(1, 99), scopes, st.integers(0, 2), st.sampled_from([0, 2000]), moments, st.none() | moments,
)  # fmt: skip
rows: st.SearchStrategy[CatalogueRow] = prices | st.builds(lambda id_: Gone(RowKind.PRICE, "milk", id_), ids)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.lists(rows, min_size=1, max_size=4), st.booleans()), max_size=6))
async def test_it_is_what_a_till_that_holds_those_rows_picks(steps: Sequence[tuple[list[CatalogueRow], bool]]) -> None:
    """Whatever comes and whenever a till acknowledges it: the hub answers by the till's own rule on the till's rows."""
    """Whatever comes, and whenever a till hears it: the hub's answer is the till's own rule on the till's rows."""
    here = (station_scope(TILL), area_scope(SHOP), STORE)
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder) / "hub.db")
        async with shop.store as store:
            await store.record_station_state(TILL, encode_state(StationState("online", place=SHOP)), 1)
            hub, till = CatalogueSet(), CatalogueSet()
            for now, (said, heard) in enumerate(steps):
                await shop.say(now, *said)
                for row in said:
                    hub.apply(encode_row(row))
                if heard:
                    await shop.hold(now)
                    till = CatalogueSet(hub.lines())
                live = [held.row for held in till if isinstance(held.row, Price)]
                due = [held.row for held in hub if isinstance(held.row, Price)]
                for qty in (1000, 2000):
                    then = await store.price_at(MILK, TILL, now, qty)
                    assert then.live == winning_price(live, now, qty, here)
                    assert then.due == winning_price(due, now, qty, here)
