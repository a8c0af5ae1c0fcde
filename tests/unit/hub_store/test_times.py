"""When entries happened: by their station's clock, by anchors, and anew when a better anchor comes."""

from __future__ import annotations

from pathlib import Path

from hub.ledger.entries import Status
from protocol.events import Reason
from protocol.identity import Epoch
from tests.unit.hub_store.shop import (
    BOTH_ENGINES,
    HOUR_US,
    TEA,
    TEA_CODE,
    Station,
    assert_books_agree,
    fold_all,
    on_hand,
    shop,
    times_of,
    told,
    told_stock,
)

pytestmark = BOTH_ENGINES


async def test_an_anchor_gives_times_to_what_was_folded_before_it(tmp_path: Path) -> None:
    # A station without a clock, two hours slow, sells before the counter counts and says so afterwards.
    counter, till = Station("counter"), Station("till", synced=False, wall_off_us=-2 * HOUR_US)
    counter.scan(TEA_CODE, 10_000, Reason.RECEIPT)
    counter.count(TEA_CODE, 8000, after_s=6 * 3600)
    till.scan(TEA_CODE, -2000, after_s=7 * 3600)
    async with shop(tmp_path) as store:
        await counter.tell(store)
        await till.tell(store)
        await fold_all(store)
        assert await on_hand(store) == {TEA: 8000}
        assert (await times_of(store, till))[1][0] == 5 * 3600
        till.anchor()
        await till.tell(store)
        await fold_all(store)
        seconds, err_ms = (await times_of(store, till))[1]
        assert seconds == 7 * 3600
        assert err_ms < 10
        assert await on_hand(store) == {TEA: 6000}
        await assert_books_agree(store)


async def test_an_anchor_committed_before_the_fold_is_used_at_once(tmp_path: Path) -> None:
    till = Station(synced=False, wall_off_us=-9 * HOUR_US)
    for _ in range(20):
        till.scan(TEA_CODE, -1000, after_s=3600)
    till.anchor()
    async with shop(tmp_path) as store:
        await till.tell(store, 7)
        await till.tell(store)
        await fold_all(store, 5)
        assert [s for s, _ in (await times_of(store, till)).values()] == [3600 * n for n in range(20, 0, -1)]
        # One statement about each: nothing was read twice.
        assert len(await told(store)) == 20
        await assert_books_agree(store)


async def test_a_station_in_touch_is_timed_once(tmp_path: Path) -> None:
    till = Station()
    async with shop(tmp_path) as store:
        till.anchor()
        for _ in range(30):
            till.scan(TEA_CODE, -1000, after_s=120)
            till.anchor(after_s=180)
            await till.tell(store)
            await fold_all(store)
        assert store.feed.view.head.seq == 30
        await assert_books_agree(store)


async def test_within_a_log_time_never_runs_back(tmp_path: Path) -> None:
    till = Station(synced=True)
    till.scan(TEA_CODE, -1000)
    till.scan(TEA_CODE, -1000)
    till.wall_off_us = -HOUR_US
    till.scan(TEA_CODE, -1000)
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        assert await times_of(store, till) == {1: (1, 1000), 2: (2, 1000), 3: (2, 3_600_000)}
        await assert_books_agree(store)


async def test_a_year_in_the_future_is_taken_back_when_an_anchor_comes(tmp_path: Path) -> None:
    # The clock read 2036 until the hub was met; the next boot's entries were raised to it meanwhile.
    till = Station(synced=False, wall_off_us=10 * 365 * 24 * HOUR_US)
    for _ in range(5):
        till.scan(TEA_CODE, -1000)
    before = till.commit()
    till.anchor()
    till.reboot("boot-2", off_s=50)
    till.wall_off_us = 0
    till.scan(TEA_CODE, -1000, after_s=10)
    async with shop(tmp_path) as store:
        await store.commit([before])
        await fold_all(store)
        assert (await times_of(store, till))[5][0] > 9 * 365 * 86_400
        await till.tell(store)
        await fold_all(store, 2)
        assert [s for s, _ in (await times_of(store, till)).values()] == [66, 5, 4, 3, 2, 1]
        await assert_books_agree(store)


async def test_rereading_takes_many_passes_and_ends(tmp_path: Path) -> None:
    till = Station(synced=False, wall_off_us=-5 * HOUR_US)
    for _ in range(100):
        till.scan(TEA_CODE, -1000, after_s=10)
    early = [till.commit(10) for _ in range(10)]
    till.anchor()
    async with shop(tmp_path) as store:
        for part in early:
            await store.commit([part])
        await fold_all(store)
        await till.tell(store)
        # What is read again ends where the fold stood when the clock became known.
        progress = await store.fold_some(10)
        assert progress.lag == 100 - 10
        assert await fold_all(store, 10) == 10
        assert (await store.totals()).fold_lag == 0
        assert (await times_of(store, till))[1][0] == 10
        assert await told_stock(store) == {TEA: -100_000}
        await assert_books_agree(store)


async def test_rereading_catches_up_with_the_fold(tmp_path: Path) -> None:
    # A backlog is half folded when the clock becomes known; what is folded after it is timed once.
    till = Station(synced=False, wall_off_us=-5 * HOUR_US)
    for _ in range(200):
        till.scan(TEA_CODE, -1000, after_s=10)
    parts = [till.commit(10) for _ in range(20)]
    till.anchor()
    async with shop(tmp_path) as store:
        for part in parts:
            await store.commit([part])
        for _ in range(5):
            await store.fold_some(10)
        await till.tell(store)
        await fold_all(store, 10)
        # One statement about each entry, and a second about the fifty that were folded too early.
        assert len(await told(store)) == 200 + 50
        assert await told_stock(store) == {TEA: -200_000}
        await assert_books_agree(store)


async def test_a_boot_that_goes_on_in_a_new_epoch_is_one_clock(tmp_path: Path) -> None:
    first = Station(synced=False, wall_off_us=-HOUR_US)
    first.scan(TEA_CODE, -1000, after_s=100)
    second = Station(epoch=Epoch(2, 8), synced=False, wall_off_us=-HOUR_US, up_us=first.up_us)
    second.scan(TEA_CODE, -1000, after_s=100)
    async with shop(tmp_path) as store:
        await first.tell(store)
        await second.tell(store)
        await fold_all(store)
        second.anchor()
        await second.tell(store)
        await fold_all(store)
        assert (await times_of(store, first))[1][0] == 100
        assert (await times_of(store, second))[1][0] == 200
        await assert_books_agree(store)


async def test_a_count_spans_its_readings(tmp_path: Path) -> None:
    till = Station()
    till.anchor()
    till.scan(TEA_CODE, 9000, Reason.ADJUSTMENT, after_s=10)
    till.count(TEA_CODE, 8000, after_s=0.2)
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        row = (await store.stock_of(TEA)).rows[0]
        # The adjustment fell into the half second over which the shelf was read.
        assert (row.ambiguous, row.lo_milli, row.hi_milli) == (1, 8000, 17_000)
        assert {e.status for e in (await store.timeline(TEA)).entries} == {Status.APPLIED, Status.ABSORBED}
        await assert_books_agree(store)


async def test_anchors_kept_before_a_restart_and_after_it_are_of_one_boot(tmp_path: Path) -> None:
    till = Station(synced=False, wall_off_us=-2 * HOUR_US)
    till.scan(TEA_CODE, -1000, after_s=60)
    till.anchor()
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
    till.scan(TEA_CODE, -1000, after_s=3600)
    till.anchor(after_s=3600)
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        assert [seconds for seconds, _ in (await times_of(store, till)).values()] == [3661, 60]
        await assert_books_agree(store)
