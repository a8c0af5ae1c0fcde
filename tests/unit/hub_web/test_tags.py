"""RFID tags over REST and as pages, on the real store."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from protocol.epc.reading import write_epc
from protocol.epc.value import Epc
from protocol.events import Delta, Presence, Reason, TagChange
from tests.unit.hub_web.shop import MILK, Shop, called

GTIN = MILK.zfill(14)


def epc(serial: int) -> str:
    return write_epc(Epc("sgtin-96", 1, (MILK[:7], f"0{MILK[7:12]}", str(serial)))).hex().upper()


def change(shop: Shop, tag: str, zone: str, what: Presence = Presence.ARRIVED, ago_s: float = 60) -> TagChange:
    when = shop.when(ago_s)
    return TagChange(when, "reader", 1, tag, what, zone, None, when.wall_us, 2)


@pytest.fixture
async def rest(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    await shop.stocked()
    await shop.arrive(
        "door",
        shop.anchor(7200),
        *(change(shop, epc(serial), "floor", ago_s=7000) for serial in (1, 2, 3)),
        change(shop, epc(3), "floor", Presence.DEPARTED, ago_s=5000),
        change(shop, "E280", "back", ago_s=4000),
    )
    sold = Delta(shop.when(6900), "scanner", f"(01){GTIN}(21)2", None, -1000, Reason.SALE, "shop")
    await shop.arrive("till-9", shop.anchor(7000), sold)
    await shop.fold()
    async with called(shop.app()) as client:
        yield client


async def test_stock_by_tags_is_a_span(rest: httpx.AsyncClient) -> None:
    page = (await rest.get("/api/v1/tags", params={"search": "milk"})).json()
    (row,) = page["rows"]
    assert (row["goods"]["item"], row["place"], row["lo_milli"], row["hi_milli"]) == ("milk-1l", "floor", 1000, 2000)
    assert page["states"] == {"present": 2, "unseen": 1, "sold": 1}
    first = (await rest.get("/api/v1/tags", params={"limit": 1})).json()
    second = (await rest.get("/api/v1/tags", params={"limit": 1, "after": first["next"]})).json()
    assert [each["goods"]["item"] for each in (*first["rows"], *second["rows"])] == [None, "milk-1l"]
    assert second["next"] is None


async def test_one_tag_and_what_was_told_of_it(rest: httpx.AsyncClient) -> None:
    told = (await rest.get(f"/api/v1/tags/{epc(2).lower()}")).json()
    assert told["tag"]["uri"] == f"urn:epc:id:sgtin:{MILK[:7]}.0{MILK[7:12]}.2"
    assert (told["tag"]["state"], told["tag"]["serial"]) == ("sold", "2")
    assert [sign["sign"] for sign in told["signs"]] == ["sold", "seen"]
    assert (await rest.get("/api/v1/tags/00")).json()["name"] == "tag-unknown"


async def test_a_sold_tag_that_comes_back_is_told_on_the_page(shop: Shop, rest: httpx.AsyncClient) -> None:
    assert (await rest.get("/api/v1/tags/seen-again")).json() == {"tags": []}
    assert "Seen again" not in (await rest.get("/tags")).text
    await shop.arrive("door", change(shop, epc(2), "floor", ago_s=30))
    await shop.fold()
    (again,) = (await rest.get("/api/v1/tags/seen-again")).json()["tags"]
    assert (again["epc"], again["state"], again["place"]) == (epc(2), "sold", "floor")
    page = (await rest.get("/tags")).text
    assert "Seen again after they were gone" in page
    assert f'href="/tags/{epc(2)}"' in page
    assert "Whole milk 1 l" in page
    one = (await rest.get(f"/tags/{epc(2)}")).text
    assert "was seen in the store again" in one
    assert f"urn:epc:id:sgtin:{MILK[:7]}.0{MILK[7:12]}.2" in one
