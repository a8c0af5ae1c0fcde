"""What pages, REST and metrics ask."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hub.errors import BadInput
from hub.ledger.entries import Status
from hub.store.sql import Sql
from hub.store.stock_queries import PRICES_OF
from hub.store.views import Change, TimelineEntry
from protocol.catalogue import CatalogueRow, CodeLink, Item
from protocol.decisions import Adjustment
from protocol.events import Reason, encode_entry
from protocol.identity import HUB_STATION, ItemId, StationId
from protocol.state import OFFLINE, DeviceState, StationState, encode_state
from tests.unit.hub_store.shop import (
    AREA,
    BOTH_ENGINES,
    JAM,
    JAM_CODE,
    NEW_CODE,
    NOON_US,
    TEA,
    TEA_CODE,
    Station,
    fold_all,
    key,
    shop,
)

pytestmark = BOTH_ENGINES

DEADLINE_S = 60.0


async def test_stock_comes_in_pages_and_can_be_searched(tmp_path: Path) -> None:
    codes = [f"SKU-{n:02d}" for n in range(25)]
    rows: list[CatalogueRow] = []
    for n, code in enumerate(codes):
        rows += [Item(ItemId(f"item-{n:02d}"), f"Thing 10% {n:02d}"), CodeLink(code, f"item-{n:02d}")]
    till = Station()
    for code in codes:
        till.scan(code, -1000)
    async with shop(tmp_path, rows) as store:
        await till.tell(store)
        await fold_all(store)
        seen: list[str] = []
        after: str | None = None
        for _ in range(3):
            page = await store.stock(after=after, limit=10)
            seen += [row.item for row in page.rows]
            after = page.next
        assert after is None
        assert seen == [f"item-{n:02d}" for n in range(25)]
        for search, found in (("item-07", 1), ("10% 1", 10), ("SKU-2", 5), ("nothing", 0), ("_", 0), ("thing", 25)):
            assert len((await store.stock(search=search)).rows) == found, search
        assert (await store.stock(limit=1)).rows[0].name == "Thing 10% 00"
        with pytest.raises(BadInput):
            await store.stock(after="made up")
        with pytest.raises(BadInput):
            await store.timeline(ItemId("item-00"), after="WzEsMl0")


async def test_a_timeline_comes_in_pages_newest_first(tmp_path: Path) -> None:
    one, other = Station("one"), Station("other")
    for n in range(30):
        one.scan(TEA_CODE, -1000 * (n + 1))
        other.scan(TEA_CODE, -1)
    async with shop(tmp_path) as store:
        await store.commit([one.commit(), other.commit()])
        await fold_all(store)
        seen: list[TimelineEntry] = []
        after: str | None = None
        while True:
            page = await store.timeline(TEA, area=AREA, after=after, limit=7)
            seen += page.entries
            after = page.next
            if after is None:
                break
        assert len(seen) == len({entry.entry for entry in seen}) == 60
        assert [entry.t_us for entry in seen] == sorted((entry.t_us for entry in seen), reverse=True)
        assert (await store.timeline(JAM)).entries == ()


async def test_stations_devices_and_their_last_words(tmp_path: Path) -> None:
    till = Station("till-1")
    till.scan(TEA_CODE, -1000)
    till.scan(NEW_CODE, -1000)
    till.anchor()
    name = StationId("till-1")
    said = StationState(
        "online", place="shop", backlog=12, devices=(DeviceState("s1", "scanner", "lost", "unplugged"),)
    )
    async with shop(tmp_path) as store:
        await store.record_station_state(name, encode_state(said), NOON_US + 5)
        await store.record_station_state(StationId("silent"), b'{"state":"online","later":[1]}', NOON_US + 6)
        await store.record_station_state(StationId("odd"), b"\xff not json", NOON_US + 7)
        await till.tell(store)
        await fold_all(store)
        odd, silent, row = await store.stations()
        assert (odd.station, odd.state, silent.station, silent.committed) == ("odd", "", "silent", 0)
        assert (row.station, row.state, row.place, row.backlog, row.state_us) == (
            name,
            "online",
            "shop",
            12,
            NOON_US + 5,
        )
        assert (row.committed, row.folded, row.movements, row.quarantined) == (3, 3, 2, 1)
        assert row.at == till.position(3)
        assert row.report == said
        assert [(d.station, d.device, d.state, d.detail) for d in await store.devices()] == [
            (name, "s1", "lost", "unplugged")
        ]
        # The broker tells that it is gone: its devices and place are still known, and when it was last heard.
        await store.record_station_state(name, encode_state(OFFLINE), NOON_US + 99)
        row = (await store.stations())[2]
        assert (row.state, row.place, row.state_us, row.last_seen_us) == ("offline", "shop", NOON_US + 99, NOON_US + 5)
        assert len(await store.devices()) == 1


async def test_recent_events_come_newest_first_folded_or_not(tmp_path: Path) -> None:
    till = Station()
    till.scan(TEA_CODE, 5000, Reason.RECEIPT)
    till.anchor()
    till.count(TEA_CODE, 4000, after_s=9 * 3600)
    till.scan(NEW_CODE, -1000)
    till.say(b"rubbish")
    undone = till.scan(TEA_CODE, -1000, after_s=3600)
    till.undo(undone)
    async with shop(tmp_path) as store:
        await till.tell(store)
        assert [(e.kind, e.status) for e in await store.recent_events()][:2] == [("reversal", None), ("delta", None)]
        await store.journal.append(
            [encode_entry(Adjustment(NOON_US, JAM, AREA, 1, Reason.WASTE, None, "ann", "broken"))]
        )
        await fold_all(store)
        events = await store.recent_events()
        assert [(e.kind, e.item, e.status) for e in events] == [
            ("adjustment", JAM, Status.APPLIED),
            ("reversal", TEA, Status.APPLIED),
            ("delta", TEA, Status.APPLIED),
            ("unreadable", None, None),
            ("delta", None, Status.QUARANTINED),
            ("count", TEA, Status.APPLIED),
            ("delta", TEA, Status.ABSORBED),
        ]
        assert events[0].entry.station == HUB_STATION
        assert (events[6].name, events[6].code, events[6].reason, events[6].place) == (
            "Green tea",
            TEA_CODE,
            "receipt",
            "shop",
        )
        assert len(await store.recent_events(limit=3)) == 3


async def test_totals_count_what_metrics_show(tmp_path: Path) -> None:
    till = Station()
    for _ in range(5):
        till.scan(TEA_CODE, -1000)
    till.scan(JAM_CODE, 1000, Reason.RECEIPT)
    till.scan(NEW_CODE, -1000)
    async with shop(tmp_path) as store:
        await till.tell(store)
        before = await store.totals()
        assert (before.committed, before.folded, before.fold_lag) == (7, 0, 7)
        await fold_all(store)
        after = await store.totals()
        assert (after.committed, after.folded, after.movements, after.fold_lag) == (7, 7, 7, 0)
        assert (after.quarantined, after.scopes, after.negative, after.items) == (1, 2, 1, 2)
        assert after.file_bytes > after.chunk_bytes > 0


async def test_changes_are_told_once_each_and_coalesced(tmp_path: Path) -> None:
    till = Station()
    till.scan(TEA_CODE, -1000)
    till.scan(TEA_CODE, -1000)
    async with shop(tmp_path) as store:
        changes = store.changes()

        async def told() -> Change:
            return await asyncio.wait_for(anext(changes), DEADLINE_S)

        await till.tell(store, 1)
        assert await told() == Change(committed=True)
        await store.fold_some(10)
        await store.record_station_state(StationId("till-1"), b"{}", 1)
        await store.apply_catalogue([CodeLink(key(NEW_CODE), TEA)])
        await till.tell(store)
        assert await told() == Change(committed=True, folded=True, stations=True, catalogue=True)
        waiting = asyncio.ensure_future(told())
        await asyncio.sleep(0)
        assert not waiting.done()
        await store.journal.append([b"x"])
        assert await waiting == Change(committed=True)
    with pytest.raises(StopAsyncIteration):
        await told()


async def test_the_prices_of_an_item_are_found_without_walking_those_of_all(tmp_path: Path, engine: str) -> None:
    async with shop(tmp_path, []) as store:

        def explain(sql: Sql) -> str:
            asked = f"EXPLAIN QUERY PLAN {sql._compiler.say(PRICES_OF).text}"
            if engine == "postgresql":
                # Of a table without rows it would read all.
                sql.execute("SET LOCAL enable_seqscan = off")
                asked = asked.replace("QUERY PLAN ", "")
            return " ".join(row[-1] for row in sql.execute(asked, ("tea",)).fetchall())

        plan = await store._database.read(explain)
    if engine == "sqlite":
        assert "SEARCH live USING PRIMARY KEY (kind=? AND owner=?)" in plan
    else:
        assert "Index Cond: ((kind = 'p'::text) AND (owner = 'tea'::text" in plan
