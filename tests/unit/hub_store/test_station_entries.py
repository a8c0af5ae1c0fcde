"""What the hub makes of a transfer within the store, and of scans that were held back and restored."""

from __future__ import annotations

from pathlib import Path

from msgspec import structs
from sqlalchemy import select

from edge.station.movements import legs
from hub.store.statements import total
from hub.store.tables import scope
from protocol.events import Delta, Reason, Restored, Suppressed
from protocol.identity import PlaceId
from tests.unit.hub_store.shop import (
    AREA,
    BOTH_ENGINES,
    NEW_CODE,
    TEA,
    TEA_CODE,
    Station,
    assert_books_agree,
    fold_all,
    give_place,
    on_hand,
    rows_at,
    shop,
)

pytestmark = BOTH_ENGINES

BACK = PlaceId("back")


def transfer(till: Station, code: str, pieces: int) -> int:
    """Say that goods went from the shop to the stockroom; the seq of the first leg."""
    out = Delta(till.when(), "scanner", code, None, -1000 * pieces, Reason.TRANSFER, "shop", counter_place="stockroom")
    first, _ = [till.say(leg) for leg in legs(out)]
    return first


def transit(path: Path) -> int:
    """What the books hold in transit, all items and areas together."""
    [(milli,)] = rows_at(path / "hub.db", select(total(scope.c.transit_milli)))
    assert isinstance(milli, int)
    return milli


async def test_goods_leave_one_area_and_reach_another_and_nothing_stays_in_transit(tmp_path: Path) -> None:
    till = Station()
    till.scan(TEA_CODE, 10_000, Reason.RECEIPT)
    transfer(till, TEA_CODE, 4)
    last = transfer(till, TEA_CODE, 1)
    async with shop(tmp_path) as store:
        await give_place(store, "stockroom", BACK)
        await till.tell(store)
        await fold_all(store)
        rows = {row.area: row.on_hand_milli for row in (await store.stock_of(TEA)).rows}
        assert rows == {AREA: 5000, BACK: 5000}
        assert transit(tmp_path) == 0
        for leg in (last, last + 1):
            till.undo(leg)
        await till.tell(store)
        await fold_all(store)
        rows = {row.area: row.on_hand_milli for row in (await store.stock_of(TEA)).rows}
        assert rows == {AREA: 6000, BACK: 4000}
        assert transit(tmp_path) == 0
        assert not await store.rebuild()


async def test_within_one_area_it_changes_no_figure(tmp_path: Path) -> None:
    till = Station()
    till.scan(TEA_CODE, 10_000, Reason.RECEIPT)
    transfer(till, TEA_CODE, 4)
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        assert await on_hand(store) == {TEA: 10_000}
        assert transit(tmp_path) == 0
        await assert_books_agree(store)


async def test_of_an_unknown_code_both_legs_wait_together(tmp_path: Path) -> None:
    till = Station()
    transfer(till, NEW_CODE, 4)
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        assert transit(tmp_path) == 0
        await assert_books_agree(store)


async def test_between_the_two_legs_the_goods_are_in_transit(tmp_path: Path) -> None:
    till = Station()
    transfer(till, TEA_CODE, 4)
    async with shop(tmp_path) as store:
        await give_place(store, "stockroom", BACK)
        await till.tell(store, entries=1)
        await fold_all(store)
        assert transit(tmp_path) == 4000
        await till.tell(store)
        await fold_all(store)
        assert transit(tmp_path) == 0


async def test_what_was_held_back_moves_nothing_until_it_is_restored(tmp_path: Path) -> None:
    till = Station()
    till.scan(TEA_CODE, 10_000, Reason.RECEIPT)
    kept = till.scan(TEA_CODE)
    meant = Delta(till.when(), "scanner", TEA_CODE, "]E0", -1000, Reason.SALE, "shop", session="s")
    held = till.say(Suppressed(meant, str(till.epoch), kept))
    async with shop(tmp_path) as store:
        await till.tell(store)
        progress = await store.fold_some(1000)
        assert (progress.entries, progress.movements, progress.quarantined) == (3, 2, 0)
        assert await on_hand(store) == {TEA: 9000}
        till.say(Restored(till.when(), "scanner", str(till.epoch), held))
        till.say(meant, 0)
        await till.tell(store)
        await fold_all(store)
        assert await on_hand(store) == {TEA: 8000}
        kinds = [event.kind for event in await store.recent_events()]
        assert kinds == ["delta", "restored", "suppressed", "delta", "delta"]
        await assert_books_agree(store)


async def test_a_place_out_of_bounds_is_quarantined(tmp_path: Path) -> None:
    till = Station()
    transfer(till, TEA_CODE, 1)
    far = Delta(till.when(), "scanner", TEA_CODE, None, -1000, Reason.TRANSFER, "shop", counter_place="p" * 300)
    till.say(structs.replace(far, session="s"))
    async with shop(tmp_path) as store:
        await till.tell(store)
        progress = await store.fold_some(1000)
        assert (progress.movements, progress.quarantined) == (2, 1)
