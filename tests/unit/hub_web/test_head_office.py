"""Head office's word over REST and as a page: conflicts answered, and fields of the store written and brought back."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from hub.store.reader_logs import HQ_DOCUMENTS, LogCommit
from protocol.chain import Chapter, Position, extend
from protocol.documents import FieldLine, FieldsSet, HqDocument, StatedLine, StockStated, encode_document
from protocol.hq_decisions import OwnField
from protocol.identity import Epoch
from protocol.replication.ports import ReaderState, Slice
from tests.unit.hub_web.shop import MILK, NOON_US, SECOND_US, Shop, called

WHO = {"author": "Ada", "note": "looked myself"}
ABOUT = {"document": "ST/7", "item": "milk-1l", "area": "store"}
HTML = {"accept": "text/html"}


@pytest.fixture
async def rest(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    await shop.stocked()
    async with called(shop.app()) as client:
        yield client


class HeadOffice:
    """Writes documents."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._lines: list[bytes] = []

    async def says(self, *documents: HqDocument) -> None:
        epoch = Epoch(1, 99)
        digest = extend(Chapter(epoch).origin().digest, self._lines)
        new = tuple(map(encode_document, documents))
        part = Slice(epoch, len(self._lines) + 1, digest, new)
        self._lines += new
        at = Position(epoch, len(self._lines), extend(digest, new))
        await self._shop.store.commit([LogCommit(HQ_DOCUMENTS, (part,), ReaderState(at=at, generation=1))])
        await self._shop.fold()
        while await self._shop.store.head_office.compare():
            await self._shop.fold()

    async def states(self, milk: int, document: str = "ST/7") -> None:
        at = self._shop.store.feed.view.head
        lines = (StatedLine("milk-1l", "store", milk), StatedLine("gone-1", "store", 0))
        await self.says(StockStated(NOON_US, document, 0, str(at.epoch), at.seq, lines, "hq", "nightly"))


async def on_hand(rest: httpx.AsyncClient) -> int:
    (row,) = (await rest.get("/api/v1/items/milk-1l")).json()["stock"]
    milli: int = row["on_hand_milli"]
    return milli


async def test_a_conflict_is_told_and_answered_once_over_rest(shop: Shop, rest: httpx.AsyncClient) -> None:
    hq, before = HeadOffice(shop), await on_hand(rest)
    await hq.states(before, "ST/6")
    assert (await rest.get("/api/v1/hq/conflicts")).json() == {"conflicts": [], "next": None}
    await hq.states(before + 4000)
    (found,) = (await rest.get("/api/v1/hq/conflicts", params={"wanted": True})).json()["conflicts"]
    assert (found["standing"], found["difference_milli"], found["ours_milli"]) == ("open", 4000, before)
    assert (await rest.get("/api/v1/hq/conflict", params=ABOUT)).json() == found
    told = (await rest.get("/api/v1/hq/statements")).json()["statements"]
    assert [(each["document"], each["differing"], each["items"]) for each in told] == [("ST/7", 1, 2), ("ST/6", 0, 2)]
    assert "shelfwire_hq_conflicts 1.0" in (await rest.get("/metrics")).text
    assert "1 conflict" in (await rest.get("/")).text
    head, body = {"idempotency-key": "a1"}, {**ABOUT, "answer": "accept-hq", **WHO}
    made = await rest.post("/api/v1/hq/answers", json=body, headers=head)
    assert made.status_code == 201, made.text
    again = await rest.post("/api/v1/hq/answers", json=body, headers=head)
    assert (again.status_code, again.json()) == (200, {**made.json(), "repeated": True})
    late = await rest.post("/api/v1/hq/answers", json={**body, "answer": "keep-store"})
    assert (late.status_code, late.json()["name"]) == (409, "conflict-answered")
    await shop.fold()
    assert await on_hand(rest) == before + 4000
    found = (await rest.get("/api/v1/hq/conflict", params=ABOUT)).json()
    assert (found["standing"], [each["author"] for each in found["answers"]]) == ("accepted", ["Ada"])
    missing = await rest.get("/api/v1/hq/conflict", params={**ABOUT, "item": "bread"})
    assert (missing.status_code, missing.json()["name"]) == (404, "conflict-unknown")


