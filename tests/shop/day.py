"""One simulated day of a shop, from its seed: what was done, what the stations wrote, what reached the hub and when."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.shop.habits import HOUR_US, MINUTE_US, Habits, Weather
from tests.shop.network import Delivery, Network
from tests.shop.shoppers import Shoppers
from tests.shop.staff import SESSION_ITEMS, Counter, Staff
from tests.shop.station import SimulatedStation
from tests.shop.world import Goods, Spot, World

TILLS = ("till-1", "till-2", "till-3")
BAY = "bay"
COUNTERS = ("floor", "stock")
STATIONS = (*TILLS, BAY, *COUNTERS)
OPENING_COUNT_US = 2 * HOUR_US


@dataclass(frozen=True, slots=True)
class Day:
    """A day that is over. `goods` hold the truth."""

    seed: int
    habits: Habits
    goods: list[Goods]
    stations: dict[str, SimulatedStation]
    deliveries: list[Delivery]


def live_through(seed: int, habits: Habits, weather: Weather) -> Day:
    """Simulate a day: everything is counted before opening, then sold, and counted again as the habits say."""
    rng = random.Random(seed)
    world = World(habits.items, random.Random(rng.random()))
    stations = {name: SimulatedStation(name, weather, random.Random(rng.random())) for name in STATIONS}
    network = Network(world, weather, list(stations.values()), random.Random(rng.random()))
    for goods in world.goods:
        world.move(goods, rng.randint(4, 30), Spot.OUTSIDE, Spot.SHELF)
        world.move(goods, rng.choice((0, 12, 24, 48)), Spot.OUTSIDE, Spot.STOCKROOM)
    _count(world, habits, stations, [(OPENING_COUNT_US, list(world.goods))], piece_s=0.2)
    world.run()
    assert world.now_us < habits.opens_h * HOUR_US, "the opening count is over before the shop opens"
    Shoppers(world, habits, [stations[name] for name in TILLS], random.Random(rng.random())).come()
    Staff(world, habits, stations[BAY], random.Random(rng.random())).work()
    for name in (*TILLS, BAY):
        if rng.random() < weather.restarts:
            t_us = rng.randint(int(habits.opens_h * HOUR_US), int(habits.closes_h * HOUR_US))
            world.at(t_us, lambda station=stations[name]: station.boot_up(world.now_us))  # type: ignore[misc]
    if not habits.counts_in_hours:
        world.run()
    begin_us, end_us = int((habits.opens_h + 0.5) * HOUR_US), int((habits.closes_h - 1.5) * HOUR_US)
    again = [goods for goods in world.goods if rng.random() < habits.second_counts]
    sessions: list[tuple[int, list[Goods]]] = []
    for wanted in (list(world.goods), again):
        rng.shuffle(wanted)
        for first in range(0, len(wanted), SESSION_ITEMS):
            t_us = rng.randint(begin_us, end_us) if habits.counts_in_hours else world.now_us + 15 * MINUTE_US
            sessions.append((t_us, wanted[first : first + SESSION_ITEMS]))
    _count(world, habits, stations, sessions, habits.read_s)
    world.run()
    network.close()
    return Day(seed, habits, world.goods, stations, network.deliveries)


def _count(
    world: World,
    habits: Habits,
    stations: dict[str, SimulatedStation],
    sessions: list[tuple[int, list[Goods]]],
    piece_s: float,
) -> None:
    """Share sessions out among those who count. No item is counted by two at once: sessions of one item are one's."""
    for place, name in enumerate(COUNTERS):
        mine = sessions[place :: len(COUNTERS)]
        Counter(world, habits, stations[name], piece_s).plan(mine)
