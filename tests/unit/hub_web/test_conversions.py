"""Conversions over REST: goods become other goods, all of them or none, and once only."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.unit.hub_web.asking import assert_problem, on_hand
from tests.unit.hub_web.shop import Shop

CONVERSION: dict[str, Any] = {
    "area": "store",
    "used": [{"item": "milk-1l", "qty_milli": 6000}, {"item": "bag", "qty_milli": 1000}],
    "made": [{"item": "milk-6-pack", "qty_milli": 1000}],
    "author": "Ada",
    "note": "packed",
}
KEY = {"Idempotency-Key": "packs"}


async def test_what_was_used_is_gone_and_what_was_made_is_there(rest: httpx.AsyncClient, shop: Shop) -> None:
    before = await on_hand(rest, "milk-1l")
    made = await rest.post("/api/v1/conversions", json=CONVERSION | {"document": "packing-3"})
    assert made.status_code == 201
    await shop.fold()
    assert await on_hand(rest, "milk-1l") == before - 6000
    assert await on_hand(rest, "milk-6-pack") == 1000
    for item, entry in zip(("milk-1l", "bag", "milk-6-pack"), made.json()["entries"], strict=True):
        newest = (await rest.get(f"/api/v1/items/{item}/timeline")).json()["entries"][0]
        assert (newest["entry"], newest["reason"], newest["document"]) == (entry, "repack", "packing-3")


async def test_with_a_key_it_is_made_once(rest: httpx.AsyncClient, shop: Shop) -> None:
    first = await rest.post("/api/v1/conversions", json=CONVERSION, headers=KEY)
    again = await rest.post("/api/v1/conversions", json=CONVERSION, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json() | {"repeated": True}
    assert again.headers["idempotency-replayed"] == "true"
    await shop.fold()
    assert await on_hand(rest, "milk-6-pack") == 1000


@pytest.mark.parametrize(
    "other",
    [
        {"used": [{"item": "milk-1l", "qty_milli": 5000}, {"item": "bag", "qty_milli": 1000}]},
        {"used": [{"item": "milk-1l", "qty_milli": 6000}]},
        {"made": [{"item": "milk-6-pack", "qty_milli": 2000}]},
        {"made": [{"item": "milk-6-pack", "qty_milli": 1000}, {"item": "label", "qty_milli": 1000}]},
        {"area": "cellar"},
    ],
)
async def test_under_a_used_key_another_is_refused_and_nothing_of_it_made(
    rest: httpx.AsyncClient, shop: Shop, other: dict[str, Any]
) -> None:
    await rest.post("/api/v1/conversions", json=CONVERSION, headers=KEY)
    assert_problem(await rest.post("/api/v1/conversions", json=CONVERSION | other, headers=KEY), "key-reused", 422)
    await shop.fold()
    assert await on_hand(rest, "milk-6-pack") == 1000


async def test_a_key_of_an_adjustment_is_used(rest: httpx.AsyncClient) -> None:
    adjustment = {"item": "milk-1l", "area": "store", "qty_milli": -1, "reason": "waste", "author": "A", "note": "n"}
    assert (await rest.post("/api/v1/adjustments", json=adjustment, headers=KEY)).status_code == 201
    assert_problem(await rest.post("/api/v1/conversions", json=CONVERSION, headers=KEY), "key-reused", 422)


@pytest.mark.parametrize(
    "wrong",
    [
        {"used": []},
        {"made": []},
        {"made": [{"item": "milk-1l", "qty_milli": 1000}]},
        {"used": [{"item": "milk-1l", "qty_milli": 0}]},
        {"used": [{"item": "milk-1l", "qty_milli": -1000}]},
        {"note": ""},
        {"reason": "waste"},
    ],
)
async def test_it_must_be_what_is_described(rest: httpx.AsyncClient, wrong: dict[str, Any]) -> None:
    assert_problem(await rest.post("/api/v1/conversions", json=CONVERSION | wrong), "bad-request", 422)
