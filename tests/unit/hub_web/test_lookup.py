"""What a code means, by the long way and the short: the same answer, never an old one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest

from hub.settings import WebSettings
from hub.store.store import HubStore
from hub.web.guard import HEADERS
from protocol.catalogue import CodeLink, Gone, Item, Price, PriceKind, RowKind
from protocol.events import Reversal
from tests.unit.hub_web.asking import ADJUSTMENT, assert_problem
from tests.unit.hub_web.shop import BREAD, MILK, MINUTE_US, Shop, called

LOOKUP = "/api/v1/lookup/"


@pytest.fixture
async def rest(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    await shop.stocked()
    async with called(shop.app()) as client:
        yield client


async def figures(rest: httpx.AsyncClient, code: str) -> tuple[int | None, list[int]]:
    """Price and stock, asked twice: whichever way answers, it says the same."""
    said = [await rest.get(LOOKUP + quote(code, safe="")) for _ in range(2)]
    assert said[0].content == said[1].content
    document = said[0].json()
    price = document["item"]["price"]
    return None if price is None else price["minor"], [row["on_hand_milli"] for row in document["stock"]]


async def test_a_code_tells_item_price_and_figures(rest: httpx.AsyncClient) -> None:
    document = (await rest.get(LOOKUP + MILK)).json()
    assert (document["code"], document["factor_milli"], document["known"]) == ("04006381333931", 1000, True)
    whole = (await rest.get("/api/v1/items/milk-1l")).json()
    assert {key: document[key] for key in whole} == whole


async def test_a_carton_s_code_tells_how_many_are_in_it(rest: httpx.AsyncClient, shop: Shop) -> None:
    await shop.store.apply_catalogue([CodeLink("CARTON/6", "milk-1l", 6000)])
    document = (await rest.get(LOOKUP + quote("CARTON/6", safe=""))).json()
    assert (document["code"], document["factor_milli"], document["item"]["item"]) == ("CARTON/6", 6000, "milk-1l")


async def test_what_is_no_known_code_is_a_problem(rest: httpx.AsyncClient) -> None:
    assert_problem(await rest.get(LOOKUP + "nobody"), "code-unknown", 404)
    assert_problem(await rest.get(LOOKUP), "empty-code", 400)
    assert_problem(await rest.get(LOOKUP + "%00"), "control-character", 400)
    assert_problem(await rest.post(LOOKUP + MILK), "method-not-allowed", 405)


async def test_both_ways_answer_alike(rest: httpx.AsyncClient) -> None:
    long_way, short_way = await rest.get(LOOKUP + MILK), await rest.get(LOOKUP + MILK)
    assert sorted(long_way.headers.raw) == sorted(short_way.headers.raw)
    assert set(HEADERS) <= set(short_way.headers.raw)


# An answer in hand is never old.


async def test_a_price_changed_is_answered_anew(rest: httpx.AsyncClient, shop: Shop) -> None:
    assert (await figures(rest, MILK))[0] == 129
    await shop.store.apply_catalogue([Price("milk-1l", "r", PriceKind.REGULAR, 139, "EUR")])
    assert (await figures(rest, MILK))[0] == 139
    await shop.store.apply_catalogue([Gone(RowKind.PRICE, "milk-1l", "r")])
    assert (await figures(rest, MILK))[0] is None


async def test_whatever_moves_stock_is_answered_anew(rest: httpx.AsyncClient, shop: Shop) -> None:
    assert (await figures(rest, MILK))[1] == [62_000]
    assert (await figures(rest, BREAD))[1] == [-3_000]
    await shop.arrive("till-1", shop.sale(MILK, 5))
    await shop.fold()
    assert (await figures(rest, MILK))[1] == [57_000]
    sale = shop.pen("till-1").seq
    await shop.arrive("till-1", Reversal(shop.when(), "scanner-1", str(shop.pen("till-1").epoch), sale))
    await shop.fold()
    assert (await figures(rest, MILK))[1] == [62_000]
    await shop.arrive("till-2", shop.count(MILK, 50))
    await shop.fold()
    assert (await figures(rest, MILK))[1] == [50_000]
    shop.now_us += MINUTE_US
    await rest.post("/api/v1/adjustments", json=ADJUSTMENT)
    await shop.fold()
    assert (await figures(rest, MILK))[1] == [48_000]
    assert (await figures(rest, BREAD))[1] == [-3_000]


async def test_a_code_that_means_another_item_from_now_on_is_answered_anew(rest: httpx.AsyncClient, shop: Shop) -> None:
    await figures(rest, MILK)
    await shop.store.apply_catalogue(
        [
            Item("oat-1l", "Oat drink 1 l"),
            CodeLink("04006381333931", "milk-1l", 1000, 0, shop.now_us),
            CodeLink("04006381333931", "oat-1l", 1000, shop.now_us),
        ]
    )
    assert (await rest.get(LOOKUP + MILK)).json()["item"]["item"] == "oat-1l"


async def test_a_price_begins_and_ends_by_the_clock_alone(rest: httpx.AsyncClient, shop: Shop) -> None:
    begins, ends = shop.now_us + MINUTE_US, shop.now_us + 2 * MINUTE_US
    promotion = Price(
        "milk-1l", "p", PriceKind.PROMOTION, 99, "EUR", priority=1, valid_from_us=begins, valid_to_us=ends
    )
    await shop.store.apply_catalogue([promotion])
    said = {}
    for now_us in (begins - 1, begins, ends - 1, ends):
        shop.now_us = now_us
        said[now_us] = (await figures(rest, MILK))[0]
    assert said == {begins - 1: 129, begins: 99, ends - 1: 99, ends: 129}


async def test_an_answer_read_before_a_change_and_told_after_it_is_not_kept(
    rest: httpx.AsyncClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, go_on = asyncio.Event(), asyncio.Event()
    look_up = HubStore.look_up

    async def slowly(store: HubStore, codes: list[str]) -> object:
        found = await look_up(store, codes)
        read.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(HubStore, "look_up", slowly)
    first = asyncio.create_task(rest.get(LOOKUP + MILK))
    await read.wait()
    await shop.arrive("till-1", shop.sale(MILK, 5))
    await shop.fold()
    # Asked after the change was booked: it may not share the look that began before.
    second = asyncio.create_task(rest.get(LOOKUP + MILK))
    await asyncio.sleep(0)
    go_on.set()
    assert (await first).json()["stock"][0]["on_hand_milli"] == 62_000
    assert (await second).json()["stock"][0]["on_hand_milli"] == 57_000
    assert (await figures(rest, MILK))[1] == [57_000]


async def test_many_who_ask_at_once_share_looks(
    rest: httpx.AsyncClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    look_up = HubStore.look_up

    async def counted(store: HubStore, codes: list[str]) -> object:
        looks.append(len(codes))
        return await look_up(store, codes)

    monkeypatch.setattr(HubStore, "look_up", counted)
    answers = await asyncio.gather(*(rest.get(LOOKUP + code) for code in (MILK, BREAD) * 20))
    assert {each.status_code for each in answers} == {200}
    assert len(looks) <= 3
    await rest.get(LOOKUP + MILK)
    assert len(looks) <= 3


# The short way is guarded as the long one is.


@pytest.mark.parametrize(
    ("headers", "problem", "status"),
    [
        ({"host": "evil.example"}, "host-unknown", 421),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}, "cross-site", 403),
    ],
)
async def test_the_short_way_refuses_whom_the_long_one_does(
    rest: httpx.AsyncClient, headers: dict[str, str], problem: str, status: int
) -> None:
    await figures(rest, MILK)
    assert_problem(await rest.get(LOOKUP + MILK, headers=headers), problem, status)


async def test_two_names_called_at_once_go_the_long_way(shop: Shop) -> None:
    await shop.stocked()
    async with called(shop.app(WebSettings(hosts=("hub.example",)))) as rest:
        await figures(rest, MILK)
        request = rest.build_request("GET", LOOKUP + MILK)
        request.headers = httpx.Headers([("host", "evil.example"), ("host", "hub.example")])
        assert_problem(await rest.send(request), "host-unknown", 421)
