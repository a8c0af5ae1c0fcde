"""What stations say of given counts, at the hub: taken, shown, and counted as ever while no session is composed."""

from __future__ import annotations

from pathlib import Path

from protocol.events import Count, ShelfCounted, Sweep
from tests.unit.hub_store.shop import BOTH_ENGINES, TEA_CODE, Station, assert_books_agree, fold_all, on_hand, shop

pytestmark = BOTH_ENGINES


async def test_a_shelf_that_is_counted_is_taken_and_shown(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        till = Station()
        till.up_us += 1_000_000
        till.say(Count(till.when(), 0, "scanner", TEA_CODE, 7000, "shelf-3", "autumn-26", 0, None, 2, "anna"))
        till.say(Sweep(till.when(), 0, "reader", "shelf-3", "autumn-26", 2, 1, 1, ("3034",)))
        till.say(ShelfCounted(till.when(), 0, "scanner", "shelf-3", "autumn-26", 2, "anna", 1, 7, 1))
        await till.tell(store)
        await fold_all(store)
        assert (await store.quarantine()).rows == ()
        assert await on_hand(store) == {"tea": 7000}
        shown = [(event.kind, event.place) for event in await store.recent_events()]
        assert shown == [("shelf-counted", "shelf-3"), ("sweep", "shelf-3"), ("count", "shelf-3")]
        await assert_books_agree(store)


async def test_a_pass_that_can_be_none_is_held_back_with_its_bytes(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        till = Station()
        till.say(ShelfCounted(till.when(), 0, "scanner", "shelf-3", "autumn-26", 0, "", 0, 0))
        await till.tell(store)
        await fold_all(store)
        (held,) = (await store.quarantine()).rows
        assert held.reason == "bad-entry"
        assert held.body == till.lines[0]
