"""The staff: they take deliveries in, put them away, fill shelves, throw out what is spoilt, and count."""

from __future__ import annotations

import random
from collections.abc import Sequence

from protocol.events import Reason
from tests.shop.codes import code_of
from tests.shop.habits import HOUR_US, MINUTE_US, SECOND_US, Habits
from tests.shop.station import SimulatedStation
from tests.shop.world import COUNTED, Absence, Counted, Goods, Passage, Spot, World

FILL_EVERY_US = 20 * MINUTE_US
LOW = 4
SESSION_ITEMS = 15
WALK_US = 10 * SECOND_US
BETWEEN_SPOTS_US = 2 * MINUTE_US


class Staff:
    """Everybody who works in the shop but the cashiers."""

    def __init__(self, world: World, habits: Habits, bay: SimulatedStation, rng: random.Random) -> None:
        self._world = world
        self._habits = habits
        self._bay = bay
        self._rng = rng

    def work(self) -> None:
        """Plan the day."""
        habits, rng, world = self._habits, self._rng, self._world
        begin_us, end_us = int(habits.opens_h * HOUR_US), int(habits.closes_h * HOUR_US)
        for goods in world.goods:
            if rng.random() < 0.3:
                world.at(rng.randint(begin_us, end_us - 4 * HOUR_US), lambda goods=goods: self._deliver(goods))  # type: ignore[misc]
            if rng.random() < habits.wasted_per_item:
                world.at(rng.randint(begin_us, end_us), lambda goods=goods: self._throw_out(goods))  # type: ignore[misc]
        for t_us in range(begin_us, end_us, FILL_EVERY_US):
            world.at(t_us, self._fill_shelves)

    def _deliver(self, goods: Goods) -> None:
        world, rng, habits = self._world, self._rng, self._habits
        qty, came_us = rng.choice((6, 12, 24)), world.now_us
        world.move(goods, qty, Spot.OUTSIDE, Spot.BAY)

        def scan() -> None:
            self._bay.moved(world.now_us, code_of(goods.number), qty, Reason.RECEIPT)
            goods.passages.append(Passage(Reason.RECEIPT, qty, came_us, world.now_us))
            world.after(habits.put_away.draw_us(rng), lambda: self._put_away(goods, qty))

        world.after(habits.delivery_waits.draw_us(rng), scan)

    def _put_away(self, goods: Goods, qty: int) -> None:
        if goods.being_counted and self._habits.fills_wait:
            self._world.after(5 * MINUTE_US, lambda: self._put_away(goods, qty))
            return
        self._carry(goods, qty, Spot.BAY, Spot.STOCKROOM)

    def _throw_out(self, goods: Goods) -> None:
        world, taken_us = self._world, self._world.now_us
        qty = world.move(goods, self._rng.choice((1, 1, 2)), Spot.SHELF, Spot.CARRIED)
        if not qty:
            return

        def scan() -> None:
            self._bay.moved(world.now_us, code_of(goods.number), -qty, Reason.WASTE)
            goods.passages.append(Passage(Reason.WASTE, -qty, taken_us, world.now_us))
            world.move(goods, qty, Spot.CARRIED, Spot.OUTSIDE)

        world.after(self._habits.waste_walk.draw_us(self._rng), scan)

    def _fill_shelves(self) -> None:
        for goods in self._world.goods:
            low = goods.at[Spot.SHELF] <= LOW and goods.at[Spot.STOCKROOM] > 0
            if low and not goods.being_moved and not (goods.being_counted and self._habits.fills_wait):
                self._carry(goods, self._rng.randint(6, 18), Spot.STOCKROOM, Spot.SHELF)

    def _carry(self, goods: Goods, qty: int, source: Spot, target: Spot) -> None:
        world = self._world
        moved, took_us = world.move(goods, qty, source, Spot.CARRIED), world.now_us
        goods.being_moved += 1

        def arrive() -> None:
            goods.absences.append(Absence("moved by staff while it was counted", moved, took_us, world.now_us))
            goods.being_moved -= 1
            world.move(goods, moved, Spot.CARRIED, target)

        world.after(self._habits.fill_walk.draw_us(self._rng), arrive)


