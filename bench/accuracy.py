"""`python -m bench.accuracy`: whole simulated days of shops on the real hub, held against where the goods really are.

The shop is that of the tests (tests/shop/). With `--publish` it writes docs/accuracy.md and its pictures.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench import accuracy_page
from bench.accuracy_figures import Accuracy, ItemDay, ShopFigures, holds
from hub.store.store import HubStore
from tests.shop import naive
from tests.shop.codes import code_of, item_of
from tests.shop.day import STATIONS, Day, live_through
from tests.shop.habits import HOUR_US, MINUTE_US, SECOND_US, Habits, Law, Weather
from tests.shop.living import judged_day
from tests.shop.truth import Judged, outside_by_reason

ROOT = Path(__file__).parents[1]
KEPT = Path(__file__).with_name("results") / "accuracy.json"
PAGE = ROOT / "docs" / "accuracy.md"
PICTURES = ROOT / "docs" / "pictures"
SEEDS = 20


@dataclass(frozen=True, slots=True)
class Shop:
    """A kind of shop and its weather, lived through `seeds` days."""

    name: str
    what: str
    habits: Habits
    weather: Weather
    seeds: int


def shops(seeds: int, items: int) -> list[Shop]:
    """Give all that are lived through; the first two are what is promised of."""
    usual, weather = Habits(items=items), Weather()
    fewer = max(1, seeds // 2)
    return [
        Shop("among customers", "counted in opening hours, clocks off by up to ±1 h", usual, weather, seeds),
        Shop("after closing", "counted when all goods are back in place", _after_closing(usual), weather, seeds),
        Shop("clocks ±10 min", "as the first", usual, replace(weather, wall_off_us=10 * MINUTE_US), fewer),
        Shop("clocks ±2 s", "as the first", usual, replace(weather, wall_off_us=2 * SECOND_US), fewer),
        Shop(
            "long visits",
            "half of all visits last 14 min and more",
            replace(usual, visit=Law(14 * 60, 0.6), queue=Law(150, 0.7)),
            weather,
            fewer,
        ),
        Shop("goods put back", "3 % are put back unscanned", replace(usual, put_back=0.03), weather, fewer),
        Shop("fills meanwhile", "shelves are filled while counted", replace(usual, fills_wait=False), weather, fewer),
    ]


async def measure(seeds: int, items: int, folder: Path) -> Accuracy:
    """Live through all of them."""
    began_s = time.monotonic()
    lived: list[ShopFigures] = []
    for shop in shops(seeds, items):
        print(f"[{time.monotonic() - began_s:4.0f} s] {shop.name}: {shop.seeds} days", file=sys.stderr, flush=True)
        days = [live_through(seed, shop.habits, shop.weather) for seed in range(shop.seeds)]
        judged = [await _on_a_hub(folder, day) for day in days]
        lived.append(_figures(shop, days, judged))
    return Accuracy(
        at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        commit=_commit(),
        seconds=time.monotonic() - began_s,
        items=items,
        stations=len(STATIONS),
        shops=tuple(lived),
        item=await _one_item(folder, shops(seeds, items)[0]),
    )


async def _on_a_hub(folder: Path, day: Day) -> Judged:
    with tempfile.TemporaryDirectory(dir=folder) as own:
        return await judged_day(Path(own), day)


def _after_closing(habits: Habits) -> Habits:
    return replace(habits, counts_in_hours=False)


def _figures(shop: Shop, days: Sequence[Day], judged: Sequence[Judged]) -> ShopFigures:
    verdicts = [verdict for day in judged for verdict in day.verdicts]
    widths = [width for day in judged for width in day.widths]
    causes: Counter[str] = Counter()
    for verdict in verdicts:
        if verdict.silently_wrong:
            causes[" and ".join(dict.fromkeys(verdict.why)) or "unexplained"] += 1
    return ShopFigures(
        name=shop.name,
        what=shop.what,
        days=len(judged),
        items=len(verdicts),
        entries=sum(day.entries for day in judged),
        robbed=sum(day.robbed for day in judged),
        exact=sum(day.exact for day in judged),
        sure=sum(width == 0 for width in widths),
        sure_and_wrong=sum(v.silently_wrong for v in verdicts if v.lo == v.hi),
        silently_wrong=sum(verdict.silently_wrong for verdict in verdicts),
        causes=dict(causes),
        width_pieces=sum(widths),
        widths=dict(Counter(widths)),
        by_arrival=sum(day.by_arrival for day in judged),
        each_once=sum(day.each_once for day in judged),
        by_own_clocks=sum(day.by_own_clocks for day in judged),
        outside={reason.value: both for reason, both in outside_by_reason(days).items()},
    )


async def _one_item(folder: Path, shop: Shop) -> ItemDay:
    """Watch one item of the first day through it: the one whose figure by arrival ends farthest from the truth."""
    day = live_through(0, shop.habits, shop.weather)
    by_arrival = naive.stock(day, naive.heard(day))
    goods = max(
        day.goods, key=lambda goods: (abs(by_arrival[code_of(goods.number)] - goods.in_shop), len(goods.counts))
    )
    code, item = code_of(goods.number), item_of(goods.number)
    told: list[tuple[float, int, int, int]] = []

    async def watch(store: HubStore, t_us: int) -> None:
        told.extend(
            (t_us / HOUR_US, row.on_hand_milli // 1000, row.lo_milli // 1000, row.hi_milli // 1000)
            for row in (await store.stock_of(item)).rows
        )

    with tempfile.TemporaryDirectory(dir=folder) as own:
        await judged_day(Path(own), day, watch)
    arrival: list[tuple[float, int]] = []
    so_far: list[naive.Heard] = []
    for t_us, heard in naive.heard_at(day):
        so_far += heard
        arrival.append((t_us / HOUR_US, naive.stock(day, so_far).get(code, 0)))
    begin_h = goods.counts[0].until_us / HOUR_US
    return ItemDay(
        item=item,
        truth=[(t_us / HOUR_US, pieces) for t_us, pieces in goods.history if t_us],
        told=[each for each in told if each[0] >= begin_h],
        arrival=[each for each in arrival if each[0] >= begin_h],
        counts_h=[count.until_us / HOUR_US for count in goods.counts],
    )


def _commit() -> str:
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "unknown"


def main() -> int:
    """Give the exit code: 1 if an item was silently wrong without a known cause, or not exact in a closed shop."""
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two days of 40 items: shows only that it runs")
    parser.add_argument("--folder", type=Path, default=None, help="where the hubs' files are; default: that of /tmp")
    parser.add_argument("--publish", action="store_true", help="write docs/accuracy.md and its pictures")
    parser.add_argument("--redraw", action="store_true", help="write them from what is kept, measuring nothing")
    options = parser.parse_args()
    if options.redraw:
        figures = msgspec.json.decode(KEPT.read_bytes(), type=Accuracy)
    else:
        seeds, items = (2, 40) if options.quick else (SEEDS, 300)
        with tempfile.TemporaryDirectory(prefix="shelfwire-accuracy-", dir=options.folder) as folder:
            figures = asyncio.run(measure(seeds, items, Path(folder)))
    print(accuracy_page.as_text(figures))
    if options.publish or options.redraw:
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=1) + b"\n")
        PICTURES.mkdir(exist_ok=True)
        for name, picture in accuracy_page.pictures(figures).items():
            (PICTURES / name).write_text(picture)
        PAGE.write_text(accuracy_page.as_page(figures))
    return 0 if holds(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
