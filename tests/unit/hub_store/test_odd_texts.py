"""Texts that not every engine can keep as they came hold nothing up."""

from __future__ import annotations

from pathlib import Path

from protocol.catalogue import CodeLink, Item
from protocol.events import Delta, Reason
from protocol.identity import ItemId
from tests.unit.hub_store.shop import (
    BOTH_ENGINES,
    NEW_CODE,
    NOON_US,
    TEA_CODE,
    Station,
    assert_books_agree,
    catalogue,
    fold_all,
    key,
    on_hand,
    shop,
)

pytestmark = BOTH_ENGINES


async def test_a_null_character_in_what_came_costs_nothing_but_itself(tmp_path: Path) -> None:
    till = Station()
    till.say(Delta(till.when(), "scanner", TEA_CODE, None, -1000, Reason.SALE, "shop"))
    till.scan(NEW_CODE)
    bad = till.say(b'["\\u0000"]')
    rows = [*catalogue(), Item(ItemId("odd"), "n\0", category="\0"), CodeLink(key(NEW_CODE), "odd")]
    async with shop(tmp_path, rows) as store:
        await till.tell(store)
        await store.record_station_state(till.station, b"\0", NOON_US)
        await fold_all(store)
        assert await on_hand(store) == {"tea": -1000, "odd": -1000}
        assert [row.seq for row in (await store.quarantine()).rows] == [bad]
        assert [row.station for row in await store.stations()] == [till.station]
        assert await store.transfer("\0") is None
        assert (await store.stock(search="\0")).next is None
        await assert_books_agree(store)


async def test_entries_of_a_document_named_with_one_are_booked(tmp_path: Path) -> None:
    till = Station()
    till.say(Delta(till.when(), "scanner", TEA_CODE, None, 1000, Reason.RECEIPT, "sh\0op", "do\0c"))
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        assert await on_hand(store) == {"tea": 1000}
