"""Positions over REST and on the page: a spare inherits one, and the price that was live there is found by it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from protocol.chain import Chapter
from protocol.identity import Epoch
from tests.unit.hub_web.shop import NOON_US, SECOND_US, Shop, called

WHO = {"author": "Ada", "note": "the old one broke"}
HOUR_US = 3600 * SECOND_US
FIRST = {"position": "exit", "station": "till-1", "from_us": 0, **WHO}
SPARE = {"position": "exit", "station": "till-2", "from_us": NOON_US - HOUR_US, **WHO}


@pytest.fixture
async def rest(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    await shop.stocked()
    async with called(shop.app()) as client:
        yield client


async def stands(rest: httpx.AsyncClient, at_us: int) -> dict[str, str | None]:
    rows = (await rest.get("/api/v1/positions", params={"at_us": at_us})).json()["positions"]
    return {row["position"]: row["station"] for row in rows}


async def test_a_spare_inherits_a_position_from_a_moment_on(shop: Shop, rest: httpx.AsyncClient) -> None:
    head = {"idempotency-key": "spare"}
    # The later word comes first.
    for body, more in ((SPARE, head), (FIRST, {}), (SPARE, head)):
        made = await rest.post("/api/v1/positions", json=body, headers=more)
        assert made.status_code in (200, 201), made.text
    assert (made.status_code, made.json()["repeated"]) == (200, True)
    assert await stands(rest, NOON_US - 2 * HOUR_US) == {"exit": "till-1"}
    assert await stands(rest, NOON_US) == {"exit": "till-2"}
    for at_us, station in ((NOON_US - 2 * HOUR_US, "till-1"), (NOON_US, "till-2")):
        asked = {"item": "milk-1l", "at": str(at_us), "position": "exit"}
        assert (await rest.get("/api/v1/prices", params=asked)).json()["station"] == station
    nowhere = await rest.get("/api/v1/prices", params={"item": "milk-1l", "position": "roof"})
    assert (nowhere.status_code, nowhere.json()["name"]) == (404, "position-empty")
    # Books made anew, and a journal carried on, know the same.
    await shop.fold()
    await shop.store.keeping.unfold()
    view = shop.store.journal.view
    await shop.store.journal.open_epoch(Chapter(Epoch(view.head.epoch.generation + 1, 9), view.lineage[0].origin(), 0))
    await shop.fold()
    assert await stands(rest, NOON_US - 2 * HOUR_US) == {"exit": "till-1"}
    assert await stands(rest, NOON_US) == {"exit": "till-2"}


async def test_people_say_it_on_the_page_of_the_shop_floor(rest: httpx.AsyncClient) -> None:
    form = {"position": "exit", "station": "till-1", "from_us": "2026-01-01T00:00", **WHO}
    made = await rest.post("/positions", data=form)
    assert (made.status_code, made.headers["location"]) == (303, "/floor"), made.text
    page = (await rest.get("/floor")).text
    assert ">till-1</td>" in page
    await rest.post("/positions", data={**form, "station": "", "from_us": ""})
    assert await stands(rest, NOON_US) == {"exit": None}
    refused = await rest.post("/api/v1/positions", json={**FIRST, "area": "nowhere"})
    assert (refused.status_code, refused.json()["name"]) == (400, "area-unknown")
