"""Leads and lags over REST and as a page: a shorter lead takes a doubt away."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.unit.hub_web.shop import MILK, Shop, called

MINUTE_US = 60_000_000
WHO = {"author": "Ada", "note": "the till stands beside the shelf"}
SHORT = {"reason": "sale", "lead_us": MINUTE_US, "lag_us": 0, "from_us": 0, **WHO}


@pytest.fixture
async def rest(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    await shop.stocked()
    await shop.arrive("lone", shop.anchor(2000), shop.count(MILK, 40, 600), shop.sale(MILK, 2, 300))
    await shop.fold()
    async with called(shop.app()) as client:
        yield client


async def doubt(rest: httpx.AsyncClient) -> tuple[int, int]:
    (row,) = (await rest.get("/api/v1/items/milk-1l")).json()["stock"]
    return row["lo_milli"] - row["on_hand_milli"], row["hi_milli"] - row["on_hand_milli"]


async def test_a_shorter_lead_settles_a_doubt_and_says_so_in_the_lineage(shop: Shop, rest: httpx.AsyncClient) -> None:
    before = await doubt(rest)
    head = {"idempotency-key": "once"}
    made = await rest.post("/api/v1/leads", json=SHORT, headers=head)
    assert made.status_code == 201, made.text
    assert (await rest.post("/api/v1/leads", json=SHORT, headers=head)).json() == {**made.json(), "repeated": True}
    await shop.fold()
    assert await doubt(rest) == (before[0], before[1] - 2000), "the two sold five minutes after the count"
    (figure,) = (await rest.get("/api/v1/items/milk-1l/lineage")).json()["figures"]
    assert -2000 not in {each["qty_milli"] for each in figure["ambiguous"]}
    assert not await shop.store.rebuild()
    told = (await rest.get("/api/v1/leads")).json()
    (said,) = told["said"]
    assert (said["area"], said["reason"], said["lead_us"], said["author"]) == (None, "sale", MINUTE_US, "Ada")
    assert {row["reason"]: row["lead_us"] for row in told["usual"]}["sale"] == 30 * MINUTE_US


@pytest.mark.parametrize(
    ("change", "status", "name"),
    [
        ({"area": "nowhere"}, 400, "area-unknown"),
        ({"lead_us": -1}, 422, "bad-request"),
        ({"lead_us": 8 * 1440 * MINUTE_US}, 422, "bad-request"),
        ({"reason": "theft"}, 422, "bad-request"),
        ({"note": ""}, 422, "bad-request"),
    ],
)
async def test_what_cannot_be_is_refused(
    rest: httpx.AsyncClient, change: dict[str, object], status: int, name: str
) -> None:
    refused = await rest.post("/api/v1/leads", json={**SHORT, **change})
    assert (refused.status_code, refused.json()["name"]) == (status, name)


async def test_people_say_it_in_minutes(shop: Shop, rest: httpx.AsyncClient) -> None:
    form = {"reason": "receipt", "area": "store", "lead": "15", "lag": "5", "from_us": "2026-01-01T00:00", **WHO}
    made = await rest.post("/leads", data=form)
    assert (made.status_code, made.headers["location"]) == (303, "/leads"), made.text
    page = (await rest.get("/leads")).text
    assert "the till stands beside the shelf" in page
    (said,) = await shop.store.leads(shop.now_us)
    assert (said.area, said.lead_us, said.lag_us) == ("store", 15 * MINUTE_US, 5 * MINUTE_US)
    refused = await rest.post("/leads", data={**form, "lead": "-3"}, headers={"accept": "text/html"})
    assert refused.status_code == 422
