"""Open baskets over REST and on pages: one that is open too long is put before a person, who may end it."""

from __future__ import annotations

import httpx

from protocol.events import BasketClosed, BasketEnd, BasketLine, BasketOpened, Mark
from tests.unit.hub_web.shop import MILK, MINUTE_US, Shop, called


async def test_a_basket_open_too_long_is_shown_until_it_is_closed(shop: Shop) -> None:
    await shop.stocked()
    opened = BasketOpened(shop.when(120), "b<1>", "shop", "order-17")
    line = BasketLine(shop.sale(MILK, 2, 100), "b<1>")
    await shop.arrive("lone", shop.anchor(2000), opened, line, Mark(shop.when(1)))
    await shop.fold()
    async with called(shop.app()) as client:
        (row,) = (await client.get("/api/v1/baskets")).json()["baskets"]
        assert (row["station"], row["lines"], row["document"], row["too_long"]) == ("lone", 1, "order-17", False)
        assert row["source"] == "lone/b<1>"
        assert "A basket is open" not in (await client.get("/")).text
        assert "into the basket" in (await client.get("/")).text
        shop.now_us += 30 * MINUTE_US
        (row,) = (await client.get("/api/v1/baskets")).json()["baskets"]
        assert row["too_long"]
        page = (await client.get("/")).text
        assert "A basket is open at lone" in page
        assert "order-17" in page
        await shop.arrive("lone", BasketClosed(shop.when(), "b<1>", BasketEnd.ABANDONED))
        await shop.fold()
        assert "A basket is open" not in (await client.get("/")).text
        assert (await client.get("/api/v1/baskets")).json() == {"baskets": []}


WHO = {"author": "Ada <a>", "note": "the till burnt out"}


async def test_a_person_ends_a_basket_over_rest_and_says_otherwise_on_the_page(shop: Shop) -> None:
    await shop.stocked()
    opened = BasketOpened(shop.when(120), "b<1>", "shop", None)
    await shop.arrive("lone", shop.anchor(2000), opened, BasketLine(shop.sale(MILK, 2, 100), "b<1>"))
    await shop.fold()
    shop.now_us += 60 * MINUTE_US
    async with called(shop.app()) as client:
        (row,) = (await client.get("/api/v1/baskets")).json()["baskets"]
        assert row["ended"] is None
        assert "say what became of it" in (await client.get("/")).text
        before = await milk(client)
        body, head = {"basket": row["entry"], "fate": "unknown", **WHO}, {"idempotency-key": "k"}
        for wrong, status, name in (
            ({"basket": "lone/nothing"}, 400, "bad-entry-id"),
            ({"basket": row["entry"][:-1] + "9"}, 404, "basket-unknown"),
            ({"fate": "eaten"}, 422, "bad-request"),
            ({"note": ""}, 422, "bad-request"),
        ):
            refused = await client.post("/api/v1/baskets/ends", json=body | wrong)
            assert (refused.status_code, refused.json()["name"]) == (status, name)
        made = await client.post("/api/v1/baskets/ends", json=body, headers=head)
        assert made.status_code == 201, made.text
        again = await client.post("/api/v1/baskets/ends", json=body, headers=head)
        assert (again.status_code, again.json()) == (200, made.json() | {"repeated": True})
        await shop.fold()
        (row,) = (await client.get("/api/v1/baskets")).json()["baskets"]
        assert (row["too_long"], row["ended"]["fate"], row["ended"]["author"]) == (False, "unknown", "Ada <a>")
        assert await milk(client) == (before[0] - 2000, before[1] - 2000, before[2])
        assert "A basket is open" not in (await client.get("/")).text
        assert "basket written off" in (await client.get("/")).text
        page = (await client.get("/baskets")).text
        assert "Ada &lt;a&gt;" in page
        assert row["entry"] in page
        said = await client.post("/baskets", data={"basket": row["entry"], "fate": "returned", **WHO})
        assert (said.status_code, said.headers["location"]) == (303, "/baskets"), said.text
        await shop.fold()
        assert await milk(client) == before


async def milk(client: httpx.AsyncClient) -> tuple[int, int, int]:
    (row,) = (await client.get("/api/v1/items/milk-1l")).json()["stock"]
    return row["on_hand_milli"], row["lo_milli"], row["hi_milli"]
