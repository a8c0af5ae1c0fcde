"""Head office's stock statements, through the real store: compared where they were made, answered, and rebuilt.

Beyond 300 lines because it is one story after the other of the same statements.
"""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from hub.errors import BadInput
from hub.store.feed_then import Reach
from hub.store.stated_queries import ConflictRow
from hub.store.store import HubStore
from protocol.documents import StatedLine, StockStated
from protocol.feed import decode_feed_entry
from protocol.feed_books import FeedBooks
from protocol.feed_documents import Standing
from protocol.hq_decisions import ConflictAnswer, ConflictAnswered
from protocol.identity import Epoch
from tests.unit.hub_store import shop as shop_module
from tests.unit.hub_store.shop import (
    AREA,
    BOTH_ENGINES,
    HOUR_US,
    JAM,
    JAM_CODE,
    NOON_US,
    TEA,
    TEA_CODE,
    Station,
    assert_books_agree,
    fold_all,
    on_hand,
    shop,
    store_at,
)
from tests.unit.hub_store.test_transfers import HeadOffice, virtual

pytestmark = BOTH_ENGINES


async def settle(store: HubStore) -> None:
    """Fold and compare until nothing is left."""
    await fold_all(store)
    while await store.head_office.compare():
        await fold_all(store)


def stated(store: HubStore, tea: int, jam: int = 0, *, name: str = "ST-1", back: int = 0) -> StockStated:
    """Head office's figures as of the feed's head, or so many entries before it."""
    at = store.feed.view.head
    lines = (StatedLine(TEA, AREA, tea), StatedLine(JAM, AREA, jam))
    return StockStated(NOON_US, name, 0, str(at.epoch), at.seq - back, lines, "hq", "nightly")


def answer(which: ConflictAnswer, name: str = "ST-1", key: str = "") -> ConflictAnswered:
    return ConflictAnswered(NOON_US + HOUR_US, name, TEA, AREA, which, "anna", "looked", key)


async def conflict(store: HubStore, name: str = "ST-1") -> ConflictRow:
    await settle(store)
    found = await store.head_office.conflict(name, TEA, AREA)
    assert found is not None
    return found


async def till_with_ten(store: HubStore) -> Station:
    till = Station("till-1")
    till.anchor()
    till.count(TEA_CODE, 10_000)
    await till.tell(store)
    await fold_all(store)
    return till