class Counter:
    """A person with a scanner who works through count sessions, one after the other.

    In a session all items' shelves are read first, then all their places in the stockroom, then the bay; the station
    closes the session with a `Count` of each item that it has readings of, or each spot with its own.
    """

    def __init__(self, world: World, habits: Habits, station: SimulatedStation, piece_s: float) -> None:
        self._world = world
        self._habits = habits
        self._station = station
        self._piece_us = int(piece_s * SECOND_US)
        self._planned: list[tuple[int, list[Goods]]] = []

    def plan(self, sessions: Sequence[tuple[int, list[Goods]]]) -> None:
        """Take sessions to count, each not before its time."""
        self._planned = sorted(sessions, key=lambda session: session[0])
        self._next_session()

    def _next_session(self) -> None:
        if self._planned:
            t_us, items = self._planned.pop(0)
            self._world.at(max(t_us, self._world.now_us + MINUTE_US), lambda: self._begin(items))

    def _begin(self, items: list[Goods]) -> None:
        session = _Session(f"{self._station.name}-{self._world.now_us // SECOND_US}", items, self._world.now_us)
        self._look(session, 0, 0)

    def _look(self, session: _Session, spot: int, item: int) -> None:
        world = self._world
        if spot == len(COUNTED):
            self._end(session)
            return
        if item == len(session.items):
            if self._habits.counts_by_spot:
                self._end_spot(session, COUNTED[spot])
            world.after(BETWEEN_SPOTS_US, lambda: self._look(session, spot + 1, 0))
            return
        goods = session.items[item]
        if spot == 0 and (goods.being_counted or (goods.being_moved and self._habits.fills_wait)):
            # Somebody else counts it, or its shelf is being filled: it is left for another day.
            session.left_out.add(goods.number)
        if goods.number in session.left_out:
            self._look(session, spot, item + 1)
            return
        goods.being_counted = True
        takes_us = self._piece_us * goods.at[COUNTED[spot]]
        began_us = world.now_us
        world.begin_look(goods, COUNTED[spot], takes_us)

        def done() -> None:
            qty = world.end_look(goods)
            session.note(goods, COUNTED[spot], began_us, world.now_us, qty)
            if qty:
                self._station.read(world.now_us, code_of(goods.number), qty, session.name)
            if spot == len(COUNTED) - 1:
                goods.being_counted = False
            world.after(WALK_US, lambda: self._look(session, spot, item + 1))

        world.after(takes_us, done)

    def _end_spot(self, session: _Session, spot: Spot) -> None:
        """Say what was found at a spot, by last readings, and that this is all."""
        found = [
            (goods, look) for goods in session.items if (look := session.at.get((goods.number, spot))) and look.qty
        ]
        for goods, look in sorted(found, key=lambda each: each[1].until_us):
            code = code_of(goods.number)
            self._station.counted(look.from_us, look.until_us, code, look.qty, session.name, spot.value)
        now_us = self._world.now_us
        self._station.place_counted(session.spot_from_us, now_us, spot.value, session.name, len(found))
        session.spot_from_us = now_us

    def _end(self, session: _Session) -> None:
        found: list[tuple[Goods, list[Counted], list[Counted]]] = []
        for goods in session.items:
            looks = session.looks.get(goods.number, [])
            if read := [look for look in looks if look.qty]:
                found.append((goods, looks, read))
        # As the station does: by their last readings.
        for goods, looks, read in sorted(found, key=lambda each: each[2][-1].until_us):
            qty = sum(look.qty for look in read)
            if not self._habits.counts_by_spot:
                self._station.counted(read[0].from_us, read[-1].until_us, code_of(goods.number), qty, session.name)
            goods.counts.append(Counted(looks[0].from_us, looks[-1].until_us, qty))
        self._next_session()


class _Session:
    """What is read in one count session."""

    def __init__(self, name: str, items: list[Goods], begun_us: int) -> None:
        self.name = name
        self.spot_from_us = begun_us
        self.at: dict[tuple[int, Spot], Counted] = {}
        self.items = items
        self.left_out: set[int] = set()
        self.looks: dict[int, list[Counted]] = {}

    def note(self, goods: Goods, spot: Spot, from_us: int, until_us: int, qty: int) -> None:
        """Keep what a look found."""
        look = self.at[goods.number, spot] = Counted(from_us, until_us, qty)
        self.looks.setdefault(goods.number, []).append(look)
