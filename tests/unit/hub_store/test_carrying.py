"""After a restore: logs carried on in a new epoch, the books still what the lines say, head office of the same mind."""

from __future__ import annotations

from pathlib import Path

from hub.store.own_log import OwnLog
from protocol.chain import Chapter, Position
from protocol.decisions import Adjustment, Void
from protocol.events import Reason, encode_entry
from protocol.feed import decode_feed_entry
from protocol.feed_books import FeedBooks
from protocol.identity import HUB_STATION, EntryId, Epoch
from tests.unit.hub_store import shop as shops
from tests.unit.hub_store.shop import (
    AREA,
    BOTH_ENGINES,
    NOON_US,
    TEA,
    TEA_CODE,
    Station,
    assert_books_agree,
    fold_all,
    on_hand,
    shop,
)

pytestmark = BOTH_ENGINES


def adjustment(qty_milli: int) -> bytes:
    return encode_entry(Adjustment(NOON_US, TEA, AREA, qty_milli, Reason.ADJUSTMENT, None, "ann", ""))


async def open_on(log: OwnLog, seq: int) -> Epoch:
    epoch = log.view.head.epoch
    digest = (await log.digests(epoch, [seq]))[seq]
    assert digest is not None
    depth = log.view.lineage[-1].depth + seq
    chapter = Chapter(Epoch(epoch.generation + 1, 5), Position(epoch, seq, digest), depth)
    await log.open_epoch(chapter)
    return chapter.epoch


async def test_a_decision_carried_on_counts_once(tmp_path: Path) -> None:
    till = Station()
    sold = till.scan(TEA_CODE, -1000)
    async with shop(tmp_path) as store:
        await till.tell(store)
        journal = store.journal
        first = journal.view.head.epoch
        await journal.append([adjustment(1000), adjustment(2000), adjustment(4000)])
        # One void of a decision that is carried, one of a station's entry, one not folded yet.
        await journal.append([encode_entry(Void(NOON_US, f"hub/{first}/3", "ann", ""))])
        await journal.append([encode_entry(Void(NOON_US, str(till.id(sold)), "ann", ""))])
        await fold_all(store)
        assert await on_hand(store) == {TEA: 3000}
        await journal.append([adjustment(8000)])

        second = await open_on(journal, 1)
        assert journal.view.head.seq == 5
        await fold_all(store)
        assert await on_hand(store) == {TEA: 11_000}
        assert (await store.totals()).fold_lag == 0
        entries = {e.entry: e.qty_milli for e in (await store.timeline(TEA)).entries if e.reason == "adjustment"}
        assert entries == {
            EntryId(HUB_STATION, first, 1): 1000,
            EntryId(HUB_STATION, second, 1): 2000,
            EntryId(HUB_STATION, second, 2): 4000,
            EntryId(HUB_STATION, second, 5): 8000,
        }
        await assert_books_agree(store)


async def test_head_office_believes_the_restored_hub_and_not_what_it_heard_from_the_lost_one(tmp_path: Path) -> None:
    counter, late = Station("counter"), Station("late")
    counter.scan(TEA_CODE, 10_000, Reason.RECEIPT)
    counter.count(TEA_CODE, 9000, after_s=10 * 3600)
    late.scan(TEA_CODE, -3000, after_s=5 * 3600)
    late.scan(TEA_CODE, -500, after_s=3600)
    office = FeedBooks()
    (tmp_path / "restored").mkdir()
    async with shop(tmp_path) as store:
        await counter.tell(store, 1)
        await fold_all(store)
        common = store.feed.view.head
    shops.copy(tmp_path / "hub.db", tmp_path / "restored" / "hub.db")
    told_counter, told_late = counter.told, late.told
    async with shop(tmp_path) as store:
        # The count is told, then restated twice as late sales arrive one by one.
        await counter.tell(store)
        for _ in range(2):
            await late.tell(store, 1)
            await fold_all(store)
        for line in (await store.feed.read(common.epoch, 1, 100, 1 << 20)).lines:
            office.upsert(decode_feed_entry(line))
        assert office.on_hand(TEA, AREA) == 9000
    counter.told, late.told = told_counter, told_late
    # That hub is lost. The restored one hears everything in another order, with fewer restatements, and one sale not.
    async with shop(tmp_path / "restored") as store:
        await late.tell(store, 1)
        await counter.tell(store)
        await fold_all(store)
        await open_on(store.feed, common.seq)
        for chapter in store.feed.view.lineage:
            for line in (await store.feed.read(chapter.epoch, 1, 100, 1 << 20)).lines:
                office.upsert(decode_feed_entry(line))
        await late.tell(store)
        await fold_all(store)
        head = store.feed.view.head
        for line in (await store.feed.read(head.epoch, 1, 100, 1 << 20)).lines:
            office.upsert(decode_feed_entry(line))
        assert {TEA: office.on_hand(TEA, AREA)} == await on_hand(store) == {TEA: 9000}
        await assert_books_agree(store)
