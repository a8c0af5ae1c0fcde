"""Goods that travel, through the real store: between areas and between stores, in parts, and with something missing.

Beyond 300 lines because it is one story after the other of the same two stores.
"""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.errors import BadInput
from hub.ledger.transfers import TransferState
from hub.store import tables
from hub.store.reader_logs import HQ_DOCUMENTS, LogCommit
from hub.store.statements import total
from hub.store.store import HubStore
from protocol.catalogue import CodeLink
from protocol.chain import Chapter, Position, extend
from protocol.decisions import TransferLine, TransferSaid, TransferStep
from protocol.documents import (
    HqDocument,
    MovedLine,
    TransferApproved,
    TransferClosed,
    TransferMoved,
    encode_document,
)
from protocol.events import Delta, Reason
from protocol.feed_documents import Phase
from protocol.identity import Epoch, PlaceId
from protocol.replication.ports import ReaderState, Slice
from tests.unit.hub_store.shop import (
    BOTH_ENGINES,
    NEW_CODE,
    NOON_US,
    STORE,
    TEA,
    TEA_CODE,
    Station,
    assert_books_agree,
    fold_all,
    give_place,
    key,
    on_hand,
    rows_at,
    shop,
    store_at,
)

pytestmark = BOTH_ENGINES

HQ_EPOCH = Epoch(1, 99)
BACK, FLOOR = PlaceId("back"), PlaceId("floor")


def within(step: TransferStep, tea: int = 10_000, document: str = "TR-1") -> TransferSaid:
    lines = () if step is TransferStep.CLOSE else (TransferLine(TEA, tea),)
    return TransferSaid(NOON_US, document, step, STORE, BACK, STORE, FLOOR, lines, "anna", "more tea in front")


def arriving(document: str = "TR-9", to: str = STORE) -> TransferApproved:
    return TransferApproved(NOON_US, document, "mill-lane", "store", to, "store", (TransferLine(TEA, 5000),), "hq")


def leaving(document: str = "TR-8") -> TransferApproved:
    return TransferApproved(NOON_US, document, STORE, "store", "mill-lane", "store", (TransferLine(TEA, 5000),), "hq")


