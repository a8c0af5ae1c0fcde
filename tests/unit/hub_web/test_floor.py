"""The shop floor over REST and as pages, on the real store."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from protocol.catalogue import Item
from protocol.events import Delta, Reason
from protocol.state import StationState
from tests.unit.hub_web.shop import MILK, NOON_US, Shop, called

WHO = {"author": "Ada", "note": "we rebuilt"}
BACK = {"place": "back", "kind": "area", "from_us": 0, **WHO}
RACK = {"place": "rack", "kind": "shelf", "parent": "back", "from_us": 0, **WHO}


@pytest.fixture
async def rest(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    await shop.stocked()
    async with called(shop.app()) as client:
        yield client


async def test_a_place_given_over_rest_takes_the_stock_that_was_scanned_there(
    shop: Shop, rest: httpx.AsyncClient
) -> None:
    assert (await rest.get("/api/v1/places")).json() == {"places": []}
    moved = Delta(shop.when(1), "scanner", MILK, "]E0", 7000, Reason.RECEIPT, "rack")
    await shop.arrive("dock", shop.anchor(5), moved)
    await shop.fold()
    for body in (BACK, RACK):
        made = await rest.post("/api/v1/places", json=body)
        assert (made.status_code, made.json()["repeated"]) == (201, False), made.text
    await shop.fold()
    stock = (await rest.get("/api/v1/items/milk-1l")).json()["stock"]
    assert {row["area"]: row["on_hand_milli"] for row in stock}["back"] == 7000
    back, rack = (await rest.get("/api/v1/places")).json()["places"]
    assert (back["place"], back["kind"], back["parent"], back["area"]) == ("back", "area", None, "back")
    assert (rack["place"], rack["parent"], rack["area"], rack["author"]) == ("rack", "back", "back", "Ada")
    assert (await rest.get("/api/v1/places", params={"at_us": 0})).json()["places"] == [back, rack]
    assert (await rest.get("/api/v1/places/rack")).json() == {"places": [rack]}
    assert (await rest.get("/api/v1/places/nowhere")).status_code == 404


async def test_what_is_asked_for_twice_under_a_key_is_decided_once(shop: Shop, rest: httpx.AsyncClient) -> None:
    for path, body in (
        ("places", {k: v for k, v in BACK.items() if k != "from_us"}),
        ("places", RACK | {"from_us": NOON_US}),
        ("homes", {"item": "milk-1l", "place": "rack", **WHO}),
    ):
        head = {"idempotency-key": f"key-{body['place']}-{path}"}
        first = await rest.post(f"/api/v1/{path}", json=body, headers=head)
        shop.now_us += 1
        again = await rest.post(f"/api/v1/{path}", json=body, headers=head)
        assert (first.status_code, again.status_code) == (201, 200), again.text
        assert again.json() == {"entry": first.json()["entry"], "repeated": True}


async def test_homes_are_given_and_found_by_item_and_by_place(rest: httpx.AsyncClient) -> None:
    for body in (BACK, RACK):
        await rest.post("/api/v1/places", json=body)
    made = await rest.post("/api/v1/homes", json={"item": "milk-1l", "place": "rack", "from_us": 5, **WHO})
    assert made.status_code == 201, made.text
    for query in ({"item": "milk-1l"}, {"place": "rack"}, {}):
        (home,) = (await rest.get("/api/v1/homes", params=query)).json()["homes"]
        assert (home["item"], home["place"], home["from_us"], home["to_us"]) == ("milk-1l", "rack", 5, None)
    assert (await rest.get("/api/v1/homes", params={"item": "bread"})).json() == {"homes": []}


@pytest.mark.parametrize(
    ("path", "body", "status", "name"),
    [
        ("places", {**RACK, "parent": "nowhere"}, 400, "place-unknown"),
        ("places", {**RACK, "kind": "cupboard"}, 422, "bad-request"),
        ("places", {**RACK, "place": "Rack 1"}, 422, "bad-request"),
        ("places", {**RACK, "note": ""}, 422, "bad-request"),
        ("homes", {"item": "milk-1l", "place": "back", **WHO}, 400, "not-a-shelf"),
    ],
)
async def test_what_cannot_be_is_refused(
    rest: httpx.AsyncClient, path: str, body: object, status: int, name: str
) -> None:
    await rest.post("/api/v1/places", json=BACK)
    refused = await rest.post(f"/api/v1/{path}", json=body)
    assert (refused.status_code, refused.json()["name"]) == (status, name)


async def test_people_lay_the_floor_out_on_pages(shop: Shop, rest: httpx.AsyncClient) -> None:
    await shop.say("till-9", StationState("ready", place="exit"))
    page = (await rest.get("/floor")).text
    assert "one area without shelves" in page
    assert "till-9 in exit" in page
    await shop.store.apply_catalogue([Item("milk-1l", "Whole milk 1 l")])
    forms = (
        {"place": "back", "kind": "area", "from_us": "2026-01-01T00:00", **WHO},
        {"place": "rack", "kind": "shelf", "parent": "back", "area": "", "from_us": "", **WHO},
    )
    for form in forms:
        made = await rest.post("/floor", data=form)
        assert (made.status_code, made.headers["location"]) == (303, "/floor"), made.text
    page = (await rest.get("/floor")).text
    assert '<a href="/floor/rack">rack</a>' in page
    assert "shelf <span" in page
    made = await rest.post("/floor/rack/homes", data={"item": "milk-1l", **WHO})
    assert (made.status_code, made.headers["location"]) == (303, "/floor/rack")
    page = (await rest.get("/floor/rack")).text
    assert "Whole milk 1 l" in page
    assert "we rebuilt" in page
    html = {"accept": "text/html"}
    for form in ({**forms[1], "from_us": "tomorrow"}, {"author": "x"}):
        assert (await rest.post("/floor", data=form, headers=html)).status_code == 422
    assert (await rest.get("/floor/nowhere", headers=html)).status_code == 404
