"""Count sessions over REST and as pages, on the real store: planned, counted, disputed, ruled on; and their cards."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from itertools import permutations
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub import tokens
from hub.tokens import Tokens
from protocol.cards import CountCard, EndCard, WhoCard, parse_card
from protocol.dated_words import HomeGiven, PlaceGiven, PlaceKind
from protocol.events import Anchor, Count, Delta, Reason, ShelfCounted, StationEntry, When
from protocol.identity import PlaceId
from tests.unit.hub_web.shop import BREAD, MILK, MINUTE_US, NOON_US, SECOND_US, Shop, called

PLAN = {"session": "autumn-26", "items": ["milk-1l"], "author": "Ada", "note": "the year ends"}
WHO = {"author": "Ben", "note": "looked at it"}
SINCE_US = NOON_US - MINUTE_US
HTML = {"accept": "text/html"}


@pytest.fixture
async def rest(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    await shop.stocked()
    async with called(shop.app()) as client:
        yield client


async def with_shelves(shop: Shop) -> None:
    """Milk stands on two shelves, bread on one, since a minute; what was counted before was of the whole area."""
    for name in ("shelf-1", "shelf-2"):
        await shop.store.decide(
            PlaceGiven(NOON_US, name, "", "store", PlaceKind.SHELF, SINCE_US, "Ada", "it stands there")
        )
    for item, name in (("milk-1l", "shelf-1"), ("milk-1l", "shelf-2"), ("bread", "shelf-1")):
        await shop.store.decide(HomeGiven(NOON_US, item, name, SINCE_US, None, "Ada", "there it sells"))
    await shop.fold()


def found(shop: Shop, code: str, pieces: int, place: str, *, pass_: int = 1, person: str = "anna") -> Count:
    when = shop.when(1)
    return Count(when, when.up_us - 1, "hand", code, 1000 * pieces, place, "autumn-26", 3, "]E0", pass_, person)


def done(shop: Shop, place: str, *, pass_: int = 1, person: str = "anna") -> ShelfCounted:
    when = shop.when(0.5)
    return ShelfCounted(when, when.up_us - 1, "hand", place, "autumn-26", pass_, person, 1, 1)


async def get(rest: httpx.AsyncClient, path: str) -> dict[str, Any]:
    response = await rest.get(f"/api/v1/counts{path}")
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.json()
    return told


async def test_a_count_from_plan_to_ruling_over_rest(shop: Shop, rest: httpx.AsyncClient) -> None:
    await with_shelves(shop)
    key = {"idempotency-key": "plan-1"}
    planned = await rest.post("/api/v1/counts", json=PLAN, headers=key)
    assert planned.status_code == 201
    await shop.fold()
    again = await rest.post("/api/v1/counts", json=PLAN, headers=key)
    assert (again.status_code, again.json()) == (200, {"entry": planned.json()["entry"], "repeated": True})
    assert (await rest.post("/api/v1/counts", json=PLAN)).json()["name"] == "count-planned"
    assert (await get(rest, "/autumn-26/expected"))["items"] == [
        {
            "item": "milk-1l",
            "name": "Whole milk 1 l",
            "unit": "each",
            "on_hand_milli": 62_000,
            "homes": ["shelf-1", "shelf-2"],
        }
    ]
    await shop.arrive("hand", shop.anchor(5), found(shop, MILK, 40, "shelf-1"), done(shop, "shelf-1"))
    await shop.fold()
    half = await get(rest, "/autumn-26")
    assert half["open_shelves"] == ["shelf-2"]
    assert half["waiting"] == [{"item": "milk-1l", "name": "Whole milk 1 l", "area": "store", "shelves": ["shelf-2"]}]
    assert (half["counted"], half["complete"]) == ([], False)
    await shop.arrive("hand", found(shop, MILK, 20, "shelf-2"), done(shop, "shelf-2"))
    await shop.arrive("hand", found(shop, MILK, 21, "shelf-2", pass_=2, person="bert"))
    await shop.fold()
    (milk,) = (await get(rest, "/autumn-26"))["counted"]
    assert (milk["qty_milli"], milk["expected_milli"], milk["settled"]) == (61_000, 62_000, False)
    assert milk["disputes"] == [{"asked": "passes-differ", "place": "shelf-2"}]
    assert [shelf["counts"] for shelf in milk["shelves"]] == [1, 2]
    assert (await rest.get("/api/v1/items/milk-1l")).json()["stock"][0]["on_hand_milli"] == 61_000
    ruling = {"verdict": "accept", "item": "milk-1l", "pass_number": 1, **WHO}
    ruled = await rest.post("/api/v1/counts/autumn-26/rulings", json=ruling)
    assert ruled.status_code == 201
    await shop.fold()
    settled = await get(rest, "/autumn-26")
    assert [(each["qty_milli"], each["settled"], each["disputes"]) for each in settled["counted"]] == [
        (60_000, True, [])
    ]
    assert [(each["verdict"], each["author"]) for each in settled["rulings"]] == [("accept", "Ben")]
    rows = (await get(rest, ""))["counts"]
    assert [(row["session"], row["planned"], row["composed"], row["counted"]) for row in rows] == [
        ("autumn-26", True, True, 1),
        ("count-7", False, False, 0),
    ]
    assert (await rest.get("/api/v1/items/milk-1l")).json()["stock"][0]["on_hand_milli"] == 60_000


async def test_a_blind_count_tells_nobody_what_is_expected_until_it_is_done(
    shop: Shop, rest: httpx.AsyncClient
) -> None:
    await with_shelves(shop)
    await rest.post("/api/v1/counts", json={**PLAN, "items": ["milk-1l", "bread"], "blind": True})
    await shop.arrive("hand", shop.anchor(5), found(shop, BREAD, 3, "shelf-1"), done(shop, "shelf-1"))
    await shop.fold()
    assert (await rest.get("/api/v1/counts/autumn-26/expected")).json()["name"] == "blind-count"
    assert [(each["item"], each["expected_milli"]) for each in (await get(rest, "/autumn-26"))["counted"]] == [
        ("bread", None)
    ]
    page = (await rest.get("/counts/autumn-26")).text
    assert "not shown" in page
    assert "far from" not in page
    await shop.arrive("hand", found(shop, MILK, 9, "shelf-2"), done(shop, "shelf-2"))
    await shop.fold()
    told = {each["item"]: each for each in (await get(rest, "/autumn-26"))["counted"]}
    assert {item: each["expected_milli"] for item, each in told.items()} == {"bread": -3000, "milk-1l": 62_000}
    assert told["milk-1l"]["disputes"] == [{"asked": "variance", "place": None}]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "name"),
    [
        ("GET", "/nobody", None, 404, "count-unknown"),
        ("GET", "/count-7/expected", None, 409, "count-unplanned"),
        ("POST", "", {**PLAN, "session": "Autumn 26"}, 422, "bad-request"),
        ("POST", "", {**PLAN, "items": []}, 422, "bad-request"),
        ("POST", "", {**PLAN, "shelves": ["shelf-1"], "area": "yard"}, 400, "place-differs"),
        ("POST", "/nobody/rulings", {"verdict": "void", **WHO}, 404, "count-unknown"),
        ("POST", "/count-7/rulings", {"verdict": "doubt", **WHO}, 422, "bad-request"),
        ("POST", "/count-7/rulings", {"verdict": "accept", "target": "a/1.0/1", **WHO}, 422, "bad-request"),
        ("POST", "/count-7/rulings", {"verdict": "void", "target": "nonsense", **WHO}, 400, "bad-entry-id"),
    ],
)
async def test_what_cannot_be_is_refused(
    rest: httpx.AsyncClient, method: str, path: str, body: object, status: int, name: str
) -> None:
    response = await rest.request(method, f"/api/v1/counts{path}", json=body)
    assert (response.status_code, response.json()["name"]) == (status, name)


async def test_whoever_may_only_look_cannot_plan(shop: Shop, rest: httpx.AsyncClient) -> None:
    token, presented = tokens.make_token("page", [tokens.Scope.STOCK_READ], None, NOON_US, lambda n: "x" * 43)
    shop.tokens = Tokens([token])
    rest.headers["authorization"] = f"Bearer {presented}"
    assert (await rest.get("/api/v1/counts")).status_code == 200
    assert (await rest.post("/api/v1/counts", json=PLAN)).json()["name"] == "scope-missing"
    assert (await rest.post("/counts", data={"session": "x", **WHO})).status_code == 403


async def test_people_plan_look_and_rule_on_pages(shop: Shop, rest: httpx.AsyncClient) -> None:
    await with_shelves(shop)
    form = {"session": "autumn-26", "area": "store", "items": "milk-1l\r\n\r\nbread\r\n", "closed": "yes", **WHO}
    planned = await rest.post("/counts", data=form)
    assert (planned.status_code, planned.headers["location"]) == (303, "/counts")
    await shop.arrive("hand", shop.anchor(5), found(shop, MILK, 40, "shelf-1"), done(shop, "shelf-1"))
    await shop.fold()
    assert 'href="/counts/autumn-26"' in (await rest.get("/counts")).text
    page = (await rest.get("/counts/autumn-26")).text
    assert "closed to everybody else" in page
    assert "not yet" in page
    assert "shelf-2" in page
    assert 'href="/cards?session=autumn-26&amp;place=shelf-1%20shelf-2"' in page
    expected = (await rest.get("/counts/autumn-26/expected")).text
    assert "Whole milk 1 l" in expected
    assert "shelf-1, shelf-2" in expected
    ruled = await rest.post("/counts/autumn-26/rulings", data={"verdict": "void", "item": "milk-1l", **WHO})
    assert (ruled.status_code, ruled.headers["location"]) == (303, "/counts/autumn-26")
    await shop.fold()
    assert "Voided" in (await rest.get("/counts/autumn-26")).text
    assert 'href="/counts/count-7"' in (await rest.get("/items/milk-1l")).text
    assert 'href="/counts"' in (await rest.get("/")).text
    for data in ({"session": "Autumn 26", **WHO}, {"session": "x"}):
        assert (await rest.post("/counts", data=data, headers=HTML)).status_code == 422
    assert (await rest.get("/counts/nobody", headers=HTML)).status_code == 404


async def test_cards_for_a_count_are_drawn_as_stations_read_them(shop: Shop, rest: httpx.AsyncClient) -> None:
    asked = {"session": "autumn-26", "place": "shop", "passes": "2", "person": "anna"}
    page = (await rest.get("/cards", params=asked)).text
    cards = [parse_card(text) for text in re.findall("<code>(SW1:[^<]*)</code>", page)]
    passes = [CountCard("autumn-26", PlaceId("shop"), number) for number in (1, 2)]
    assert cards == [WhoCard("anna"), EndCard(), *passes]
    assert page.count("<svg") == len(cards)
    assert (await rest.get("/cards", params={"session": "Autumn 26!", "place": "a"})).status_code == 400


async def test_cards_of_several_shelves_are_drawn_once_they_are_known_to_be_shelves(
    shop: Shop, rest: httpx.AsyncClient
) -> None:
    """Nobody having said so, the first that is counted would be taken for the whole."""
    asked = {"session": "autumn-26", "place": "shelf-1 shelf-2"}
    assert (await rest.get("/cards", params=asked)).status_code == 409
    await rest.post("/api/v1/counts", json={**PLAN, "shelves": ["shelf-1", "shelf-2"]})
    await shop.fold()
    assert (await rest.get("/cards", params=asked)).text.count("<svg") == 3
    other = {**asked, "session": "spring-27"}
    assert (await rest.get("/cards", params=other)).status_code == 409
    await with_shelves(shop)
    assert (await rest.get("/cards", params=other)).text.count("<svg") == 3


def at(clock: str) -> int:
    """A moment of today, UTC microseconds."""
    hours, minutes = map(int, clock.split(":"))
    return NOON_US + ((hours - 12) * 60 + minutes) * MINUTE_US


def by_clock(clock: str) -> When:
    return When("b1", at(clock) - NOON_US + 86_400 * SECOND_US, at(clock), True)


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_from_100_over_rest_in_every_order_of_arrival(tmp_path: Path, order: tuple[int, ...]) -> None:
    """A sale of 3 at 13:10, of 2 at 13:20 that comes late, a count of 95 at 13:30, waste of 2 at 13:40; leads 0."""
    shop = Shop(tmp_path / "hub.db")
    shop.now_us = at("13:45")
    async with shop.store, called(shop.app()) as rest:
        await shop.stocked_with_milk()
        opening = by_clock("12:50")
        await shop.arrive("door", anchor_at("12:40"), Count(opening, opening.up_us, "h", MILK, 100_000, "shop", "open"))
        plan = {"session": "half-past", "items": ["milk-1l"], "closed": True, "author": "Ada", "note": "a check"}
        assert (await rest.post("/api/v1/counts", json=plan)).status_code == 201
        counted = by_clock("13:30")
        told: list[StationEntry] = [
            Delta(by_clock("13:10"), "s", MILK, "]E0", -3000, Reason.SALE, "shop"),
            Delta(by_clock("13:20"), "s", MILK, "]E0", -2000, Reason.SALE, "shop"),
            Count(counted, counted.up_us - SECOND_US, "h", MILK, 95_000, "shop", "half-past"),
            Delta(by_clock("13:40"), "s", MILK, "]E0", -2000, Reason.WASTE, "shop"),
        ]
        for number in order:
            await shop.arrive(f"till-{number}", anchor_at("13:00"), told[number])
            await shop.fold()
        (stock,) = (await rest.get("/api/v1/items/milk-1l")).json()["stock"]
        assert (stock["on_hand_milli"], stock["lo_milli"], stock["hi_milli"]) == (93_000, 93_000, 93_000)
        (count,) = (await get(rest, "/half-past"))["counted"]
        assert (count["qty_milli"], count["expected_milli"], count["disputes"]) == (95_000, 95_000, [])
        (why,) = (await rest.get("/api/v1/items/milk-1l/lineage")).json()["figures"]
        assert why["rests_on"]["variance_milli"] == 0


def anchor_at(clock: str) -> Anchor:
    when = by_clock(clock)
    return Anchor(when.boot, when.up_us - 4, when.up_us + 4, when.wall_us)
