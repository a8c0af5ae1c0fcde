"""What is held back, decided on over REST and on its page."""

from __future__ import annotations

import httpx

from tests.unit.hub_web.shop import Shop, called

WHO = {"author": "Ada", "note": "I held it in my hand"}
NOBODYS = "5449000000996"


async def test_a_person_says_over_rest_what_it_was(shop: Shop) -> None:
    await shop.stocked()
    await shop.arrive("lone", shop.anchor(50), shop.sale(NOBODYS, 3, 40))
    await shop.fold()
    async with called(shop.app()) as rest:
        (entry,) = [r["entry"] for r in (await rest.get("/api/v1/quarantine")).json()["rows"] if "lone" in r["log"]]
        before = await bread(rest)
        body = {"entry": entry, "item": "bread", **WHO}
        head = {"idempotency-key": "k"}
        refused = await rest.post("/api/v1/quarantine/releases", json={**body, "item": "nothing"})
        assert (refused.status_code, refused.json()["name"]) == (404, "item-unknown")
        refused = await rest.post("/api/v1/quarantine/releases", json={"entry": entry, "qty_milli": 5, **WHO})
        assert (refused.status_code, refused.json()["name"]) == (422, "bad-request")
        made = await rest.post("/api/v1/quarantine/releases", json=body, headers=head)
        assert made.status_code == 201, made.text
        again = await rest.post("/api/v1/quarantine/releases", json=body, headers=head)
        assert (again.status_code, again.json()["repeated"]) == (200, True)
        await shop.fold()
        assert await bread(rest) == before - 3000
        refused = await rest.post("/api/v1/quarantine/dismissals", json={"entry": entry, **WHO})
        assert (refused.status_code, refused.json()["name"]) == (400, "not-held")


async def bread(rest: httpx.AsyncClient) -> int:
    return sum(row["on_hand_milli"] for row in (await rest.get("/api/v1/items/bread")).json()["stock"])


async def test_people_release_and_dismiss_on_the_page(shop: Shop) -> None:
    await shop.stocked()
    await shop.arrive("lone", shop.anchor(50), shop.sale(NOBODYS, 3, 40), b"rubbish")
    await shop.fold()
    async with called(shop.app()) as rest:
        held = [row for row in (await shop.store.quarantine()).rows if "lone" in row.log]
        page = (await rest.get("/quarantine")).text
        assert all(str(row.entry) in page for row in held)
        for row, word in zip(held, ("dismiss", "release"), strict=True):
            item = {"item": "bread"} if word == "release" else {}
            form = {"entry": str(row.entry), "word": word, **item, **WHO}
            told = await rest.post("/quarantine", data=form)
            if row.body == b"rubbish" and word == "release":
                continue
            assert (told.status_code, told.headers["location"]) == (303, "/quarantine"), told.text
        await shop.fold()
        html = {"accept": "text/html"}
        assert (await rest.post("/quarantine", data={"entry": "x", **WHO}, headers=html)).status_code == 422
        assert len([row for row in (await shop.store.quarantine()).rows if "lone" in row.log]) < len(held)
