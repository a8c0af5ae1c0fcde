"""REST: the store's answers as JSON, and errors as problems."""

from __future__ import annotations

from urllib.parse import quote

import httpx

from hub.web.problems import KINDS
from protocol.catalogue import Item
from protocol.handshake import Trouble
from protocol.identity import Epoch
from protocol.replication.ports import Loss
from tests.unit.hub_web.asking import assert_problem
from tests.unit.hub_web.shop import MILK, HqSays, Shop, called, rows_of


async def test_stock_tells_figures_and_what_is_to_be_known_about_them(rest: httpx.AsyncClient) -> None:
    stock = {row["item"]: row for row in (await rest.get("/api/v1/stock")).json()["rows"]}
    assert stock["milk-1l"]["on_hand_milli"] == 62_000
    assert stock["milk-1l"]["lo_milli"] <= 62_000 <= stock["milk-1l"]["hi_milli"]
    assert stock["milk-1l"]["price"] == {"minor": 129, "currency": "EUR"}
    assert (stock["apples"]["unit"], stock["apples"]["on_hand_milli"], stock["apples"]["unanchored"]) == (
        "kg",
        17_250,
        True,
    )
    assert (stock["bread"]["on_hand_milli"], stock["bread"]["available_milli"]) == (-3000, 0)


async def test_stock_is_searched_by_item_name_and_code(rest: httpx.AsyncClient) -> None:
    for search in ("milk-1l", "whole MILK", MILK):
        rows = (await rest.get("/api/v1/stock", params={"search": search})).json()["rows"]
        assert [row["item"] for row in rows] == ["milk-1l"]
    assert (await rest.get("/api/v1/stock", params={"search": "%"})).json()["rows"] == []


async def test_pages_follow_each_other_without_gap_or_repeat(rest: httpx.AsyncClient) -> None:
    for path, rows in (("/api/v1/stock", "rows"), ("/api/v1/items", "items")):
        found: list[object] = []
        after: dict[str, str] = {}
        while True:
            page = (await rest.get(path, params={"limit": 1, **after})).json()
            found += [row["item"] for row in rows_of(page, rows)]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        assert found == ["apples", "bread", "milk-1l"]


async def test_an_item_comes_with_codes_price_and_figures(rest: httpx.AsyncClient) -> None:
    item = (await rest.get("/api/v1/items/milk-1l")).json()
    assert item["known"]
    assert item["item"]["codes"] == ["04006381333931"]
    assert item["stock"][0]["area"] == "store"


async def test_an_item_may_be_called_anything(rest: httpx.AsyncClient, shop: Shop) -> None:
    for name in ("50/50 mix?", "a&b=<c>", "näturjoghurt #3", "%2f"):
        await shop.store.apply_catalogue([Item(name, "odd")])
        answer = await rest.get(f"/api/v1/items/{quote(name, safe='')}")
        assert answer.json()["item"]["item"] == name


async def test_the_timeline_tells_each_entry_s_fate(rest: httpx.AsyncClient) -> None:
    timeline = (await rest.get("/api/v1/items/milk-1l/timeline")).json()
    entries = timeline["entries"]
    assert [each["kind"] for each in entries] == ["reversal", "delta", "delta", "delta", "count"]
    assert entries[0]["reverses"] == entries[1]["entry"]
    assert entries[1]["reversed_by"] == entries[0]["entry"]
    assert (entries[-1]["variance_milli"], entries[-1]["status"]) == (40_000, "applied")
    assert all(each["err_us"] > 0 for each in entries)
    first = (await rest.get("/api/v1/items/milk-1l/timeline", params={"limit": 2})).json()
    rest_of_it = (await rest.get("/api/v1/items/milk-1l/timeline", params={"after": first["next"]})).json()
    assert first["entries"] + rest_of_it["entries"] == entries


async def test_events_are_told_as_they_arrived(rest: httpx.AsyncClient) -> None:
    events = (await rest.get("/api/v1/events", params={"limit": 3})).json()["events"]
    assert len(events) == 3
    assert (events[0]["item"], events[0]["reason"], events[0]["qty_milli"]) == ("bread", "sale", -14_000)
    held = (await rest.get("/api/v1/events")).json()["events"]
    assert {"quarantined"} == {each["status"] for each in held if each["code"] == "5449000000996"}


async def test_stations_are_judged_and_have_their_devices(rest: httpx.AsyncClient) -> None:
    answer = (await rest.get("/api/v1/stations")).json()
    stations = {row["station"]: row for row in answer["stations"]}
    assert {name: row["health"] for name, row in stations.items()} == {
        "stockroom": "ok",
        "till-1": "ok",
        "till-2": "degraded",
    }
    assert stations["till-2"]["reasons"] == ["scanner-1 absent"]
    assert stations["till-2"]["prices"] == "behind"
    assert stations["till-2"]["devices"][0]["detail"] == "no such file: /dev/ttyACM0"
    assert stations["till-1"]["committed"] == stations["till-1"]["folded"] == 10
    assert len(answer["catalogue_hash"]) == 64


