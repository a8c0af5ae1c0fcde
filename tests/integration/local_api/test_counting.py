"""A count given, taken and ended through the local API over real HTTP."""

from __future__ import annotations

import httpx

from protocol.cards import WhoCard, card_text
from protocol.events import Count, CountReading, ShelfCounted
from tests.integration.local_api.serving import name_of
from tests.integration.station_rig import MILK, StationRig, entries


async def test_a_shelf_is_given_counted_and_ended(rig: StationRig, client: httpx.AsyncClient) -> None:
    todo = {"session": "autumn-26", "place": "shelf-3", "pass": 2}
    assert (await client.post("/v1/scan", json={"code": card_text(WhoCard("anna"))})).json()["did"] == "who"
    assert (await client.post("/v1/mode", json={"mode": "count", "count": todo})).json()["did"] == "mode"
    status = (await client.get("/v1/health")).json()["status"]
    assert (status["count"], status["person"]) == ({**todo, "ended": False}, "anna")
    counted = (await client.post("/v1/scan", json={"code": MILK, "qty_milli": 12_000})).json()
    assert (counted["did"], counted["session"]) == ("count", "autumn-26")
    assert (await client.post("/v1/session/end", json={"session": "autumn-26"})).json()["ended"]["scans"] == 1
    refused = await client.post("/v1/scan", json={"code": MILK})
    assert (refused.status_code, name_of(refused)) == (422, "shelf-ended")
    said = await entries(rig.stock)
    assert [type(entry) for entry in said] == [CountReading, Count, ShelfCounted]
    shelf = said[-1]
    assert isinstance(shelf, ShelfCounted)
    assert (shelf.place, shelf.pass_, shelf.person, shelf.readings) == ("shelf-3", 2, "anna", 1)


async def test_what_cannot_be_counted_is_refused(client: httpx.AsyncClient) -> None:
    for todo in ({"session": "Autumn 26", "place": "shelf-3"}, {"session": "autumn-26", "place": "shelf-3", "pass": 0}):
        refused = await client.post("/v1/mode", json={"mode": "count", "count": todo})
        assert (refused.status_code, name_of(refused)) == (422, "bad-card")
    refused = await client.post("/v1/mode", json={"mode": "sale", "count": {"session": "a", "place": "b"}})
    assert name_of(refused) == "bad-count"