class HeadOffice:
    """Writes documents, as the reader of its log would commit them."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    async def write(self, store: HubStore, *documents: HqDocument | bytes) -> None:
        digest = extend(Chapter(HQ_EPOCH).origin().digest, self.lines)
        new = tuple(each if isinstance(each, bytes) else encode_document(each) for each in documents)
        part = Slice(HQ_EPOCH, len(self.lines) + 1, digest, new)
        self.lines += new
        at = Position(HQ_EPOCH, len(self.lines), extend(digest, new))
        await store.commit([LogCommit(HQ_DOCUMENTS, (part,), ReaderState(at=at, generation=1))])


def move(
    station: Station, qty_milli: int, place: str, document: str = "TR-1", reason: Reason = Reason.TRANSFER,
    code: str = TEA_CODE,
) -> int:  # fmt: skip
    station.up_us += 1_000_000
    return station.say(Delta(station.when(), "scanner", code, "]E0", qty_milli, reason, place, document), 0)


async def state_of(store: HubStore, document: str = "TR-1") -> TransferState:
    await fold_all(store)
    state = await store.transfer(document)
    assert state is not None
    return state


async def areas(store: HubStore) -> dict[str, int]:
    return {row.area: row.on_hand_milli for row in (await store.stock_of(TEA)).rows}


def virtual(folder: Path) -> dict[str, int]:
    """What the books of tea hold in transit and have lost, over all areas; and that all places sum to nothing."""
    scope = tables.scope.c
    virtual = (scope.transit_milli, scope.shrink_milli, scope.supplier_milli, scope.customer_milli, scope.opening_milli)
    figures = (*virtual, scope.conversion_milli, scope.on_hand_milli)
    [(transit, shrink, *others)] = rows_at(folder / "hub.db", select(*map(total, figures)).where(scope.item == TEA))
    assert transit + shrink + sum(others) == 0
    return {"transit": transit, "shrink": shrink}


async def recomputed(store: HubStore) -> None:
    """The books equal what the lines say."""
    differences = await store.rebuild()
    assert not differences, "\n".join(map(str, differences))


async def two_areas(store: HubStore) -> None:
    await give_place(store, "back-door", BACK)
    await give_place(store, "shelves", FLOOR)


async def approved(store: HubStore) -> tuple[Station, Station]:
    """Approve ten of tea from the back to the floor; give the stations at the two doors."""
    await two_areas(store)
    await store.say_transfer(within(TransferStep.DRAFT))
    await fold_all(store)
    await store.say_transfer(within(TransferStep.APPROVE))
    return Station("door"), Station("floor")


async def test_a_transfer_between_areas_from_draft_to_the_last_part(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        await two_areas(store)
        door, floor = Station("door"), Station("floor")
        await store.say_transfer(within(TransferStep.DRAFT, 12_000))
        assert (await state_of(store)).phase is Phase.DRAFT
        await store.say_transfer(within(TransferStep.APPROVE))
        assert (await state_of(store)).phase is Phase.APPROVED
        move(door, -10_000, "back-door")
        await door.tell(store)
        assert (await state_of(store)).phase is Phase.SHIPPED
        assert virtual(tmp_path) == {"transit": 10_000, "shrink": 0}
        move(floor, 4_000, "shelves")
        await floor.tell(store)
        assert (await state_of(store)).phase is Phase.RECEIVING
        move(floor, 6_000, "shelves")
        await floor.tell(store)
        state = await state_of(store)
        assert (state.phase, dict(state.transit)) == (Phase.RECEIVED, {})
        assert await areas(store) == {"back": -10_000, "floor": 10_000}
        assert virtual(tmp_path) == {"transit": 0, "shrink": 0}
        await recomputed(store)


async def test_closing_with_something_missing_posts_it_to_shrink_of_the_document(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        door, floor = await approved(store)
        move(door, -10_000, "back-door")
        move(floor, 9_000, "shelves")
        await door.tell(store)
        await floor.tell(store)
        await fold_all(store)
        await store.say_transfer(within(TransferStep.CLOSE))
        state = await state_of(store)
        assert (state.phase, dict(state.transit)) == (Phase.CLOSED, {})
        assert [each.discrepancy_milli for each in state.items] == [1000]
        assert virtual(tmp_path) == {"transit": 0, "shrink": 1000}
        assert await areas(store) == {"back": -10_000, "floor": 9_000}
        lost = [e for e in (await store.timeline(TEA)).entries if e.document == "TR-1" and e.entry.station == "hub"]
        assert sorted((e.reason, e.qty_milli) for e in lost) == [("adjustment", -1000), ("transfer", 1000)]
        await recomputed(store)


async def test_what_is_found_after_the_close_comes_back_from_shrink(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        door, floor = await approved(store)
        move(door, -10_000, "back-door")
        await door.tell(store)
        await fold_all(store)
        await store.say_transfer(within(TransferStep.CLOSE))
        await fold_all(store)
        assert virtual(tmp_path) == {"transit": 0, "shrink": 10_000}
        undone = move(floor, 9_000, "shelves")
        move(floor, 10_000, "shelves")
        floor.undo(undone)
        for _ in range(3):
            await floor.tell(store, 1)
            await fold_all(store)
        assert virtual(tmp_path) == {"transit": 0, "shrink": 0}
        assert dict((await state_of(store)).transit) == {}
        await recomputed(store)


async def test_goods_arrive_from_another_store_that_head_office_tells_of(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        hq, dock = HeadOffice(), Station("dock")
        await hq.write(store, arriving())
        assert (await state_of(store, "TR-9")).phase is Phase.APPROVED
        await hq.write(store, TransferMoved(NOON_US, "TR-9", "mill-lane", (MovedLine(TEA, 5000, 0),)))
        assert (await state_of(store, "TR-9")).phase is Phase.SHIPPED
        move(dock, 3000, "dock", "TR-9")
        await dock.tell(store)
        state = await state_of(store, "TR-9")
        assert (state.phase, dict(state.transit)) == (Phase.RECEIVING, {TEA: 2000})
        # Head office has our own part from the feed, and tells the other store of it, not us.
        await hq.write(store, TransferMoved(NOON_US, "TR-9", STORE, (MovedLine(TEA, 0, 3000),)))
        assert dict((await state_of(store, "TR-9")).transit) == {TEA: 2000}
        assert await on_hand(store) == {"tea": 3000}
        await assert_books_agree(store)


async def test_the_store_that_shipped_bears_what_never_arrives_once_it_knows_the_other_end(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        hq, dock = HeadOffice(), Station("dock")
        await hq.write(store, leaving())
        move(dock, -5000, "dock", "TR-8")
        await dock.tell(store)
        await hq.write(store, TransferClosed(NOON_US, "TR-8", "hq", "the van is back"))
        await fold_all(store)
        assert virtual(tmp_path) == {"transit": 5000, "shrink": 0}
        await hq.write(store, TransferMoved(NOON_US, "TR-8", "mill-lane", (MovedLine(TEA, 0, 4000),)))
        await fold_all(store)
        # The other 4,000 left transit in the books of the other store.
        assert virtual(tmp_path) == {"transit": 4000, "shrink": 1000}
        assert dict((await state_of(store, "TR-8")).transit) == {}
        await assert_books_agree(store)


@pytest.mark.parametrize("late", [False, True])
async def test_a_delivery_card_with_the_document_of_a_transfer_takes_the_goods_out_of_transit(
    tmp_path: Path, late: bool
) -> None:
    async with shop(tmp_path) as store:
        hq, dock = HeadOffice(), Station("dock")
        if not late:
            await hq.write(store, arriving())
        move(dock, 5000, "dock", "TR-9", Reason.RECEIPT)
        move(dock, 7000, "dock", "PO-17", Reason.RECEIPT)
        await dock.tell(store)
        await fold_all(store)
        if late:
            assert virtual(tmp_path) == {"transit": 0, "shrink": 0}
            await hq.write(store, arriving())
        await fold_all(store)
        assert virtual(tmp_path) == {"transit": -5000, "shrink": 0}
        assert (await state_of(store, "TR-9")).items[0].moved.received_milli == 5000
        await assert_books_agree(store)
        # Head office sends it elsewhere after all: then it was a delivery.
        await hq.write(store, arriving(to="high-street"))
        await fold_all(store)
        assert virtual(tmp_path) == {"transit": 0, "shrink": 0}
        await assert_books_agree(store)


async def test_every_order_of_arrival_comes_to_the_same(tmp_path: Path) -> None:
    results = set()
    for number, order in enumerate(permutations(range(4))):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with shop(folder) as store:
            await two_areas(store)
            door, floor, hq = Station("door"), Station("floor"), HeadOffice()
            move(door, -10_000, "back-door")
            move(floor, 9_000, "shelves")
            approved = TransferApproved(NOON_US, "TR-1", STORE, BACK, STORE, FLOOR, (TransferLine(TEA, 10_000),), "hq")
            for which in order:
                match which:
                    case 0:
                        await door.tell(store)
                    case 1:
                        await floor.tell(store)
                    case 2:
                        await hq.write(store, approved)
                    case _:
                        await hq.write(store, TransferClosed(NOON_US, "TR-1"))
                await fold_all(store)
            state = await state_of(store)
            books = virtual(folder)
            results.add((state.phase, tuple(state.transit), *books.values(), *(await areas(store)).values()))
            await recomputed(store)
    assert results == {(Phase.CLOSED, (), 0, 1000, -10_000, 9_000)}


async def test_goods_of_a_code_that_means_nothing_yet_travel_once_it_does(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        hq, dock = HeadOffice(), Station("dock")
        await hq.write(store, arriving())
        move(dock, 5000, "dock", "TR-9", code=NEW_CODE)
        await dock.tell(store)
        assert (await state_of(store, "TR-9")).phase is Phase.APPROVED
        await store.apply_catalogue([CodeLink(key(NEW_CODE), TEA)])
        assert (await state_of(store, "TR-9")).items[0].moved.received_milli == 5000


async def test_a_step_out_of_turn_is_refused(tmp_path: Path) -> None:
    async def refused(store: HubStore, said: TransferSaid) -> str:
        with pytest.raises(BadInput) as caught:
            await store.say_transfer(said)
        return caught.value.name

    async with shop(tmp_path) as store:
        assert await refused(store, within(TransferStep.APPROVE)) == "transfer-unknown"
        await store.say_transfer(within(TransferStep.DRAFT))
        await fold_all(store)
        assert await refused(store, within(TransferStep.DRAFT)) == "transfer-exists"
        assert await refused(store, within(TransferStep.CLOSE)) == "not-approved"
        await store.say_transfer(within(TransferStep.APPROVE))
        await fold_all(store)
        await store.say_transfer(within(TransferStep.CLOSE))
        await fold_all(store)
        assert await refused(store, within(TransferStep.CLOSE)) == "transfer-closed"
        await HeadOffice().write(store, leaving())
        await fold_all(store)
        assert await refused(store, within(TransferStep.CLOSE, document="TR-8")) == "not-ours"


async def test_a_document_that_cannot_be_read_is_held_back_with_its_bytes(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        hq = HeadOffice()
        await hq.write(store, b'["Y",1,"TR-7"]', arriving())
        await fold_all(store)
        (held,) = (await store.quarantine()).rows
        assert (held.reason, held.body) == ("bad-document-line", b'["Y",1,"TR-7"]')
        assert [state.document for state in (await store.transfers()).transfers] == ["TR-9"]


async def test_transfers_are_listed_a_page_at_a_time_and_outlive_a_restart(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        hq = HeadOffice()
        await hq.write(store, *(arriving(f"TR-{number}") for number in range(5)))
        await fold_all(store)
    async with store_at(tmp_path / "hub.db") as store:
        seen: list[str] = []
        page = await store.transfers(limit=2)
        while True:
            seen += [state.document for state in page.transfers]
            if page.next is None:
                break
            page = await store.transfers(after=page.next, limit=2)
        assert seen == ["TR-4", "TR-3", "TR-2", "TR-1", "TR-0"]


async def test_the_books_made_anew_from_the_logs_know_the_same_transfers(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        hq, dock = HeadOffice(), Station("dock")
        await hq.write(store, arriving(), leaving())
        move(dock, 3000, "dock", "TR-9", Reason.RECEIPT)
        move(dock, -5000, "dock", "TR-8")
        await dock.tell(store)
        moved = MovedLine(TEA, 0, 4000)
        await hq.write(store, TransferMoved(NOON_US, "TR-8", "mill-lane", (moved,)), TransferClosed(NOON_US, "TR-8"))
        before = [await state_of(store, name) for name in ("TR-8", "TR-9")]
        books = virtual(tmp_path)
        await store.keeping.unfold()
        assert [await state_of(store, name) for name in ("TR-8", "TR-9")] == before
        assert virtual(tmp_path) == books
