"""Why a figure is what it is: over REST and on the item's page, adding up whatever came late."""

from __future__ import annotations

from typing import Any

import httpx

from protocol.events import Delta, Reason, Reversal
from tests.unit.hub_web.asking import ADJUSTMENT, assert_problem
from tests.unit.hub_web.shop import MILK, Shop


async def why(rest: httpx.AsyncClient, item: str = "milk-1l") -> dict[str, Any]:
    """Give the lineage of an item in its one area, having seen that it adds up."""
    (figure,) = (await rest.get(f"/api/v1/items/{item}/lineage")).json()["figures"]
    counted = figure["rests_on"]
    since = sum(each["qty_milli"] for each in figure["moved"])
    assert figure["on_hand_milli"] == (counted["counted_milli"] if counted else 0) + since
    if counted:
        between = sum(each["qty_milli"] for each in counted["moved"])
        assert counted["expected_milli"] == counted["before_milli"] + between
        assert counted["variance_milli"] == counted["counted_milli"] - counted["expected_milli"]
    told: dict[str, Any] = figure
    return told


def in_force(movements: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Take those that were not taken back."""
    return [(each["reason"], each["qty_milli"]) for each in movements if each["reversed_by"] is None]


async def test_a_figure_is_a_count_and_what_moved_since(rest: httpx.AsyncClient) -> None:
    figure = await why(rest)
    assert figure["on_hand_milli"] == 62_000
    assert figure["rests_on"]["counted_milli"] == 40_000
    assert (figure["rests_on"]["opening"], figure["rests_on"]["before"]) == (True, None)
    # Of the two sales one was taken back.
    assert figure["moved"] == [
        {"reason": "sale", "entries": 1, "qty_milli": -2000},
        {"reason": "receipt", "entries": 1, "qty_milli": 24_000},
    ]
    assert figure["whole"] is True


async def test_what_was_never_counted_starts_from_nothing(rest: httpx.AsyncClient) -> None:
    figure = await why(rest, "apples")
    assert figure["rests_on"] is None
    assert [each["reason"] for each in figure["moved"]] == ["sale", "receipt"]


async def test_a_variance_is_what_was_counted_and_not_expected_and_is_told_anew_for_what_comes_late(
    rest: httpx.AsyncClient, shop: Shop
) -> None:
    await shop.arrive("till-2", shop.count(MILK, 57, 300))
    await shop.fold()
    counted = (await why(rest))["rests_on"]
    assert (counted["variance_milli"], counted["before_milli"], counted["opening"]) == (-5000, 40_000, False)
    assert counted["restated"] == 0
    # Five were sold by a till whose line was down.
    await shop.arrive("till-3", shop.anchor(3000), shop.sale(MILK, 5, 2500))
    await shop.fold()
    figure = await why(rest)
    assert figure["on_hand_milli"] == 57_000
    counted = figure["rests_on"]
    assert (counted["variance_milli"], counted["restated"]) == (0, 1)
    assert {each["reason"]: each["qty_milli"] for each in counted["moved"]} == {"sale": -7000, "receipt": 24_000}


async def test_the_movements_that_make_it_doubtful_are_named(rest: httpx.AsyncClient, shop: Shop) -> None:
    await shop.arrive("till-2", shop.count(MILK, 61, 120))
    # Scanned a minute after the count: whether it stood on the shelf then nobody knows.
    await shop.arrive("till-2", shop.sale(MILK, 1, 60), shop.sale(MILK, 3, 50))
    pen = shop.pen("till-2")
    await shop.arrive("till-2", Reversal(shop.when(40), "scanner-1", str(pen.epoch), pen.seq))
    await shop.fold()
    figure = await why(rest)
    assert in_force(figure["ambiguous"]) == [("sale", -1000)]
    stock = (await rest.get("/api/v1/items/milk-1l")).json()["stock"][0]
    assert len(figure["ambiguous"]) == stock["ambiguous"]
    assert (figure["lo_milli"], figure["hi_milli"]) == (stock["lo_milli"], stock["hi_milli"])


async def test_what_left_before_the_count_and_may_have_come_back_after_it_is_doubtful_too(
    rest: httpx.AsyncClient, shop: Shop
) -> None:
    returned = Delta(shop.when(600), "scanner-1", MILK, "]E0", 1000, Reason.RETURN, "shop", None, 3)
    await shop.arrive("till-2", returned, shop.count(MILK, 63, 120))
    await shop.fold()
    figure = await why(rest)
    assert in_force(figure["ambiguous"]) == [("return", 1000)]
    assert (await rest.get("/api/v1/items/milk-1l")).json()["stock"][0]["ambiguous"] == len(figure["ambiguous"])


async def test_a_decision_is_in_the_sum(rest: httpx.AsyncClient, shop: Shop) -> None:
    await rest.post("/api/v1/adjustments", json=ADJUSTMENT)
    await shop.fold()
    assert {"reason": "waste", "entries": 1, "qty_milli": -2000} in (await why(rest))["moved"]


async def test_another_area_and_another_item(rest: httpx.AsyncClient) -> None:
    assert (await rest.get("/api/v1/items/milk-1l/lineage", params={"area": "nowhere"})).json()["figures"] == []
    assert_problem(await rest.get("/api/v1/items/nothing/lineage"), "item-unknown", 404)


async def test_the_page_of_an_item_says_it_in_words(rest: httpx.AsyncClient) -> None:
    page = (await rest.get("/items/milk-1l", headers={"accept": "text/html"})).text
    assert "Why 62?" in page
    assert "opening stock" in page
    apples = (await rest.get("/items/apples", headers={"accept": "text/html"})).text
    assert "never counted: from an assumed" in apples
