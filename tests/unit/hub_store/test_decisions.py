"""Decisions of people at the hub: entries of the journal, folded as a station's are."""

from __future__ import annotations

from pathlib import Path

from hub.ledger.entries import Cause
from protocol.decisions import Adjustment, Void
from protocol.events import Reason, encode_entry
from tests.unit.hub_store.shop import (
    AREA,
    NOON_US,
    TEA,
    TEA_CODE,
    Station,
    assert_books_agree,
    fold_all,
    on_hand,
    shop,
)


async def test_decisions_at_the_hub_move_stock_and_take_back(tmp_path: Path) -> None:
    till = Station()
    sold = till.scan(TEA_CODE, -1000)
    async with shop(tmp_path) as store:
        await till.tell(store)
        await store.journal.append(
            [
                encode_entry(Adjustment(NOON_US, TEA, AREA, 5000, Reason.ADJUSTMENT, None, "ann", "found behind")),
                encode_entry(Void(NOON_US, str(till.id(sold)), "ann", "never left the shop")),
                encode_entry(Void(NOON_US, "till-1/no/1", "ann", "a slip")),
            ]
        )
        await fold_all(store)
        assert await on_hand(store) == {TEA: 5000}
        assert [(q.log, q.seq, q.reason) for q in (await store.quarantine()).rows] == [("journal", 3, "bad-epoch")]
        await assert_books_agree(store)


async def test_a_void_ahead_of_what_it_voids_waits_for_it(tmp_path: Path) -> None:
    till = Station()
    sold = till.scan(TEA_CODE, -1000)
    async with shop(tmp_path) as store:
        await store.journal.append([encode_entry(Void(NOON_US, str(till.id(sold)), "ann", ""))])
        await fold_all(store)
        assert [q.reason for q in (await store.quarantine()).rows] == [Cause.REVERSES_UNKNOWN]
    async with shop(tmp_path) as store:
        # What waits is known after a restart too.
        await till.tell(store)
        await fold_all(store)
        assert await on_hand(store) == {TEA: 0}
        assert (await store.quarantine()).rows == ()
        await assert_books_agree(store)
