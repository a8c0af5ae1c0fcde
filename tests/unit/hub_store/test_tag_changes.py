"""What the hub makes of RFID tags that came and went: it keeps the entries, and no stock moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocol.events import Presence, Reason, TagChange
from tests.unit.hub_store.shop import BOTH_ENGINES, TEA, TEA_CODE, Station, assert_books_agree, on_hand, shop

pytestmark = BOTH_ENGINES

EPC = "30340BB6884CB101A13BC744"


def change(
    station: Station, what: Presence, zone: str = "shelf", epc: str = EPC, seen_us: int | None = None
) -> TagChange:
    when = station.when()
    seen = when.wall_us if seen_us is None else seen_us
    return TagChange(when, "reader", 1, epc, what, zone, None, seen, 2, -6000)


async def test_a_tags_changes_are_kept_and_move_nothing(tmp_path: Path) -> None:
    door = Station()
    door.scan(TEA_CODE, 5000, Reason.RECEIPT)
    for what in Presence:
        door.say(change(door, what))
    door.scan(TEA_CODE, -1000)
    async with shop(tmp_path) as store:
        await door.tell(store)
        progress = await store.fold_some(1000)
        assert (progress.entries, progress.movements, progress.quarantined) == (6, 2, 0)
        assert await on_hand(store) == {TEA: 4000}
        # Thousands of tags in an hour would hide everything else there.
        assert [event.kind for event in await store.recent_events()] == ["delta", "delta"]
        await assert_books_agree(store)


@pytest.mark.parametrize(
    "bad",
    [{"zone": "z" * 300}, {"epc": "F" * 300}, {"seen_us": -1}, {"seen_us": 2**60}],
    ids=["zone", "epc", "past", "far"],
)
async def test_one_that_is_out_of_bounds_is_quarantined(tmp_path: Path, bad: dict[str, object]) -> None:
    door = Station()
    door.say(change(door, Presence.ARRIVED, **bad))  # type: ignore[arg-type]
    door.scan(TEA_CODE, 5000, Reason.RECEIPT)
    async with shop(tmp_path) as store:
        await door.tell(store)
        progress = await store.fold_some(1000)
        assert (progress.movements, progress.quarantined) == (1, 1)
