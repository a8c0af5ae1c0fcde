"""What a station's log keeps of what its hub has, whatever the station's clock reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.buffer.api import DAY_US, HOUR_US, StationLog
from edge.buffer.memory_log import MemoryLog
from edge.buffer.sqlite_log import SqliteLog
from edge.clock import FakeClock
from edge.station.anchoring import Anchoring

UTC = 1_790_000_000_000_000
TEN_YEARS_US = 3652 * DAY_US


class Shelf:
    """A log stored under what its station takes for the time. `hub` says what time it truly is."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.clock = FakeClock(up=0, wall=UTC)
        self.anchoring = Anchoring(self.clock.boot)
        if kind == "disk":
            self.log: StationLog = SqliteLog(folder / "stock.db", clock=self.stored_us, nonce=lambda: 7)
        else:
            self.log = MemoryLog(clock=self.stored_us, nonce=lambda: 7)

    def stored_us(self) -> int:
        return self.anchoring.stored_us(self.clock.now())

    def hub(self) -> None:
        """Meet the hub."""
        self.anchoring.offer(self.clock.up, self.clock.up, UTC + self.clock.up)

    async def fill_an_hour(self) -> None:
        """Store one entry that fills a block by its age, and have the hub commit it."""
        self.clock.advance(3601)
        await self.log.acked(await self.log.append([b"entry"]))

    async def pruned(self) -> int:
        return await self.log.prune(self.anchoring.past_us(self.clock.now()))


@pytest.fixture(params=["disk", "memory"])
async def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shelf]:
    shelf = Shelf(request.param, tmp_path)
    async with shelf.log:
        yield shelf


async def test_what_the_hub_has_is_kept_for_a_week(shelf: Shelf) -> None:
    shelf.hub()
    for _ in range(3):
        await shelf.fill_an_hour()
    shelf.clock.advance(7 * 86_400 - 3 * 3601 - 1)
    assert await shelf.pruned() == 0
    shelf.clock.advance(3 * 3601 + 1)
    assert await shelf.pruned() == 3


@pytest.mark.parametrize("synced", [True, False])
async def test_a_clock_that_reads_2036_makes_nothing_old(shelf: Shelf, synced: bool) -> None:
    shelf.clock.synced = synced
    await shelf.fill_an_hour()
    shelf.clock.wall += TEN_YEARS_US
    assert await shelf.pruned() == 0
    shelf.hub()
    await shelf.fill_an_hour()
    assert await shelf.pruned() == 0


@pytest.mark.parametrize("behind_us", [HOUR_US, TEN_YEARS_US, UTC])
async def test_what_was_stored_by_a_clock_that_was_behind_is_as_young_as_it_is(shelf: Shelf, behind_us: int) -> None:
    """The station boots without a clock, sells, and meets the hub hours later."""
    shelf.clock.synced = False
    shelf.clock.wall -= behind_us
    for _ in range(3):
        await shelf.fill_an_hour()
    shelf.hub()
    await shelf.fill_an_hour()
    assert await shelf.pruned() == 0
    # Once it has been a week since, and as long again as the clock was behind, it goes; by size it may go before.
    shelf.clock.advance(7 * 86_400 + behind_us / 1e6)
    assert await shelf.pruned() >= 3


async def test_without_the_hubs_word_nothing_grows_old(shelf: Shelf) -> None:
    await shelf.fill_an_hour()
    shelf.clock.advance(30 * 86_400)
    assert await shelf.pruned() == 0