async def test_quarantine_gives_the_bytes_as_they_came(rest: httpx.AsyncClient, shop: Shop) -> None:
    await shop.arrive("till-1", b"\x00\xff<b>")
    await shop.fold()
    rows = (await rest.get("/api/v1/quarantine")).json()["rows"]
    assert bytes.fromhex(rows[0]["body_hex"]) == b"\x00\xff<b>"
    assert rows[0]["reason"] == "bad-entry"
    assert (await rest.get("/api/v1/losses")).json() == {"rows": [], "next": None}


async def test_what_is_held_back_or_lost_comes_in_pages(rest: httpx.AsyncClient, shop: Shop) -> None:
    gaps = tuple(Loss(Epoch(1, 0xABC9), 10 * n, 10 * n + 5) for n in range(1, 6))
    await shop.arrive("till-9", *(b"\x00" * n for n in range(1, 6)), losses=gaps)
    await shop.fold()
    for path, at_least in (("/api/v1/quarantine", 5), ("/api/v1/losses", 5)):
        whole = (await rest.get(path)).json()
        assert (len(whole["rows"]) >= at_least, whole["next"]) == (True, None)
        found: list[object] = []
        after: str | None = None
        while True:
            page = (await rest.get(path, params={"limit": 2} | ({} if after is None else {"after": after}))).json()
            found += page["rows"]
            after = page["next"]
            if after is None:
                break
            assert len(page["rows"]) == 2
        assert found == whole["rows"]
        for forged in ("forged", "WzkyMjMzNzIwMzY4NTQ3NzU4MDhd", "W3RydWVd"):
            assert_problem(await rest.get(path, params={"after": forged + "="}), "bad-page", 400)


async def test_the_hub_says_whether_it_is_well(rest: httpx.AsyncClient, shop: Shop) -> None:
    untroubled = {"broker_trouble": None, "hq_trouble": None, "broker_current": None}
    assert (await rest.get("/healthz")).json() == {"status": "ok", "broker": True, "hq": True, **untroubled}
    shop.broker, shop.hq = False, HqSays(False, trouble=Trouble.OWN_EXPIRED)
    told = {"status": "ok", "broker": False, "hq": False, **untroubled, "hq_trouble": "own-expired"}
    assert (await rest.get("/healthz")).json() == told
    shop.hq = None
    assert (await rest.get("/healthz")).json() == {"status": "ok", "broker": False, "hq": None, **untroubled}


# Contested logs


async def test_one_of_two_live_copies_is_chosen(rest: httpx.AsyncClient, shop: Shop) -> None:
    shop.contested["s/till-2/stock"] = (2**63 + 1, 7)
    (row,) = (await rest.get("/api/v1/contested")).json()["rows"]
    assert row == {"log": "s/till-2/stock", "incarnations": ["8000000000000001", "7"]}
    choice = {"log": row["log"], "incarnation": "9", "author": "Ada", "note": "old card"}
    assert_problem(await rest.post("/api/v1/contested", json=choice), "not-contested", 409)
    assert (await rest.post("/api/v1/contested", json=choice | {"incarnation": "8000000000000001"})).status_code == 204
    assert shop.chosen == [("s/till-2/stock", 2**63 + 1)]


# Problems


async def test_every_error_is_a_problem(rest: httpx.AsyncClient) -> None:
    assert_problem(await rest.get("/api/v1/items/nothing"), "item-unknown", 404)
    assert_problem(await rest.get("/api/v1/items/nothing/timeline"), "item-unknown", 404)
    assert_problem(await rest.get("/api/v1/nothing"), "not-found", 404)
    assert_problem(await rest.delete("/api/v1/stock"), "method-not-allowed", 405)
    assert_problem(await rest.get("/api/v1/stock", params={"limit": 0}), "bad-request", 422)
    assert_problem(await rest.get("/api/v1/stock", params={"limit": 501}), "bad-request", 422)
    assert_problem(await rest.get("/api/v1/stock", params={"search": "x" * 101}), "bad-request", 422)
    assert_problem(await rest.get("/api/v1/stock", params={"after": "forged"}), "bad-page", 400)
    assert_problem(await rest.post("/api/v1/adjustments", content=b"{"), "not-json", 415)
    headers = {"content-type": "application/json"}
    assert_problem(await rest.post("/api/v1/adjustments", content=b"{", headers=headers), "bad-request", 422)


async def test_a_problem_s_type_can_be_looked_up(rest: httpx.AsyncClient) -> None:
    for name, kind in KINDS.items():
        described = (await rest.get(f"/problems/{name}")).json()
        assert (described["status"], described["title"]) == (kind.status, kind.title)
    assert_problem(await rest.get("/problems/unheard-of"), "not-found", 404)


async def test_our_own_bug_is_told_as_such_without_a_word_of_its_insides(shop: Shop) -> None:
    async with called(shop.app()) as rest:
        await shop.store.aclose()
        answer = await rest.get("/healthz")
    assert_problem(answer, "unexpected", 500)
    assert answer.json()["detail"] == "see the hub's log"
