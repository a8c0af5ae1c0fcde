"""The customers: they pick up, carry about, queue, have scanned, pay, change their minds, bring back, and steal."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass

from protocol.events import Reason
from tests.shop.codes import code_of
from tests.shop.habits import HOUR_US, MINUTE_US, SECOND_US, Habits
from tests.shop.station import SimulatedStation
from tests.shop.world import Absence, Goods, Passage, Spot, World

SCAN_US = 3 * SECOND_US


@dataclass(slots=True)
class _Lot:
    """Pieces of one item in one trolley."""

    goods: Goods
    qty: int
    picked_us: int
    scanned_us: int = 0
    seq: int = 0


class Shoppers:
    """All customers of one day."""

    def __init__(self, world: World, habits: Habits, tills: Sequence[SimulatedStation], rng: random.Random) -> None:
        self._world = world
        self._habits = habits
        self._tills = tills
        self._rng = rng
        self._weights = list(itertools.accumulate(rng.lognormvariate(0.0, 1.1) for _ in world.goods))

    def come(self) -> None:
        """Plan the day."""
        habits, rng = self._habits, self._rng
        lines = int(habits.items * habits.lines_per_item)
        begin_us, end_us = int(habits.opens_h * HOUR_US), int(habits.closes_h * HOUR_US)
        while lines > 0:
            wanted = min(lines, 1 + min(20, int(rng.expovariate(1 / 4))))
            lines -= wanted
            came_us = rng.randint(begin_us, end_us - 5 * MINUTE_US)
            self._world.at(came_us, lambda wanted=wanted: self._visit(wanted))  # type: ignore[misc]
        for goods in self._world.goods:
            for _ in range(_times(rng, habits.stolen_per_item)):
                self._world.at(rng.randint(begin_us, end_us), lambda goods=goods: self._steal(goods))  # type: ignore[misc]

    def _visit(self, wanted: int) -> None:
        rng, world = self._rng, self._world
        trolley: list[_Lot] = []
        stays_us = self._habits.visit.draw_us(rng)
        for _ in range(wanted):
            goods = rng.choices(world.goods, cum_weights=self._weights)[0]
            world.after(int(stays_us * rng.random()), lambda goods=goods: self._pick(goods, trolley, stays_us))  # type: ignore[misc]
        world.after(stays_us + self._habits.queue.draw_us(rng), lambda: self._to_till(trolley))

    def _pick(self, goods: Goods, trolley: list[_Lot], stays_us: int) -> None:
        rng, world = self._rng, self._world
        qty = world.move(goods, rng.choice((1, 1, 1, 2, 3)), Spot.SHELF, Spot.CARRIED)
        if not qty:
            return
        if rng.random() < self._habits.put_back:
            back_us = world.now_us + stays_us // 2
            goods.absences.append(Absence("put back unscanned", qty, world.now_us, back_us))
            world.at(back_us, lambda: _move(world, goods, qty, Spot.CARRIED, Spot.SHELF))
            return
        trolley.append(_Lot(goods, qty, world.now_us))

    def _to_till(self, trolley: list[_Lot]) -> None:
        till = self._rng.choice(self._tills)
        for place, lot in enumerate(trolley):
            self._world.after(place * SCAN_US, lambda lot=lot: self._scan(till, lot))  # type: ignore[misc]
        until_paid_us = len(trolley) * SCAN_US + self._habits.payment.draw_us(self._rng)
        self._world.after(until_paid_us, lambda: self._pay(till, trolley))

    def _scan(self, till: SimulatedStation, lot: _Lot) -> None:
        world, code = self._world, code_of(lot.goods.number)
        lot.scanned_us = world.now_us
        lot.seq = till.moved(world.now_us, code, -lot.qty, Reason.SALE)
        if self._rng.random() < self._habits.scanned_twice:
            again = till.moved(world.now_us, code, -1, Reason.SALE)
            world.after(2 * SECOND_US, lambda: till.took_back(world.now_us, again))

    def _pay(self, till: SimulatedStation, trolley: list[_Lot]) -> None:
        rng, world, habits = self._rng, self._world, self._habits
        for lot in trolley:
            goods, qty = lot.goods, lot.qty
            if rng.random() < habits.refused:
                till.took_back(world.now_us, lot.seq)
                back_us = world.now_us + habits.back_on_shelf.draw_us(rng)
                goods.absences.append(Absence("refused at the till", qty, lot.picked_us, back_us))
                world.at(back_us, lambda goods=goods, qty=qty: _move(world, goods, qty, Spot.CARRIED, Spot.SHELF))  # type: ignore[misc]
                continue
            world.move(goods, qty, Spot.CARRIED, Spot.OUTSIDE)
            goods.passages.append(Passage(Reason.SALE, -qty, lot.picked_us, lot.scanned_us))
            if rng.random() < habits.returned:
                # Of an earlier day's purchase as well as of this one: the goods come back from outside.
                open_us = int((habits.closes_h - habits.opens_h) * HOUR_US)
                came_us = int(habits.opens_h * HOUR_US) + rng.randint(0, open_us)
                world.at(came_us, lambda goods=goods, qty=qty: self._bring_back(goods, qty))  # type: ignore[misc]

    def _bring_back(self, goods: Goods, qty: int) -> None:
        world, desk = self._world, self._tills[0]
        scanned_us = world.now_us
        world.move(goods, qty, Spot.OUTSIDE, Spot.CARRIED)
        desk.moved(scanned_us, code_of(goods.number), qty, Reason.RETURN)

        def put_back() -> None:
            world.move(goods, qty, Spot.CARRIED, Spot.SHELF)
            goods.passages.append(Passage(Reason.RETURN, qty, world.now_us, scanned_us))

        world.after(self._habits.back_on_shelf.draw_us(self._rng), put_back)

    def _steal(self, goods: Goods) -> None:
        if self._world.move(goods, 1, Spot.SHELF, Spot.OUTSIDE):
            goods.stolen_us.append(self._world.now_us)


def _move(world: World, goods: Goods, qty: int, source: Spot, target: Spot) -> None:
    world.move(goods, qty, source, target)


def _times(rng: random.Random, mean: float) -> int:
    """Draw how often something rare happens: whole part for certain, the rest by chance."""
    return int(mean) + (rng.random() < mean - int(mean))
