"""Plain deltas in the store: where they are kept, when they leave, and that nobody can tell the difference."""

from __future__ import annotations

import random
from pathlib import Path

from hub.ledger.entries import Kind, Status
from hub.store import pages
from hub.store.sql import Sql
from hub.store.store import HubStore
from hub.store.views import TimelineEntry
from protocol.catalogue import CodeLink
from protocol.events import Delta, Reason
from tests.unit.hub_store.shop import (
    BOTH_ENGINES,
    HOUR_US,
    JAM,
    JAM_CODE,
    NOON_US,
    SECOND_US,
    TEA,
    TEA_CODE,
    Station,
    assert_books_agree,
    fold_all,
    key,
    on_hand,
    shop,
)

pytestmark = BOTH_ENGINES


async def kept(store: HubStore) -> tuple[int, int]:
    """How many entries stand in pages, and how many have a row of their own."""

    def job(connection: Sql) -> tuple[int, int]:
        plain = sum(1 for page in pages.oldest_first(connection) for place in range(page.n) if page.sort(place))
        return plain, connection.execute("SELECT count(*) FROM entry").fetchone()[0]

    return await store._database.read(job)


async def test_sales_stand_in_pages_and_what_becomes_of_one_gets_a_row(tmp_path: Path) -> None:
    till = Station()
    till.anchor()
    sold = [till.scan(TEA_CODE, -1000) for _ in range(100)]
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        assert await kept(store) == (100, 0)
        till.undo(sold[40])
        await till.tell(store)
        await fold_all(store)
        assert await kept(store) == (99, 2)
        entries = (await store.timeline(TEA, limit=1000)).entries
        assert sorted(e.entry.seq for e in entries if e.kind is Kind.DELTA) == sold
        assert [e.entry.seq for e in entries if e.reversed_by is not None] == [sold[40]]
        assert await on_hand(store) == {TEA: -99_000}
        await assert_books_agree(store)


async def test_a_line_that_cannot_be_read_holds_back_nothing_but_itself(tmp_path: Path) -> None:
    till = Station()
    till.anchor()
    for line in (b"rubbish", b"", b'["d"', b"[]"):
        till.scan(TEA_CODE)
        till.say(line)
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        assert await kept(store) == (4, 0)
        assert sorted(row.seq for row in (await store.quarantine()).rows) == [3, 5, 7, 9]
        await assert_books_agree(store)


async def test_what_names_a_document_or_is_of_a_pack_has_a_row(tmp_path: Path) -> None:
    till = Station()
    till.anchor()
    till.say(Delta(till.when(), "scanner", TEA_CODE, "]E0", 6000, Reason.RECEIPT, "shop", document="D-7"))
    till.scan(JAM_CODE, -1000)
    async with shop(tmp_path) as store:
        await store.apply_catalogue([CodeLink(key(JAM_CODE), JAM, factor_milli=6000)])
        await till.tell(store)
        await fold_all(store)
        assert await kept(store) == (0, 2)
        assert await on_hand(store) == {JAM: -6000, TEA: 6000}
        assert (await store.timeline(TEA)).entries[0].document == "D-7"
        await assert_books_agree(store)


async def test_a_clock_known_better_moves_entries_and_counts_see_them_where_they_are(tmp_path: Path) -> None:
    till, counter = Station(synced=False, wall_off_us=-9 * HOUR_US), Station("counter")
    for _ in range(50):
        till.scan(TEA_CODE, -1000, after_s=60)
    counter.anchor()
    counter.scan(TEA_CODE, 90_000, Reason.RECEIPT)
    counter.count(TEA_CODE, 70_000, after_s=25 * 60)
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        assert await kept(store) == (50, 0)
        await counter.tell(store)
        await fold_all(store)
        till.anchor()
        await till.tell(store)
        await fold_all(store)
        plain, rows = await kept(store)
        assert plain + rows == 50 + 2
        times = [(e.t_us - NOON_US) // SECOND_US for e in (await store.timeline(TEA, limit=1000)).entries]
        assert sorted(times) == sorted([*(60 * n for n in range(1, 51)), 2, 25 * 60 + 2])
        await assert_books_agree(store)


async def test_an_item_all_of_whose_entries_moved_elsewhere_is_shown_no_more(tmp_path: Path) -> None:
    till = Station()
    till.anchor()
    for _ in range(40):
        till.scan(TEA_CODE, -1000)
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        await store.apply_catalogue([CodeLink(key(TEA_CODE), JAM)])
        await fold_all(store)
        assert await on_hand(store) == {JAM: -40_000}
        assert (await store.timeline(TEA)).entries == ()
        assert len((await store.timeline(JAM)).entries) == 40
        await assert_books_agree(store)


async def test_a_long_timeline_is_leafed_through_in_order(tmp_path: Path) -> None:
    tills = [Station(f"till-{n}") for n in range(3)]
    rng = random.Random(5)
    for till in tills:
        till.anchor()
        for n in range(150):
            till.scan(TEA_CODE, -1000, after_s=rng.choice([0, 1, 40]))
            if n % 40 == 20:
                till.undo(n + 2)
                till.count(TEA_CODE, 50_000)
    async with shop(tmp_path) as store:
        for turn in range(8):
            for till in rng.sample(tills, 3):
                await till.tell(store, 25)
            if turn % 3:
                await fold_all(store, 50)
        for till in tills:
            await till.tell(store)
        await fold_all(store)
        whole = (await store.timeline(TEA, limit=1000)).entries
        assert len({e.entry for e in whole}) == len(whole) == sum(len(till.lines) for till in tills) - 3
        leaves: list[TimelineEntry] = []
        after = None
        while True:
            page = await store.timeline(TEA, after=after, limit=7)
            leaves += page.entries
            after = page.next
            if after is None:
                break
        assert tuple(leaves) == whole
        assert [e.t_us for e in whole if e.kind is not Kind.REVERSAL] == sorted(
            (e.t_us for e in whole if e.kind is not Kind.REVERSAL), reverse=True
        )
        newest = next(e for e in whole if e.kind is Kind.COUNT)
        assert newest.status is Status.APPLIED
        recent = {e.entry: e.status for e in await store.recent_events(1000)}
        assert {e.entry: e.status for e in whole} == recent
        await assert_books_agree(store)
