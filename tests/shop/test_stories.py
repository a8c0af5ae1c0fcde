"""The smallest stories behind what the simulated shop found."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.store.store import HubStore
from protocol.events import Reason
from tests.unit.hub_store.shop import TEA, TEA_CODE, Station, fold_all, shop


async def interval(store: HubStore) -> tuple[int, int, int]:
    """Give lo, on-hand and hi of the tea, in pieces."""
    await fold_all(store)
    (row,) = (await store.stock_of(TEA)).rows
    return row.lo_milli // 1000, row.on_hand_milli // 1000, row.hi_milli // 1000


@pytest.mark.parametrize(
    ("reason", "qty", "possible"),
    [
        (Reason.SALE, -2, (8, 8, 10)),
        (Reason.WASTE, -2, (8, 8, 10)),
        (Reason.RECEIPT, 2, (10, 12, 12)),
    ],
)
async def test_goods_scanned_soon_after_a_count_may_have_moved_before_it(
    tmp_path: Path, reason: Reason, qty: int, possible: tuple[int, int, int]
) -> None:
    """Sold goods were in a basket while the shelf was read, spoilt ones in a crate; a delivery stood in the bay."""
    async with shop(tmp_path) as store:
        station = Station()
        station.anchor()
        station.count(TEA_CODE, 10_000)
        station.scan(TEA_CODE, qty * 1000, reason, after_s=600)
        await station.tell(store)
        assert await interval(store) == possible


async def test_counts_in_the_order_of_their_last_readings_keep_their_times(tmp_path: Path) -> None:
    """Raised to one that was read ten minutes later, the count would swallow the sale in between."""
    async with shop(tmp_path) as store:
        counter, till = Station("stock"), Station("till-1")
        counter.anchor()
        till.anchor()
        till.scan(TEA_CODE, -1000, after_s=3000)
        counter.count(TEA_CODE, 10_000, after_s=2700)
        counter.count("4000000000020", 5000, after_s=600)
        await counter.tell(store)
        await till.tell(store)
        assert (await interval(store))[1] == 9


async def test_goods_refused_at_the_till_may_have_been_in_a_basket_while_their_shelf_was_counted(
    tmp_path: Path,
) -> None:
    """Counted 10 with two in a basket; scanned, refused, undone, and back on the shelf: there are 12."""
    async with shop(tmp_path) as store:
        station = Station()
        station.anchor()
        station.count(TEA_CODE, 10_000)
        sale = station.scan(TEA_CODE, -2000, after_s=600)
        station.undo(sale, after_s=60)
        await station.tell(store)
        assert await interval(store) == (10, 10, 12)
        assert await store.rebuild() == ()


async def test_a_delivery_undone_was_never_there(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        station = Station()
        station.anchor()
        station.count(TEA_CODE, 10_000)
        receipt = station.scan(TEA_CODE, 24_000, Reason.RECEIPT, after_s=600)
        station.undo(receipt, after_s=60)
        await station.tell(store)
        assert await interval(store) == (10, 10, 10)


async def test_a_refusal_long_before_or_after_a_count_leaves_no_doubt(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        station = Station()
        station.anchor()
        station.undo(station.scan(TEA_CODE, -2000, after_s=60), after_s=60)
        station.count(TEA_CODE, 10_000, after_s=3600)
        station.undo(station.scan(TEA_CODE, -2000, after_s=3600), after_s=60)
        await station.tell(store)
        assert await interval(store) == (10, 10, 10)
