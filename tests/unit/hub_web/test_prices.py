"""Which price was live: the REST route and the page over the real store."""

from __future__ import annotations

import pytest

from protocol.catalogue import Price, PriceKind
from protocol.dated_words import PositionGiven
from protocol.identity import StationId
from tests.unit.hub_web.shop import NOON_US, Shop, called


@pytest.fixture
async def priced(shop: Shop) -> Shop:
    """Give a shop where milk got dearer, which one till has heard of and the other not."""
    await shop.stocked()
    await shop.store.note_catalogue_held([(StationId("till-9"), shop.store.catalogue.view.head, NOON_US)])
    await shop.store.apply_catalogue([Price("milk-1l", "regular-1", PriceKind.REGULAR, 149, "EUR", valid_from_us=1)])
    return shop


async def test_the_price_at_a_till_and_the_one_that_was_due(priced: Shop) -> None:
    async with called(priced.app()) as client:
        answer = (await client.get(f"/api/v1/prices?item=milk-1l&station=till-9&at={NOON_US + 5}")).json()
        assert (answer["live"]["minor"], answer["due"]["minor"]) == (129, 149)
        assert (answer["at_us"], answer["station_us"]) == (NOON_US + 5, NOON_US)
        (perhaps,) = answer["perhaps"]
        assert (perhaps["price"]["minor"], perhaps["from_us"], perhaps["until_us"]) == (149, NOON_US, None)
        later = (
            await client.get("/api/v1/prices", params={"item": "milk-1l", "at": "2035-01-01T12:00:00+01:00"})
        ).json()
        assert (later["live"]["minor"], later["due"]["minor"]) == (149, 149)
        assert later["at_us"] == 2_051_262_000_000_000
        assert (later["station"], later["version"]) == (None, None)


@pytest.mark.parametrize(
    ("query", "name", "status"),
    [
        ("item=nothing", "item-unknown", 404),
        ("item=milk-1l&station=nobody", "no-station", 400),
        ("item=milk-1l&station=NO", "bad-request", 422),
        ("item=milk-1l&at=noon", "bad-request", 422),
        ("item=milk-1l&at=99999999999999999999", "bad-request", 422),
        ("", "bad-request", 422),
    ],
)
async def test_what_cannot_be_answered_is_a_problem(priced: Shop, query: str, name: str, status: int) -> None:
    async with called(priced.app()) as client:
        answer = await client.get(f"/api/v1/prices?{query}")
        assert (answer.status_code, answer.json()["name"]) == (status, name)


async def test_the_page_tells_it_to_people_and_is_linked_from_the_item(priced: Shop) -> None:
    async with called(priced.app()) as client:
        assert "/prices?item=milk-1l" in (await client.get("/items/milk-1l")).text
        page = (await client.get(f"/prices?item=milk-1l&station=till-9&at={NOON_US + 5}")).text
        assert "By what is known now it should have been" in page
        assert "regular-1" in page
        assert "has not acknowledged it" in page
        assert (await client.get("/prices?item=<script>")).status_code == 404
        plain = (await client.get("/prices?item=milk-1l")).text
        assert "should have been" not in plain


async def test_the_page_asks_by_where_a_station_stood_then(priced: Shop) -> None:
    stood = PositionGiven(NOON_US, "front", "till-9", "store", NOON_US + 3, "Ada", "mounted")
    await priced.store.decide(stood)
    await priced.fold()
    async with called(priced.app()) as client:
        page = (await client.get(f"/prices?item=milk-1l&position=front&at={NOON_US + 5}")).text
        assert "front</bdi> (till-9)" in page
        assert "By what is known now it should have been" in page
        before = await client.get(
            f"/prices?item=milk-1l&position=front&at={NOON_US + 2}", headers={"accept": "text/html"}
        )
        assert (before.status_code, "nobody said that it stood at front then" in before.text) == (404, True)
