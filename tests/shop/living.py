"""Lives simulated days on the real hub and judges them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hub.store.store import HubStore
from hub.store.views import StockRow
from tests.shop.day import Day, live_through
from tests.shop.habits import Habits, Weather
from tests.shop.hub import Watcher, told
from tests.shop.truth import Judged, judge


async def judged(folder: Path, seed: int, habits: Habits, weather: Weather) -> Judged:
    """Live one day; its file is in `folder` afterwards."""
    return await judged_day(folder, live_through(seed, habits, weather))


async def judged_day(folder: Path, day: Day, watch: Watcher | None = None) -> Judged:
    """Tell the hub a day that is over, and judge."""
    async with told(folder, day, watch) as store:
        assert not (await store.quarantine()).rows, "nothing a station says is held back"
        return judge(day, await stock(store))


async def stock(store: HubStore) -> list[StockRow]:
    """Give the stock of all items."""
    rows: list[StockRow] = []
    after: str | None = None
    while True:
        page = await store.stock(after=after, limit=1000)
        rows += page.rows
        after = page.next
        if after is None:
            return rows


def share(part: Iterable[int], whole: Iterable[int]) -> float:
    """Divide a sum by a sum."""
    return sum(part) / max(1, sum(whole))
