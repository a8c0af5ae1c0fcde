"""Declared sources over REST and as a page, on the real store."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from protocol.events import Delta, Reason
from tests.unit.hub_web.shop import MILK, NOON_US, SECOND_US, Shop, called
from tests.unit.hub_web.test_tags import change, epc

NEW = {
    "place": "exit",
    "reason": "sale",
    "source": "till",
    "from_us": NOON_US - 3600 * SECOND_US,
    "author": "Ada",
    "note": "the gate is new",
}


@pytest.fixture
async def rest(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    await shop.stocked()
    sold = Delta(shop.when(50), "api", MILK, "]E0", -1000, Reason.SALE, "exit")
    tags = (change(shop, epc(serial), "exit", ago_s=60 - serial) for serial in (1, 2))
    await shop.arrive("door", shop.anchor(100), *tags, sold)
    await shop.fold()
    async with called(shop.app()) as client:
        yield client


async def test_what_is_declared_holds_from_its_date_and_the_rest_is_evidence(
    shop: Shop, rest: httpx.AsyncClient
) -> None:
    assert (await rest.get("/api/v1/evidence")).json() == {"rows": [], "next": None, "total": 0}
    said = await rest.post("/api/v1/sources", json=NEW, headers={"idempotency-key": "k1"})
    assert said.status_code == 201, said.text
    again = await rest.post("/api/v1/sources", json=NEW, headers={"idempotency-key": "k1"})
    assert (again.status_code, again.json()["repeated"]) == (200, True)
    await shop.fold()
    (row,) = (await rest.get("/api/v1/sources")).json()["sources"]
    assert (row["place"], row["source"], row["holds"], row["author"]) == ("exit", "till", True, "Ada")
    first = (await rest.get("/api/v1/evidence", params={"limit": 1})).json()
    second = (await rest.get("/api/v1/evidence", params={"limit": 1, "after": first["next"]})).json()
    assert [each["epc"] for each in (*first["rows"], *second["rows"])] == [epc(2), epc(1)]
    assert (first["total"], second["next"]) == (2, None)
    (compared,) = (await rest.get("/api/v1/evidence/compared")).json()["rows"]
    assert (compared["goods"]["item"], compared["source"], compared["evidence_milli"]) == ("milk-1l", "portal", -2000)
    assert compared["differs"] == (compared["books_milli"] != -2000)


async def test_a_source_is_declared_on_the_page_and_evidence_that_contradicts_is_shown(
    shop: Shop, rest: httpx.AsyncClient
) -> None:
    assert "Nothing is declared." in (await rest.get("/sources")).text
    form = {**{name: str(value) for name, value in NEW.items()}, "from_us": "2026-06-01T11:00"}
    made = await rest.post("/sources", data=form)
    assert (made.status_code, made.headers["location"]) == (303, "/sources")
    await shop.fold()
    page = (await rest.get("/sources")).text
    assert "contradicts" in page
    assert "Whole milk 1 l" in page
    assert 'href="/sources"' in (await rest.get("/tags")).text


@pytest.mark.parametrize("bad", [{"reason": "waste"}, {"source": "oracle"}, {"place": ""}, {"note": ""}])
async def test_what_cannot_be_declared_is_refused(rest: httpx.AsyncClient, bad: dict[str, str]) -> None:
    assert (await rest.post("/api/v1/sources", json={**NEW, **bad})).status_code == 422
