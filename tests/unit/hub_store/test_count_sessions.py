"""Count sessions in the store, one story a test: what stations and people say comes to counts of whole areas.

Beyond 300 lines because it is one story after the other of the same shop.
"""

from __future__ import annotations

from functools import partialmethod
from pathlib import Path
from typing import Any

import pytest

from hub.errors import BadInput
from hub.ledger.asking import Asked, Tolerance
from hub.ledger.counting import COUNTS_STATION
from hub.store.sql import Sql
from hub.store.store import HubStore
from protocol.catalogue import CodeLink, Item
from protocol.count_decisions import CountVerdict
from protocol.dated_words import PlaceGiven, PlaceKind
from protocol.decisions import Void
from protocol.events import Reason, encode_entry
from protocol.feed import CountResult, FeedStatus, Movement
from protocol.identity import EntryId
from tests.unit.hub_store.counters import FLOOR, SESSION, A, B, done, found, home, plan, ruled, shelf, state_of
from tests.unit.hub_store.shop import (
    AREA,
    BOTH_ENGINES,
    HOUR_US,
    JAM,
    JAM_CODE,
    NEW_CODE,
    NOON_US,
    TEA,
    TEA_CODE,
    Station,
    assert_books_agree,
    fold_all,
    key,
    on_hand,
    shop,
    store_at,
    told,
)

pytestmark = BOTH_ENGINES

_sql_execute = Sql.execute


def _execute(sql: Sql, spent: list[object], statement: Any, values: Any = ()) -> Any:
    spent.append(statement)
    return _sql_execute(sql, statement, values)


async def hear(store: HubStore, *stations: Station) -> None:
    for station in stations:
        await station.tell(store)
    await fold_all(store)