async def test_what_head_office_says_is_compared_with_the_figure_where_it_said_so(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        hq, till = HeadOffice(), await till_with_ten(store)
        equal = stated(store, 10_000)
        till.scan(TEA_CODE, -1000)
        await till.tell(store)
        await hq.write(store, equal)
        await settle(store)
        assert await on_hand(store) == {"tea": 9000}
        (row,) = (await store.head_office.statements()).rows
        assert (row.items, row.differing, row.reach) == (2, 0, Reach.REACHED)
        assert row.compared_us is not None
        assert (await store.head_office.conflicts()).rows == ()
        await hq.write(store, stated(store, 12_000, name="ST-2"))
        found = await conflict(store, "ST-2")
        assert (found.standing, found.hq_milli, found.ours_milli, found.difference_milli) == (
            Standing.OPEN, 12_000, 9000, 3000,
        )  # fmt: skip
        assert (await store.head_office.word()).conflicts == 1
        await assert_books_agree(store)


async def test_accepting_posts_the_difference_once_under_the_statement(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        hq, till = HeadOffice(), await till_with_ten(store)
        await hq.write(store, stated(store, 12_000))
        await conflict(store)
        till.scan(TEA_CODE, -1000)
        await till.tell(store)
        first = await store.decide(answer(ConflictAnswer.ACCEPT_HQ, key="k1"))
        assert await store.decide(answer(ConflictAnswer.ACCEPT_HQ, key="k1")) == (first[0], True)
        with pytest.raises(BadInput) as refused:
            await store.decide(answer(ConflictAnswer.KEEP_STORE))
        assert refused.value.name == "conflict-answered"
        assert (await conflict(store)).standing is Standing.ACCEPTED
        assert await on_hand(store) == {"tea": 11_000}
        (posted,) = [e for e in (await store.timeline(TEA)).entries if e.document == "ST-1"]
        assert (posted.qty_milli, posted.reason) == (2000, "adjustment")
        assert virtual(tmp_path)["transit"] == 0
        await assert_books_agree(store)


async def test_what_was_accepted_and_not_told_by_then_is_no_conflict_again(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        hq, _ = HeadOffice(), await till_with_ten(store)
        early = stated(store, 12_000, name="ST-2")
        await hq.write(store, stated(store, 12_000))
        await conflict(store)
        await store.decide(answer(ConflictAnswer.ACCEPT_HQ))
        await hq.write(store, early)
        await settle(store)
        assert await store.head_office.conflict("ST-2", TEA, AREA) is None
        assert await on_hand(store) == {"tea": 12_000}


async def test_the_store_is_kept_and_a_later_statement_takes_the_place_of_an_open_one(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        hq, till = HeadOffice(), await till_with_ten(store)
        await hq.write(store, stated(store, 12_000))
        assert (await conflict(store)).is_wanted
        till.scan(TEA_CODE, -1000)
        await till.tell(store)
        await fold_all(store)
        await hq.write(store, stated(store, 11_000, name="ST-2"))
        assert (await conflict(store)).standing is Standing.SUPERSEDED
        with pytest.raises(BadInput) as refused:
            await store.decide(answer(ConflictAnswer.ACCEPT_HQ))
        assert refused.value.name == "conflict-superseded"
        await store.decide(answer(ConflictAnswer.KEEP_STORE, "ST-2"))
        assert (await conflict(store, "ST-2")).standing is Standing.KEPT
        assert await on_hand(store) == {"tea": 9000}
        assert [row.document for row in (await store.head_office.conflicts()).rows] == ["ST-2", "ST-1"]
        assert (await store.head_office.conflicts(wanted=True)).rows == ()


async def test_a_recount_is_closed_by_a_count_that_stands_and_opened_by_its_void(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        hq, till = HeadOffice(), await till_with_ten(store)
        await hq.write(store, stated(store, 12_000))
        await conflict(store)
        await store.decide(answer(ConflictAnswer.RECOUNT))
        assert (await conflict(store)).standing is Standing.COUNTING
        assert (await store.head_office.word()).conflicts == 1
        till.up_us += 2 * HOUR_US
        counted = till.count(TEA_CODE, 11_000)
        await till.tell(store)
        assert (await conflict(store)).standing is Standing.COUNTED
        assert (await store.head_office.word()).conflicts == 0
        till.undo(counted)
        await till.tell(store)
        assert (await conflict(store)).standing is Standing.COUNTING
        await store.decide(answer(ConflictAnswer.KEEP_STORE))
        assert (await conflict(store)).standing is Standing.KEPT


async def test_a_position_ahead_is_waited_for_and_one_the_feed_never_had_is_reported(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        hq, till = HeadOffice(), await till_with_ten(store)
        ahead = stated(store, 9_000, back=-1)
        lost = StockStated(NOON_US, "ST-9", 0, str(Epoch(7, 7)), 3, (StatedLine(TEA, AREA, 1),))
        await hq.write(store, ahead, lost)
        await settle(store)
        word = await store.head_office.word()
        assert (word.conflicts, word.ahead, word.never) == (0, 1, 1)
        assert {row.document: row.reach for row in (await store.head_office.statements()).rows} == {
            "ST-1": Reach.AHEAD,
            "ST-9": Reach.NEVER,
        }
        till.scan(TEA_CODE, -1000)
        await till.tell(store)
        await settle(store)
        word = await store.head_office.word()
        assert (word.conflicts, word.ahead, word.never) == (0, 0, 1)


async def test_a_document_of_the_same_name_that_says_something_else_is_held_back(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        hq, _ = HeadOffice(), await till_with_ten(store)
        await hq.write(store, stated(store, 12_000), stated(store, 12_000), stated(store, 13_000))
        assert (await conflict(store)).hq_milli == 12_000
        (held,) = (await store.quarantine()).rows
        assert (held.reason, held.seq) == ("document-reused", 3)


async def test_the_books_made_anew_know_the_same_conflicts_and_post_nothing_twice(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        hq, till = HeadOffice(), await till_with_ten(store)
        position = stated(store, 12_000)
        await hq.write(store, position)
        await conflict(store)
        await store.decide(answer(ConflictAnswer.ACCEPT_HQ))
        before, entries = await conflict(store), store.journal.view.head.seq
        await store.keeping.unfold()
        after = await conflict(store)
        assert (after, store.journal.view.head.seq) == (before, entries)
        assert await on_hand(store) == {"tea": 12_000}
        # A position of the feed's life before is one that it had.
        late = StockStated(NOON_US, "ST-3", 0, position.epoch, position.seq, (StatedLine(TEA, AREA, 7_000),))
        till.scan(TEA_CODE, -1000)
        await till.tell(store)
        await hq.write(store, late)
        found = await conflict(store, "ST-3")
        assert (found.ours_milli, found.pending_milli, found.standing) == (10_000, 2000, Standing.OPEN)
    async with store_at(tmp_path / "hub.db") as store:
        assert await conflict(store, "ST-3") == found


@pytest.mark.parametrize("seed", range(1, 4))
async def test_ours_is_what_the_feed_had_told_by_any_position_in_any_order(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    async with shop(tmp_path) as store:
        hq, told = HeadOffice(), [Station("till-1"), Station("till-2", Epoch(1, 8))]
        for station in told:
            station.anchor()
            for _ in range(rng.randint(3, 12)):
                match rng.randint(0, 5):
                    case 0:
                        station.count(rng.choice([TEA_CODE, JAM_CODE]), 1000 * rng.randint(0, 30))
                    case 1 if len(station.lines) > 2:
                        station.undo(rng.randint(2, len(station.lines)))
                    case _:
                        station.scan(rng.choice([TEA_CODE, JAM_CODE]), -1000, after_s=rng.choice([1, 600]))
        epoch = store.feed.view.head.epoch
        positions = [rng.randint(0, 12) for _ in range(4)]
        waiting = [
            StockStated(
                NOON_US, f"ST-{n}", 0, str(epoch), seq,
                tuple(StatedLine(item, AREA, 1000 * rng.randint(-9, 9)) for item in (TEA, JAM)),
            )
            for n, seq in enumerate(positions)
        ]  # fmt: skip
        while waiting or any(station.told < len(station.lines) for station in told):
            if waiting and rng.random() < 0.4:
                await hq.write(store, waiting.pop(rng.randrange(len(waiting))))
            station = rng.choice(told)
            if station.told < len(station.lines):
                await station.tell(store, rng.randint(1, 4))
            if rng.random() < 0.6:
                await settle(store)
            for row in (await store.head_office.conflicts(wanted=True)).rows:
                if rng.random() < 0.3:
                    which = rng.choice([*ConflictAnswer])
                    # Refused where it came too late.
                    with suppress(BadInput):
                        await store.decide(
                            ConflictAnswered(NOON_US + HOUR_US, row.document, row.item, row.area, which, "a", "b")
                        )
        await settle(store)
        head = store.feed.view.head
        lines = (await store.feed.read(epoch, 1, 1000, 1 << 30)).lines
        for row in (await store.head_office.conflicts()).rows:
            twin = FeedBooks()
            for line in lines[: row.seq]:
                twin.upsert(decode_feed_entry(line))
            assert row.ours_milli == twin.on_hand(row.item, row.area), row
        compared = {row.document for row in (await store.head_office.statements()).rows if row.compared_us is not None}
        assert compared == {f"ST-{n}" for n, seq in enumerate(positions) if seq <= head.seq}
        await assert_books_agree(store)
        before = (await store.head_office.conflicts()).rows
        await store.keeping.unfold()
        await settle(store)
        assert (await store.head_office.conflicts()).rows == before
        virtual(tmp_path)


async def test_a_file_put_back_reports_what_it_never_told_and_knows_what_it_had(tmp_path: Path) -> None:
    hq, till = HeadOffice(), None
    async with shop(tmp_path) as store:
        till = await till_with_ten(store)
        await hq.write(store, stated(store, 12_000))
        before = await conflict(store)
        known = stated(store, 11_000, name="ST-2")
    (tmp_path / "old").mkdir()
    shop_module.copy(tmp_path / "hub.db", tmp_path / "old" / "hub.db")
    async with store_at(tmp_path / "hub.db") as store:
        till.scan(TEA_CODE, -1000)
        await till.tell(store)
        await fold_all(store)
        lost = stated(store, 9000, name="ST-3")
    async with store_at(tmp_path / "old" / "hub.db") as store:
        await store.keeping.begin_epochs()
        assert await conflict(store) == before
        await hq.write(store, known, lost)
        await settle(store)
        found = await conflict(store, "ST-2")
        assert (found.ours_milli, found.standing) == (10_000, Standing.OPEN)
        assert (await conflict(store)).standing is Standing.SUPERSEDED
        assert {row.document: row.reach for row in (await store.head_office.statements()).rows}["ST-3"] is Reach.NEVER
        await store.decide(answer(ConflictAnswer.ACCEPT_HQ, "ST-2"))
        await store.keeping.begin_epochs()
        # The answer and what it posted have other names now.
        assert (await conflict(store, "ST-2")).standing is Standing.ACCEPTED
        assert await on_hand(store) == {"tea": 11_000}
        await assert_books_agree(store)
