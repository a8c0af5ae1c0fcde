"""The books of a whole shop against the truth: no item silently wrong, and exact where counts are taken in peace."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shop.habits import MINUTE_US, Habits, Weather
from tests.shop.living import judged, share
from tests.shop.truth import Judged

SMALL_SEEDS = 6
WHOLE_SEEDS = 20


SMALL = Weather(flush_us=30 * MINUTE_US)
"""Told twice an hour: fewer transactions, the same day."""


async def days(folder: Path, seeds: int, habits: Habits, weather: Weather) -> list[Judged]:
    """Live days of the seeds from 0 on."""
    return [await judged(folder, seed, habits, weather) for seed in range(seeds)]


def hold_to_account(lived: list[Judged]) -> None:
    """Hold days with counts among customers to what is promised of them."""
    for day in lived:
        assert day.silently_wrong == [], f"seed {day.seed}"
    items = [len(day.verdicts) for day in lived]
    ours, arrival, once, clocks = (
        share(figures, items)
        for figures in (
            [day.exact for day in lived],
            [day.by_arrival for day in lived],
            [day.each_once for day in lived],
            [day.by_own_clocks for day in lived],
        )
    )
    assert ours > 0.85
    assert arrival < once < ours
    assert clocks < ours
    assert 0 < share([sum(day.widths) for day in lived], items) < 5


async def test_counted_among_customers_no_item_is_silently_wrong(tmp_path: Path) -> None:
    hold_to_account(await days(tmp_path, SMALL_SEEDS, Habits(items=60), SMALL))


async def test_counted_in_a_closed_shop_every_item_is_exact(tmp_path: Path) -> None:
    for day in await days(tmp_path, 2, Habits(items=60, counts_in_hours=False), SMALL):
        assert day.exact == len(day.verdicts)


async def test_counted_spot_by_spot_no_item_is_silently_wrong_and_in_a_closed_shop_none_is_wrong(
    tmp_path: Path,
) -> None:
    """What was found on the shelf says nothing until stockroom and bay were counted, too."""
    among = Habits(items=60, counts_by_spot=True)
    for day in await days(tmp_path, 2, among, SMALL):
        assert day.silently_wrong == [], f"seed {day.seed}"
        assert day.exact > 0.7 * len(day.verdicts)
    closed = Habits(items=60, counts_in_hours=False, counts_by_spot=True)
    folder = tmp_path / "closed"
    folder.mkdir()
    for day in await days(folder, 1, closed, SMALL):
        assert day.exact == len(day.verdicts)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(WHOLE_SEEDS))
async def test_a_whole_day_counted_spot_by_spot(tmp_path: Path, seed: int) -> None:
    day = await judged(tmp_path, seed, Habits(counts_by_spot=True), Weather())
    assert day.silently_wrong == []


@pytest.mark.torture
async def test_twenty_whole_days_of_300_items_and_6_stations(tmp_path: Path) -> None:
    hold_to_account(await days(tmp_path, WHOLE_SEEDS, Habits(), Weather()))


@pytest.mark.torture
async def test_twenty_whole_days_counted_in_a_closed_shop_are_exact(tmp_path: Path) -> None:
    for day in await days(tmp_path, WHOLE_SEEDS, Habits(counts_in_hours=False), Weather()):
        assert day.exact == len(day.verdicts)