async def test_an_item_on_two_shelves_is_counted_when_both_were_and_not_before(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        await store.lay_out(FLOOR)
        hand = Station("hand-1")
        hand.scan(TEA_CODE, 20_000, Reason.RECEIPT)
        found(hand, A, 4)
        done(hand, A)
        await hear(store, hand)
        assert await state_of(store) == (20, 20, 20)
        session = await store.counts.session(SESSION)
        assert session is not None
        assert [(each.item.item, each.shelves) for each in session.waiting] == [(TEA, (B,))]
        assert session.open_shelves == (B,)
        found(hand, B, 6)
        done(hand, B)
        await hear(store, hand)
        assert (await state_of(store))[0] == 10
        session = await store.counts.session(SESSION)
        assert session is not None
        ((tea),) = session.counted
        assert (tea.qty_milli, tea.expected_milli, tea.entry.station) == (10_000, 20_000, COUNTS_STATION)
        assert session.waiting == ()
        await assert_books_agree(store)
        # The stations' own counts are seen, and are of no area by themselves.
        entries = (await store.timeline(TEA, limit=100)).entries
        assert {(e.entry.station, e.qty_milli): e.variance_milli for e in entries if e.kind == "count"} == {
            ("counts", 10_000): -10_000,
            ("hand-1", 4000): None,
            ("hand-1", 6000): None,
        }


async def test_a_second_pass_by_another_person_is_compared_and_never_added(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        await store.lay_out(FLOOR)
        ann, bob = Station("hand-1"), Station("hand-2")
        found(ann, A, 4, JAM_CODE, person="ann")
        done(ann, A, person="ann")
        found(bob, A, 3, JAM_CODE, pass_=2, person="bob")
        done(bob, A, pass_=2, person="bob")
        await hear(store, bob, ann)
        assert (await state_of(store, JAM))[0] == 3
        session = await store.counts.session(SESSION)
        assert session is not None
        (jam,) = session.counted
        assert [each.asked for each in jam.asked] == [Asked.PASSES_DIFFER]
        nearly = await store.counts.session(SESSION, {"": Tolerance(qty_milli=1000)})
        assert nearly is not None
        assert nearly.counted[0].asked == ()
        await store.decide(ruled(CountVerdict.ACCEPT, JAM, 1))
        await fold_all(store)
        assert (await state_of(store, JAM))[0] == 4
        session = await store.counts.session(SESSION)
        assert session is not None
        assert session.counted[0].settled
        assert session.counted[0].asked == ()
        await assert_books_agree(store)


async def test_in_a_closed_area_no_sale_near_the_count_makes_it_doubtful(tmp_path: Path) -> None:
    for closed, doubt in ((False, (9, 9, 10)), (True, (9, 9, 9))):
        folder = tmp_path / str(closed)
        folder.mkdir()
        async with shop(folder) as store:
            await store.lay_out(FLOOR)
            await store.decide(plan(items=(TEA,), closed=closed))
            till, hand = Station("till-1"), Station("hand-1")
            for station in (till, hand):
                station.anchor()
            found(hand, A, 4)
            found(hand, B, 6)
            till.scan(TEA_CODE, -1000, after_s=1200)
            await hear(store, till, hand)
            assert await state_of(store) == doubt
            await assert_books_agree(store)
            (row,) = (await store.stock(limit=10)).rows
            (why,) = await store.lineage(TEA)
            assert (why.lo_milli, why.hi_milli) == (row.lo_milli, row.hi_milli)
            assert len(why.ambiguous) == (0 if closed else 1)


async def test_a_complete_count_says_zero_of_what_it_did_not_see_also_of_items_heard_of_later(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        await store.lay_out(FLOOR)
        till, hand = Station("till-1"), Station("hand-1")
        for station in (till, hand):
            station.anchor()
        till.scan(JAM_CODE, 7000, Reason.RECEIPT)
        await hear(store, till)
        await store.decide(plan())
        found(hand, A, 4)
        done(hand, A)
        await hear(store, hand)
        assert await on_hand(store) == {JAM: 7000, TEA: 0}
        found(hand, B, 6)
        done(hand, B)
        await hear(store, hand)
        assert await on_hand(store) == {JAM: 0, TEA: 10_000}
        # A sale of before the count, of an item that nobody had ever heard of; and one of after it.
        late = Station("late")
        late.anchor()
        late.scan(NEW_CODE, -2000)
        late.scan(NEW_CODE, -3000, after_s=4 * 3600)
        await hear(store, late)
        assert "salt" not in await on_hand(store)
        await store.apply_catalogue([Item("salt", "Salt"), CodeLink(key(NEW_CODE), "salt")])
        await fold_all(store)
        assert (await on_hand(store))["salt"] == -3000
        await assert_books_agree(store)
        session = await store.counts.session(SESSION)
        assert session is not None
        assert session.complete is not None
        # Somebody takes it all back.
        await store.decide(ruled(CountVerdict.VOID))
        await fold_all(store)
        assert await on_hand(store) == {JAM: 7000, TEA: 0, "salt": -5000}
        await assert_books_agree(store)


async def test_an_undo_at_the_station_and_a_void_at_the_hub_act_on_the_session(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        await store.lay_out(FLOOR)
        hand = Station("hand-1")
        first = found(hand, A, 4)
        second = found(hand, A, 3)
        third = found(hand, B, 6)
        await hear(store, hand)
        assert (await state_of(store))[0] == 13
        hand.undo(second)
        await hear(store, hand)
        assert (await state_of(store))[0] == 10
        await store.journal.append([encode_entry(Void(NOON_US, str(hand.id(third)), "ann", "wrong shelf"))])
        await fold_all(store)
        session = await store.counts.session(SESSION)
        assert session is not None
        assert [each.item.item for each in session.waiting] == [TEA]
        assert [each.undone for each in session.readings] == [False, True, True]
        await assert_books_agree(store)
        await store.decide(ruled(CountVerdict.VOID, target=hand.id(first)))
        await fold_all(store)
        session = await store.counts.session(SESSION)
        assert session is not None
        assert (session.counted, session.waiting) == ((), ())
        await assert_books_agree(store)


async def test_without_shelves_each_count_stands_by_itself_until_a_plan_makes_them_one(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        hand = Station("hand-1")
        found(hand, "store", 4)
        found(hand, "store", 6)
        await hear(store, hand)
        assert (await state_of(store))[0] == 6
        assert (await store.counts.sessions()).rows[0].composed is False
        await store.decide(plan(items=(TEA,)))
        await fold_all(store)
        assert (await state_of(store))[0] == 10
        (row,) = (await store.counts.sessions()).rows
        assert (row.planned, row.composed, row.readings, row.counted, row.open) == (True, True, 2, 1, 0)
        await assert_books_agree(store)


async def test_what_stood_and_stands_no_longer_is_taken_back_at_head_office(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        hand = Station("hand-1")
        found(hand, A, 4)
        await hear(store, hand)
        await store.lay_out(FLOOR)
        await fold_all(store)
        assert (await store.stock_of(TEA)).rows[0].unanchored
        said = [each for each in await told(store) if isinstance(each, CountResult)]
        assert [each.status for each in said] == [FeedStatus.STANDS, FeedStatus.REVERSED]
        await assert_books_agree(store)
        found(hand, B, 6)
        await hear(store, hand)
        said = [each for each in await told(store) if isinstance(each, CountResult)]
        assert [(each.entry.partition("/")[0], each.counted_milli) for each in said][2:] == [("counts", 10_000)]
        await assert_books_agree(store)


async def test_a_better_clock_moves_a_session_and_what_was_said_of_an_empty_shelf(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        await store.lay_out(FLOOR)
        hand = Station("hand-1", synced=False, wall_off_us=-3 * HOUR_US)
        found(hand, A, 4)
        done(hand, A)
        done(hand, B)
        await hear(store, hand)
        before = await store.counts.session(SESSION, {})
        assert before is not None
        hand.anchor()
        await hear(store, hand)
        after = await store.counts.session(SESSION)
        assert after is not None
        assert after.counted[0].t_us - before.counted[0].t_us == pytest.approx(3 * HOUR_US, abs=2_000_000)
        assert [each.said[0].to_us > before.shelves[0].said[0].to_us + HOUR_US for each in after.shelves] == [
            True,
            True,
        ]
        await assert_books_agree(store)


async def test_goods_of_an_unknown_code_hold_a_complete_count_up_until_they_are_known(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        await store.lay_out(FLOOR)
        till, hand = Station("till-1"), Station("hand-1")
        till.anchor()
        till.scan(JAM_CODE, 7000, Reason.RECEIPT)
        await store.decide(plan())
        hand.anchor()
        found(hand, A, 5, NEW_CODE)
        done(hand, A)
        done(hand, B)
        await hear(store, till, hand)
        assert await on_hand(store) == {JAM: 7000}
        assert [held.reason for held in (await store.quarantine()).rows] == ["unknown-item"]
        await store.apply_catalogue([CodeLink(key(NEW_CODE), TEA, factor_milli=2000)])
        await fold_all(store)
        assert await on_hand(store) == {JAM: 0, TEA: 10_000}
        assert (await store.quarantine()).rows == ()
        await assert_books_agree(store)


async def test_a_shelf_that_was_of_another_area_all_along_takes_its_part_of_the_count_there(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        await store.lay_out(FLOOR)
        hand = Station("hand-1")
        hand.anchor()
        found(hand, A, 4)
        found(hand, B, 6)
        done(hand, B)
        await hear(store, hand)
        assert await state_of(store) == (10, 10, 10)
        front = PlaceGiven(NOON_US, "front", "", "front", PlaceKind.AREA, 0, "ann", "it is a room of its own")
        await store.lay_out([front, shelf(B, area="front")])
        await fold_all(store)
        rows = {row.area: row.on_hand_milli for row in (await store.stock_of(TEA)).rows}
        assert rows == {"front": 6000, AREA: 4000}
        assert await store.rebuild() == ()


async def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        await store.lay_out(FLOOR)
        with pytest.raises(BadInput, match="count-unknown"):
            await store.decide(ruled(CountVerdict.ACCEPT))
        with pytest.raises(BadInput, match="count-unplanned"):
            await store.counts.expected(SESSION)
        await store.decide(plan())
        await fold_all(store)
        with pytest.raises(BadInput, match="count-planned"):
            await store.decide(plan())
        with pytest.raises(BadInput, match="not-of-count"):
            await store.decide(ruled(CountVerdict.VOID, target=EntryId.parse("till-1/1.0000000000000007/1")))


async def test_the_log_of_counts_is_of_the_books_and_of_nobody_else(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        await store.lay_out(FLOOR)
        hand = Station("hand-1")
        found(hand, A, 4)
        found(hand, B, 6)
        await hear(store, hand)
        assert [each.station for each in await store.stations()] == ["hand-1"]
        cursor = await store.keeping.archive_cursor()
        assert {log for log, _ in cursor.reached} == {"journal", "catalogue", "s/hand-1/stock"}
        assert (await store.totals()).movements == 2
        with pytest.raises(BadInput, match="bad-log"):
            await store.reader_state("s/counts/stock")
        before = await on_hand(store)
        await store.keeping.unfold()
        await fold_all(store)
        assert await on_hand(store) == before
        await assert_books_agree(store)


async def test_a_restart_in_the_middle_forgets_nothing(tmp_path: Path) -> None:
    hand = Station("hand-1")
    async with shop(tmp_path) as store:
        await store.lay_out((*FLOOR, shelf("shelf-c", NOON_US + 8 * HOUR_US)))
        await store.decide(plan())
        found(hand, A, 4)
        done(hand, A)
        await hear(store, hand)
    async with store_at(tmp_path / "hub.db") as store:
        found(hand, B, 6)
        await hear(store, hand)
        assert await on_hand(store) == {TEA: 10_000}
    async with store_at(tmp_path / "hub.db") as store:
        done(hand, B)
        await hear(store, hand)
        late = Station("late")
        late.scan(JAM_CODE, -1000)
        await hear(store, late)
        assert await on_hand(store) == {TEA: 10_000, JAM: 0}
        await assert_books_agree(store)
        # Somebody remembers that jam stood on the other shelf, too; and that tea stood on a third one all the time.
        await store.lay_out([home(JAM, B), shelf("shelf-c"), home(TEA, "shelf-c")])
        await fold_all(store)
        session = await store.counts.session(SESSION)
        assert session is not None
        assert session.open_shelves == ("shelf-c",)
        assert await on_hand(store) == {TEA: 0, JAM: -1000}
        await assert_books_agree(store)


async def test_a_late_sale_asks_no_more_of_the_books_however_many_counts_came_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    for counts in (5, 50):
        folder = tmp_path / str(counts)
        folder.mkdir()
        async with shop(folder) as store:
            await store.lay_out(FLOOR)
            hand, till = Station("hand-1"), Station("till-1")
            for station in (hand, till):
                station.anchor()
            till.scan(JAM_CODE)
            till.scan(TEA_CODE, after_s=2000)
            hand.up_us = 12 * HOUR_US
            for number in range(counts):
                hand.anchor()
                found(hand, A, 4, session=f"day-{number}", after_s=3600)
                found(hand, B, 6, session=f"day-{number}")
            await hear(store, hand)
            await till.tell(store, 2)
            await fold_all(store)
            told_before = len(await told(store))
            await till.tell(store)
            with monkeypatch.context() as patched:
                spent: list[object] = []
                patched.setattr(Sql, "execute", partialmethod(_execute, spent))
                await fold_all(store)
            asked.append(len(spent))
            news = (await told(store))[told_before:]
            assert [type(each) for each in news] == [Movement, CountResult], (
                "one count is told anew, the first after it"
            )
            assert isinstance(news[1], CountResult)
            assert (news[1].variance_milli, news[1].opening) == (11_000, True)
            await assert_books_agree(store)
    assert asked[0] == asked[1]
