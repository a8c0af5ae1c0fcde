"""Periods over REST and as pages."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.unit.hub_web.shop import MILK, NOON_US, SECOND_US, Shop, called

WHO = {"author": "Ada", "note": "end of May"}
UNTIL = NOON_US - 300 * SECOND_US


@pytest.fixture
async def rest(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    await shop.stocked()
    async with called(shop.app()) as client:
        yield client


async def milk(rest: httpx.AsyncClient) -> tuple[int, int]:
    told = (await rest.get(f"/api/v1/periods/{UNTIL}/figures")).json()
    assert told["total"] == len(told["figures"])
    (row,) = [row for row in told["figures"] if row["item"] == "milk-1l"]
    return row["declared_milli"], row["on_hand_milli"]


async def test_a_period_is_declared_over_rest_and_a_late_sale_is_its_correction(
    shop: Shop, rest: httpx.AsyncClient
) -> None:
    before = (await rest.get("/api/v1/periods")).json()
    assert (before["periods"], before["complete_to_us"] > UNTIL) == ([], True)
    late = await rest.post("/api/v1/periods", json={"until_us": NOON_US - SECOND_US, **WHO})
    assert (late.status_code, late.json()["name"]) == (400, "not-complete")
    head = {"idempotency-key": "may"}
    made = await rest.post("/api/v1/periods", json={"until_us": UNTIL, **WHO}, headers=head)
    assert made.status_code == 201, made.text
    again = await rest.post("/api/v1/periods", json={"until_us": UNTIL, **WHO}, headers=head)
    assert (again.status_code, again.json()) == (200, {**made.json(), "repeated": True})
    await shop.fold()
    declared, now = await milk(rest)
    assert declared == now
    rows = {row["item"]: row["final"] for row in (await rest.get("/api/v1/stock")).json()["rows"]}
    assert (rows["milk-1l"], rows["bread"]) == (True, False), "bread was sold after the end"
    assert "final" in (await rest.get("/items/milk-1l")).text
    await shop.arrive("till-9", shop.anchor(2000), shop.sale(MILK, 2, 1000))
    await shop.fold()
    assert await milk(rest) == (declared, declared - 2000)
    (correction,) = (await rest.get(f"/api/v1/periods/{UNTIL}/corrections")).json()["corrections"]
    assert (correction["on_hand_milli"], correction["customer_milli"]) == (-2000, 2000)
    (period,) = (await rest.get("/api/v1/periods")).json()["periods"]
    assert (period["until_us"], period["author"], period["corrections"]) == (UNTIL, "Ada", 1)
    assert (await rest.get("/api/v1/periods/5/figures")).status_code == 404


async def test_people_declare_it_on_a_page_and_name_whom_they_do_not_wait_for(
    shop: Shop, rest: httpx.AsyncClient
) -> None:
    await shop.arrive("till-9", shop.sale(MILK, 2, 1000))
    await shop.fold()
    page = (await rest.get("/periods")).text
    assert "All figures are provisional" in page
    assert "till-9" in page
    form = {"until_us": "2026-06-01T11:55", **WHO}
    html = {"accept": "text/html"}
    assert (await rest.post("/periods", data=form, headers=html)).status_code == 400
    assert (await rest.post("/periods", data={**form, "until_us": "noon"}, headers=html)).status_code == 422
    made = await rest.post("/periods", data={**form, "excluded": "till-9"})
    assert (made.status_code, made.headers["location"]) == (303, "/periods"), made.text
    await shop.fold()
    page = (await rest.get("/periods")).text
    assert f'href="/periods/{UNTIL}"' in page
    page = (await rest.get(f"/periods/{UNTIL}")).text
    assert "Whole milk 1 l" in page
    assert "without till-9" in page
    assert (await rest.get("/periods/5", headers=html)).status_code == 404