async def test_people_have_it_counted_from_the_page_and_the_count_settles_it(
    shop: Shop, rest: httpx.AsyncClient
) -> None:
    hq, before = HeadOffice(shop), await on_hand(rest)
    assert "has not stated any stock" in (await rest.get("/head-office")).text
    await hq.states(before + 4000)
    page = (await rest.get("/head-office")).text
    assert "Whole milk 1 l" in page
    assert "Have it counted" in page
    assert (await rest.post("/head-office", data={**ABOUT, "answer": "recount"}, headers=HTML)).status_code == 422
    made = await rest.post("/head-office", data={**ABOUT, "answer": "recount", **WHO})
    assert (made.status_code, made.headers["location"]) == (303, "/head-office"), made.text
    await shop.fold()
    page = (await rest.get("/head-office")).text
    assert "A recount was asked for" in page
    assert "Have it counted" not in page
    first = (await rest.get("/api/v1/planning/recounts")).json()["rows"][0]
    assert (first["figures"]["item"], first["why"][0]) == ("milk-1l", "head-office")
    shop.now_us += 600 * SECOND_US
    await shop.arrive("till-7", shop.anchor(60), shop.count(MILK, 5, 10))
    await shop.fold()
    page = (await rest.get("/head-office")).text
    assert "No figure waits for an answer" in page
    assert (await rest.get("/api/v1/hq/conflict", params=ABOUT)).json()["standing"] == "counted"


async def test_a_field_is_the_last_writers_and_what_lost_is_brought_back(shop: Shop, rest: httpx.AsyncClient) -> None:
    async def field(name: str) -> tuple[object, object, list[object]]:
        told = (await rest.get("/api/v1/fields", params={"item": "milk-1l"})).json()["fields"]
        (one,) = [each for each in told if each["field"] == name]
        which = "place" if name == "shelf" else "milli"
        return one["now"][which], one["now"]["document"], [each[which] for each in one["before"]]

    shelf = {"place": "dairy-2", "kind": "shelf", **WHO}
    assert (await rest.post("/api/v1/places", json=shelf)).status_code == 201
    assert (await rest.post("/api/v1/places", json={**shelf, "place": "dairy-9"})).status_code == 201
    minimum = {"item": "milk-1l", "area": "store", "field": "min", "milli": 6000, **WHO}
    made = await rest.post("/api/v1/fields", json=minimum, headers={"idempotency-key": "f1"})
    assert made.status_code == 201, made.text
    assert (await rest.post("/api/v1/fields", json=minimum, headers={"idempotency-key": "f1"})).status_code == 200
    place = {"item": "milk-1l", "area": "store", "field": "shelf", "place": "dairy-2", **WHO}
    assert (await rest.post("/api/v1/fields", json=place)).status_code == 201
    wrong = await rest.post("/api/v1/fields", json={**place, "place": "nowhere"})
    assert (wrong.status_code, wrong.json()["name"]) == (400, "not-a-shelf")
    assert (await rest.post("/api/v1/fields", json={**place, "milli": 5})).status_code == 422
    shop.now_us += SECOND_US
    lines = (
        FieldLine("milk-1l", "store", OwnField.MIN, 24_000),
        FieldLine("milk-1l", "store", OwnField.SHELF, None, "dairy-9"),
    )
    hq = HeadOffice(shop)
    await hq.says(FieldsSet(NOON_US, "PL-1", lines, "hq", "new plan"))
    assert await field("min") == (24_000, "PL-1", [6000])
    assert await field("shelf") == ("dairy-9", "PL-1", ["dairy-2"])
    homes = (await rest.get("/api/v1/homes", params={"item": "milk-1l"})).json()["homes"]
    assert [each["place"] for each in homes] == ["dairy-9"]
    page = (await rest.get("/items/milk-1l")).text
    assert "document <bdi>PL-1" in page
    shop.now_us += SECOND_US
    back = await rest.post("/fields", data={"item": "milk-1l", "entry": made.json()["entry"], **WHO})
    assert (back.status_code, back.headers["location"]) == (303, "/items/milk-1l"), back.text
    assert await field("min") == (6000, None, [24_000, 6000])
    orders = (await rest.get("/api/v1/planning/orders", params={"search": "milk"})).json()["rows"]
    assert [(each["min_milli"], each["max_milli"]) for each in orders] == [(6000, None)]
    assert "at least 6" in (await rest.get("/planning/orders")).text
    form = {"item": "milk-1l", "area": "store", "field": "max", "value": "36.5", **WHO}
    assert (await rest.post("/fields", data=form)).status_code == 303
    assert (await field("max"))[0] == 36_500
    assert (await rest.post("/fields", data={**form, "value": "many"}, headers=HTML)).status_code == 422
    unknown = {"item": "milk-1l", "entry": "hub/1.0000000000000000/1", **WHO}
    assert (await rest.post("/api/v1/fields/restores", json=unknown)).status_code == 404
    await shop.fold()
    await hq.says(FieldsSet(NOON_US, "PL-1", lines, "hq", "new plan"))
    assert (await field("min"))[0] == 6000, "a document is taken once"
