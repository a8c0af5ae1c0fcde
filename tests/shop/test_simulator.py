"""The simulated shop itself: goods are neither made nor lost, a seed is a day, and its people do not know our leads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.events import Count, Delta, Reversal
from tests.shop import naive
from tests.shop.codes import code_of
from tests.shop.day import STATIONS, live_through
from tests.shop.habits import MINUTE_US, Habits, Weather
from tests.shop.truth import outside_by_reason
from tests.shop.world import Spot

SMALL = Habits(items=40)


@pytest.mark.parametrize("seed", range(4))
def test_every_piece_is_somewhere_and_at_the_end_in_its_place(seed: int) -> None:
    day = live_through(seed, SMALL, Weather())
    for goods in day.goods:
        assert sum(goods.at.values()) == 0, "what came in from outside is what is here"
        assert goods.at[Spot.CARRIED] == 0, "nobody walks about with goods at night"
        assert min(goods.at[spot] for spot in (Spot.SHELF, Spot.STOCKROOM, Spot.BAY)) >= 0
        assert goods.look is None
        assert goods.counts, "everything was counted before opening at least"


def test_goods_and_books_differ_by_nothing_but_theft_when_all_is_scanned() -> None:
    """What the entries say moved, undone ones left out, is what moved."""
    day = live_through(3, SMALL, Weather())
    undone = {
        (name, entry.seq) for name, s in day.stations.items() for entry in s.entries if isinstance(entry, Reversal)
    }
    for goods in day.goods:
        said = sum(
            entry.qty_milli // 1000
            for name, station in day.stations.items()
            for seq, entry in enumerate(station.entries, 1)
            if isinstance(entry, Delta) and entry.code == code_of(goods.number) and (name, seq) not in undone
        )
        assert goods.counts[0].qty + said - len(goods.stolen_us) == goods.in_shop


def test_a_seed_is_a_day() -> None:
    one, same, other = (live_through(seed, SMALL, Weather()) for seed in (5, 5, 6))
    assert one.deliveries == same.deliveries
    assert one.deliveries != other.deliveries


def test_the_day_has_in_it_what_it_is_to_show() -> None:
    """Outages of hours, repeats, clocks off by up to an hour, restarts, and counts among customers."""
    days = [live_through(seed, SMALL, Weather()) for seed in range(6)]
    waits: list[int] = []
    for day in days:
        assert sorted(day.stations) == sorted(STATIONS)
        every = naive.heard(day)
        once = naive.each_once(every)
        assert len(once) == sum(len(station.lines) for station in day.stations.values())
        assert len(every) > len(once)
        told: dict[str, int] = {}
        for delivery in day.deliveries:
            waits.append(delivery.t_us - told.get(delivery.station, delivery.t_us))
            told[delivery.station] = delivery.t_us
    assert max(waits) > 4 * 60 * MINUTE_US
    assert any(
        len({e.when.boot for e in s.entries if isinstance(e, Delta)}) > 1 for d in days for s in d.stations.values()
    )
    counts = [e for d in days for s in d.stations.values() for e in s.entries if isinstance(e, Count)]
    assert len(counts) > sum(len(day.goods) for day in days)


def test_people_take_longer_than_our_leads_now_and_then() -> None:
    slow = replace(SMALL, visit=replace(SMALL.visit, median_s=840))
    for habits, least, most in ((SMALL, 0.0, 0.005), (slow, 0.01, 0.1)):
        found = outside_by_reason(live_through(seed, habits, Weather()) for seed in range(12))
        outside, every = (sum(each[place] for each in found.values()) for place in (0, 1))
        assert least <= outside / every <= most
