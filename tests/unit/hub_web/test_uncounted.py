"""Scans that stations show before the log brings them: on the page at once, told apart, gone when counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

from hub.settings import WebSettings
from hub.store.changes import Changes
from hub.store.saying import say
from hub.store.views import Change, RecentEvent
from hub.web.app import make_app
from hub.web.catching_up import CatchingUp, StationProgress
from hub.web.live import Live, Sightings
from hub.web.outside import Outside
from hub.web.overview import glance
from protocol.identity import EntryId, StationId
from tests.unit.hub_web.shop import MILK, Shop, called, eventually, rows_of
from tests.unit.hub_web.test_live import taking


class Shown:
    """What stations show, as the composition root would hand it in."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.changes = Changes()
        self.events: tuple[RecentEvent, ...] = ()

    @property
    def outside(self) -> Outside:
        return replace(self.shop.outside, uncounted=lambda limit: self.events[:limit], sighted=self.changes.subscribe)

    def show(self, code: str, seq: int = 900) -> None:
        """Let till-1 show a sale."""
        entry = EntryId(StationId("till-1"), self.shop.pen("till-1").epoch, seq)
        self.events = (say(entry, self.shop.sale(code)), *self.events)
        self.changes.tell(Change(stations=True))


async def test_the_page_and_rest_tell_them_apart_from_what_is_counted(shop: Shop) -> None:
    await shop.stocked()
    shown = Shown(shop)
    shown.show("5449000000996")
    async with called(make_app(shop.store, WebSettings(), shown.outside)) as client:
        page = (await client.get("/")).text
        assert page.count("not counted yet") == 1
        assert page.index("not counted yet") < page.index('<div id="events">')
        told = (await client.get("/api/v1/events")).json()
        (event,) = rows_of(told, "uncounted")
        assert (event["code"], event["status"], event["item"]) == ("5449000000996", None, None)
        assert event["entry"] not in [each["entry"] for each in rows_of(told, "events")]
        assert "shelfwire_uncounted_scans 1.0" in (await client.get("/metrics")).text
        shown.events = ()
        assert "not counted yet" not in (await client.get("/")).text


async def test_what_is_shown_is_in_no_figure(shop: Shop) -> None:
    await shop.stocked()
    before = (await shop.store.stock()).rows
    Shown(shop).show(MILK)
    assert (await shop.store.stock()).rows == before


async def test_a_scan_reaches_the_page_at_once_however_long_the_store_takes(shop: Shop) -> None:
    texts: list[str] = []
    rendered = asyncio.Event()
    rendered.set()
    changes = Changes()

    async def render() -> dict[str, str]:
        await rendered.wait()
        return {"tiles": "slow"}

    def sighted() -> Mapping[str, str]:
        return {"uncounted": " ".join(texts)}

    def subscribe() -> AsyncIterator[Change]:
        return changes.subscribe()

    live = Live(shop.store, render, shop.stopping, sightings=Sightings(sighted, subscribe))
    frames: list[bytes] = []
    serving = asyncio.create_task(live.serve(taking(frames)))
    await eventually(lambda: len(frames) == 1)
    rendered.clear()  # from now on the store is never done
    for number in range(3):
        texts.append(f"scan-{number}")
        changes.tell(Change(stations=True))
        await shop.arrive("till-2", shop.sale(MILK))
        await eventually(lambda number=number: any(b"scan-%d" % number in frame for frame in frames))  # type: ignore[misc]
    rendered.set()
    shop.stopping.set()
    await serving


async def test_how_far_the_books_are_is_told_for_each_station_and_the_store(shop: Shop) -> None:
    await shop.stocked()
    progress = {StationId("till-2"): StationProgress(told=50_000, to_come=30_000, to_book=15_000, percent=10)}
    outside = replace(shop.outside, catching_up=lambda: CatchingUp(progress, 80))
    async with called(make_app(shop.store, WebSettings(), outside)) as client:
        page = (await client.get("/")).text
        for words in (
            "of 50\u202f000 told",
            "10 % caught up, about 80\u202fs",
            "30\u202f000 still to be booked, about 80",
        ):
            assert words in page
        told = (await client.get("/api/v1/stations")).json()
        stations = {row["station"]: row for row in rows_of(told, "stations")}
        till = stations["till-2"]
        assert (till["told"], till["to_come"], till["caught_up_percent"], till["to_go_s"]) == (50_000, 30_000, 10, 80)
        assert (stations["till-1"]["to_come"], stations["till-1"]["to_go_s"]) == (0, 0)
        assert told["to_go_s"] == 80
        assert isinstance(told["right_to_us"], int)
        metrics = (await client.get("/metrics")).text
        assert 'shelfwire_station_entries_told{station="till-2"} 50000.0' in metrics
        assert 'shelfwire_station_caught_up_ratio{station="till-2"} 0.1' in metrics
        assert "shelfwire_books_to_go_seconds 80.0" in metrics
    assert (await glance(shop.store, outside)).right_to_us == told["right_to_us"]
