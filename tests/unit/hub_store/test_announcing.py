"""What the store feed tells of transfers and conflicts: each change once, and head office keeps the last of it."""

from __future__ import annotations

from pathlib import Path

from hub.store.store import HubStore
from protocol.decisions import TransferLine, TransferSaid, TransferStep
from protocol.documents import MovedLine, TransferClosed, TransferMoved
from protocol.feed import FeedEntry, decode_feed_entry
from protocol.feed_documents import ConflictEntry, FeedDocuments, Phase, Standing, TransferEntry, TransferRow
from protocol.hq_decisions import ConflictAnswer
from protocol.identity import ItemId
from tests.unit.hub_store.shop import BOTH_ENGINES, NOON_US, TEA, Station, feed_lines, fold_all, shop
from tests.unit.hub_store.test_stated import answer, conflict, settle, stated, till_with_ten
from tests.unit.hub_store.test_transfers import HeadOffice, approved, leaving, move, within

pytestmark = BOTH_ENGINES


async def told(store: HubStore) -> list[FeedEntry]:
    entries = [decode_feed_entry(line) for line in await feed_lines(store)]
    return [entry for entry in entries if isinstance(entry, TransferEntry | ConflictEntry)]


async def phases(store: HubStore) -> list[Phase]:
    await fold_all(store)
    return [entry.data.phase for entry in await told(store) if isinstance(entry, TransferEntry)]


async def test_every_step_of_a_transfer_is_told_once(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        door, floor = await approved(store)
        assert await phases(store) == [Phase.DRAFT, Phase.APPROVED]
        undone = move(door, -10_000, "back-door")
        await door.tell(store)
        assert await phases(store) == [Phase.DRAFT, Phase.APPROVED, Phase.SHIPPED]
        door.undo(undone)
        await door.tell(store)
        assert (await phases(store))[3:] == [Phase.APPROVED]
        move(door, -10_000, "back-door")
        move(floor, 4_000, "shelves")
        await door.tell(store)
        await floor.tell(store)
        assert (await phases(store))[-1] is Phase.RECEIVING
        await store.say_transfer(within(TransferStep.CLOSE))
        last = (await phases(store))[-1]
        assert last is Phase.CLOSED
        entries = await told(store)
        assert [entry.data.revision for entry in entries] == sorted({entry.data.revision for entry in entries})
        office = FeedDocuments()
        for entry in reversed([*entries, *entries]):
            office.take(entry)
        known = office.transfer("TR-1")
        assert known is not None
        assert known.rows == (TransferRow(TEA, 10_000, 10_000, 4_000, 6_000),)
        assert (known.from_area, known.to_area) == ("back", "floor")
        count = len(entries)
        floor.scan("4000000000020", -1000)
        await floor.tell(store)
        await fold_all(store)
        assert len(await told(store)) == count


async def test_a_transfer_of_many_items_goes_over_several_entries(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        lines = tuple(TransferLine(f"item-{n:04}", 1000) for n in range(450))
        said = TransferSaid(
            NOON_US, "TR-2", TransferStep.DRAFT, "corner", "back", "corner", "floor", lines, "anna", "all of it"
        )  # fmt: skip
        await store.say_transfer(said)
        await fold_all(store)
        entries = await told(store)
        assert len(entries) == 3
        office = FeedDocuments()
        office.take(entries[2])
        office.take(entries[0])
        assert office.transfer("TR-2") is None
        office.take(entries[1])
        known = office.transfer("TR-2")
        assert known is not None
        assert [row.item for row in known.rows] == [ItemId(line.item) for line in lines]


async def test_conflicts_are_told_when_they_open_and_when_somebody_answers(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        hq, _ = HeadOffice(), await till_with_ten(store)
        await hq.write(store, stated(store, 12_000))
        await conflict(store)
        await store.decide(answer(ConflictAnswer.RECOUNT))
        await settle(store)
        await store.decide(answer(ConflictAnswer.ACCEPT_HQ))
        await settle(store)
        seen = [(e.data.standing, e.data.answer) for e in await told(store) if isinstance(e, ConflictEntry)]
        assert seen == [
            (Standing.OPEN, None),
            (Standing.COUNTING, ConflictAnswer.RECOUNT),
            (Standing.ACCEPTED, ConflictAnswer.ACCEPT_HQ),
        ]


async def test_books_made_anew_and_a_feed_begun_anew_tell_what_wins_and_says_the_same(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        hq, till, dock = HeadOffice(), await till_with_ten(store), Station("dock")
        await hq.write(store, stated(store, 12_000), leaving())
        await conflict(store)
        move(dock, -5000, "dock", "TR-8")
        await dock.tell(store)
        await hq.write(
            store,
            TransferMoved(NOON_US, "TR-8", "mill-lane", (MovedLine(TEA, 0, 4000),)),
            TransferClosed(NOON_US, "TR-8"),
        )
        await store.decide(answer(ConflictAnswer.KEEP_STORE))
        await settle(store)
        office = FeedDocuments()
        for entry in await told(store):
            office.take(entry)
        before = office.transfer("TR-8"), office.conflicts
        await store.keeping.unfold()
        await settle(store)
        for entry in await told(store):
            office.take(entry)
        after = office.transfer("TR-8"), office.conflicts
        assert before[0] is not None
        assert after[0] is not None
        assert after[0].revision > before[0].revision
        assert (after[0].phase, after[0].rows) == (before[0].phase, before[0].rows)
        assert [each.standing for each in after[1]] == [Standing.KEPT]
        count = len(await told(store))
        till.scan("4000000000020", -1000)
        await till.tell(store)
        await settle(store)
        assert len(await told(store)) == count
