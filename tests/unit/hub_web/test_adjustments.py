"""Adjustments over REST: who and why, and once only."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from hub.errors import TryAgain
from hub.store.once import KEPT_US
from hub.store.store import HubStore
from protocol.decisions import Adjustment
from protocol.identity import EntryId
from tests.unit.hub_web.asking import ADJUSTMENT, assert_problem, on_hand
from tests.unit.hub_web.shop import Shop, called


async def test_an_adjustment_is_booked_with_who_and_why(rest: httpx.AsyncClient, shop: Shop) -> None:
    made = await rest.post("/api/v1/adjustments", json=ADJUSTMENT)
    assert made.status_code == 201
    await shop.fold()
    assert await on_hand(rest, "milk-1l") == 60_000
    newest = (await rest.get("/api/v1/items/milk-1l/timeline")).json()["entries"][0]
    assert (newest["entry"], newest["reason"]) == (made.json()["entry"], "waste")
    assert newest["entry"].startswith("hub/")


async def test_an_adjustment_with_a_key_is_made_once(rest: httpx.AsyncClient, shop: Shop) -> None:
    key = {"Idempotency-Key": "4711-a"}
    answers = await asyncio.gather(*(rest.post("/api/v1/adjustments", json=ADJUSTMENT, headers=key) for _ in range(5)))
    assert sorted(each.status_code for each in answers) == [200, 200, 200, 200, 201]
    assert len({each.json()["entry"] for each in answers}) == 1
    await shop.fold()
    assert await on_hand(rest, "milk-1l") == 60_000
    other = ADJUSTMENT | {"qty_milli": -3000}
    assert_problem(await rest.post("/api/v1/adjustments", json=other, headers=key), "key-reused", 422)


async def test_a_key_is_known_after_a_restart(rest: httpx.AsyncClient, shop: Shop) -> None:
    key = {"Idempotency-Key": "4711-b"}
    made = await rest.post("/api/v1/adjustments", json=ADJUSTMENT, headers=key)
    async with called(shop.app()) as restarted:
        again = await restarted.post("/api/v1/adjustments", json=ADJUSTMENT, headers=key)
        assert (again.status_code, again.json()["entry"]) == (200, made.json()["entry"])
        other = ADJUSTMENT | {"note": "three"}
        assert_problem(await restarted.post("/api/v1/adjustments", json=other, headers=key), "key-reused", 422)


async def test_after_a_write_of_unknown_outcome_a_repeat_looks_before_it_leaps(
    rest: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = HubStore.decide
    made: list[EntryId] = []

    async def durable_and_then_lost(store: HubStore, decision: Adjustment) -> tuple[EntryId, bool]:
        entry, repeated = await decide(store, decision)
        made.append(entry)
        if len(made) == 1:
            raise TryAgain("the answer never came")
        return entry, repeated

    monkeypatch.setattr(HubStore, "decide", durable_and_then_lost)
    key = {"Idempotency-Key": "once"}
    busy = await rest.post("/api/v1/adjustments", json=ADJUSTMENT, headers=key)
    assert_problem(busy, "busy", 503)
    assert int(busy.headers["retry-after"]) > 0
    again = await rest.post("/api/v1/adjustments", json=ADJUSTMENT, headers=key)
    assert (again.status_code, again.json()) == (200, {"entry": str(made[0]), "repeated": True})
    assert again.headers["idempotency-replayed"] == "true"


async def test_a_key_may_be_quoted_and_has_nothing_to_do_with_the_document(rest: httpx.AsyncClient, shop: Shop) -> None:
    asked = ADJUSTMENT | {"document": "invoice-7"}
    made = await rest.post("/api/v1/adjustments", json=asked, headers={"Idempotency-Key": '"abc"'})
    again = await rest.post("/api/v1/adjustments", json=asked, headers={"Idempotency-Key": "abc"})
    other = await rest.post("/api/v1/adjustments", json=asked, headers={"Idempotency-Key": "invoice-7"})
    assert [each.status_code for each in (made, again, other)] == [201, 200, 201]
    await shop.fold()
    newest = (await rest.get("/api/v1/items/milk-1l/timeline")).json()["entries"][0]
    assert newest["document"] == "invoice-7"


async def test_a_key_is_forgotten_after_a_week(rest: httpx.AsyncClient, shop: Shop) -> None:
    key = {"Idempotency-Key": "weekly"}
    made = await rest.post("/api/v1/adjustments", json=ADJUSTMENT, headers=key)
    shop.now_us += KEPT_US - 1
    assert (await rest.post("/api/v1/adjustments", json=ADJUSTMENT, headers=key)).json()["entry"] == made.json()[
        "entry"
    ]
    shop.now_us += 1
    assert (await rest.post("/api/v1/adjustments", json=ADJUSTMENT, headers=key)).status_code == 201


@pytest.mark.parametrize(
    "wrong",
    [
        {"qty_milli": 0},
        {"qty_milli": 1.5},
        {"qty_milli": 10**13},
        {"reason": "because"},
        {"author": ""},
        {"note": None},
        {"item": "x" * 300},
        {"extra": 1},
    ],
)
async def test_an_adjustment_must_be_what_is_described(rest: httpx.AsyncClient, wrong: dict[str, Any]) -> None:
    assert_problem(await rest.post("/api/v1/adjustments", json=ADJUSTMENT | wrong), "bad-request", 422)


async def test_a_key_must_be_printable(rest: httpx.AsyncClient) -> None:
    for key in ("with space", "x" * 129, "", '"', '"a"b"', "x" * 131):
        answer = await rest.post("/api/v1/adjustments", json=ADJUSTMENT, headers={"Idempotency-Key": key})
        assert_problem(answer, "bad-request", 422)
