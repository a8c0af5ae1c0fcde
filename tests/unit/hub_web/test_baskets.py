"""Open baskets over REST and on the first page: one that is open too long is put before a person."""

from __future__ import annotations

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
