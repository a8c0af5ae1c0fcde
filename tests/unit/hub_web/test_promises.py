"""Reservations and safety stock over REST and as a page: what may be promised is less, and too much is an alarm."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.unit.hub_web.shop import MILK, NOON_US, Shop, called

WHO = {"author": "Ada", "note": "they called"}
ORDER = {"document": "order-1", "item": "milk-1l", "qty_milli": 6000, **WHO}
SAFE = {"item": "milk-1l", "qty_milli": 10_000, **WHO}


@pytest.fixture
async def rest(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    await shop.stocked()
    async with called(shop.app()) as client:
        yield client


async def figures(rest: httpx.AsyncClient) -> dict[str, int]:
    told = (await rest.get("/api/v1/items/milk-1l")).json()
    (row,) = told["stock"]
    looked = (await rest.get(f"/api/v1/lookup/{MILK}")).json()
    assert looked["stock"] == [row]
    assert looked["available_milli"] == told["available_milli"] == row["available_milli"]
    return {name: row[f"{name}_milli"] // 1000 for name in ("on_hand", "reserved", "safety", "available")}


async def test_what_is_reserved_and_kept_for_safety_is_not_promised(shop: Shop, rest: httpx.AsyncClient) -> None:
    before = await figures(rest)
    head = {"idempotency-key": "once"}
    made = await rest.post("/api/v1/reservations", json=ORDER, headers=head)
    assert made.status_code == 201, made.text
    again = await rest.post("/api/v1/reservations", json=ORDER, headers=head)
    assert again.json() == {**made.json(), "repeated": True}
    assert (await rest.post("/api/v1/safety-stock", json=SAFE)).status_code == 201
    assert await figures(rest) == {**before, "reserved": 6, "safety": 10, "available": before["on_hand"] - 16}
    await shop.arrive("lone", shop.anchor(2000), shop.sale(MILK, 2, 300, document="order-1"))
    await shop.fold()
    assert await figures(rest) == {
        "on_hand": before["on_hand"] - 2,
        "reserved": 4,
        "safety": 10,
        "available": before["on_hand"] - 16,
    }
    (row,) = (await rest.get("/api/v1/reservations")).json()["reservations"]
    assert (row["open_milli"], row["sold_milli"], row["state"], row["author"]) == (4000, 2000, "open", "Ada")
    (kept,) = (await rest.get("/api/v1/safety-stock?item=milk-1l")).json()["safety"]
    assert (kept["area"], kept["qty_milli"], kept["from_us"]) == (None, 10_000, NOON_US)
    ended = await rest.post("/api/v1/reservations/end", json={"document": "order-1", "item": "milk-1l", **WHO})
    assert ended.status_code == 201, ended.text
    assert (await figures(rest))["reserved"] == 0
    assert (await rest.get("/api/v1/reservations")).json()["reservations"] == []
    (row,) = (await rest.get("/api/v1/reservations?ended=true")).json()["reservations"]
    assert row["state"] == "released"


async def test_more_reserved_than_there_is_beyond_the_safety_stock_is_an_alarm(rest: httpx.AsyncClient) -> None:
    on_hand = (await figures(rest))["on_hand"]
    await rest.post("/api/v1/safety-stock", json=SAFE)
    await rest.post("/api/v1/reservations", json={**ORDER, "qty_milli": (on_hand - 9) * 1000})
    alarms = {
        row["figures"]["item"]: (row["alarm"], row["short_milli"])
        for row in (await rest.get("/api/v1/planning/alerts")).json()["rows"]
    }
    assert alarms["milk-1l"] == ("oversold", 1000)
    assert alarms["bread"][0] == "negative"
    page = (await rest.get("/planning")).text
    assert all(words in page for words in ("oversold", "below zero"))
    assert "more reserved than there is" in (await rest.get("/items/milk-1l")).text
    (order,) = (await rest.get("/api/v1/planning/orders?search=milk")).json()["rows"]
    assert "oversold" in order["alarms"]
    assert (order["reserved_milli"], order["wanted_milli"]) == ((on_hand - 9) * 1000, 1000), "the past is too short"


@pytest.mark.parametrize(
    ("path", "body", "status", "name"),
    [
        ("reservations", {**ORDER, "qty_milli": 0}, 422, "bad-request"),
        ("reservations", {**ORDER, "item": "ghost"}, 404, "item-unknown"),
        ("reservations", {**ORDER, "area": "yard"}, 400, "area-unknown"),
        ("reservations", {**ORDER, "until_us": NOON_US}, 400, "ends-before"),
        ("reservations", {**ORDER, "extra": 1}, 422, "bad-request"),
        ("reservations/end", {"document": "none", "item": "milk-1l", **WHO}, 400, "not-reserved"),
        ("reservations/end", {"document": "x", "item": "milk-1l", "how": "reserve", **WHO}, 422, "bad-request"),
        ("safety-stock", {**SAFE, "qty_milli": -1}, 422, "bad-request"),
        ("safety-stock", {**SAFE, "note": ""}, 422, "bad-request"),
    ],
)
async def test_what_cannot_be_is_refused(
    rest: httpx.AsyncClient, path: str, body: dict[str, object], status: int, name: str
) -> None:
    refused = await rest.post(f"/api/v1/{path}", json=body)
    assert (refused.status_code, refused.json()["name"]) == (status, name)


async def test_people_reserve_and_end_on_a_page(rest: httpx.AsyncClient) -> None:
    form = {"item": "apples", "area": "store", "document": "order-<9>", "quantity": "1.250", **WHO}
    made = await rest.post("/reservations", data=form)
    assert (made.status_code, made.headers["location"]) == (303, "/reservations"), made.text
    made = await rest.post("/reservations/safety", data={"item": "apples", "quantity": "2", **WHO})
    assert made.status_code == 303, made.text
    page = (await rest.get("/reservations?item=apples")).text
    assert all(words in page for words in ("order-&lt;9&gt;", "1.250", "all others"))
    assert "kept for safety" in (await rest.get("/items/apples")).text
    ended = {"item": "apples", "area": "store", "document": "order-<9>", "how": "fulfil", **WHO}
    assert (await rest.post("/reservations/end", data=ended)).status_code == 303
    assert "Nothing is reserved" in (await rest.get("/reservations")).text
    assert "fulfilled" in (await rest.get("/reservations?ended=true")).text
    for quantity in ("many", "1.2345", "nan", ""):
        refused = await rest.post("/reservations", data={**form, "quantity": quantity}, headers={"accept": "text/html"})
        assert refused.status_code == 422
