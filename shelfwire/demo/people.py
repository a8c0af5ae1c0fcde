"""The people in the shop: shoppers who pick and pay, a driver who delivers, a clerk who counts a shelf, a thief.

They carry goods, and the tally with them, only when their scanner said yes. What was taken off a shelf that is being
counted would be in doubt for a moment, in a real shop as here, so nobody picks from a shelf that is closed, and
nobody takes back a line after the shelf was closed that it came from.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence

from protocol.cards import Mode, ModeCard
from protocol.catalogue import WHOLE_MILLI
from shelfwire.demo.clerk import Clerk
from shelfwire.demo.goods import Goods
from shelfwire.demo.tally import Tally
from shelfwire.demo.waiting import wait_for

CLOCKS_AGREE_S = 1.0
"""Goods are not picked within so much of their being counted: stations' clocks need to agree only that well."""
_WEIGHED_SHARE = 0.2
_SEVERAL_SHARE = 0.2
_UNDO_SHARE = 0.07
_LONGEST_BASKET = 6
_SHELF_CLEAR_S = 60.0


class Floor:
    """The shop floor: what lies there, which shelves are closed, what is in a basket just now."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self._closed: set[Goods] = set()
        self._in_baskets: list[Goods] = []

    def open_shelves(self, of: Iterable[Goods]) -> list[Goods]:
        """Pick those that may be picked."""
        return [goods for goods in of if goods not in self._closed]

    async def close(self, shelf: Sequence[Goods]) -> None:
        """Close a shelf: nobody picks from it any more, and what was picked is paid for when this returns."""
        self._closed.update(shelf)

        async def paid() -> bool:
            return not set(shelf) & set(self._in_baskets)

        await wait_for("the last shopper with goods of that shelf to pay", paid, _SHELF_CLEAR_S)
        await asyncio.sleep(CLOCKS_AGREE_S)

    async def reopen(self, shelf: Sequence[Goods]) -> None:
        """Let people pick from a shelf again."""
        await asyncio.sleep(CLOCKS_AGREE_S)
        self._closed.difference_update(shelf)

    def pick(self, goods: Goods) -> None:
        """Put something into a basket."""
        self._in_baskets.append(goods)

    def pay(self) -> None:
        """The shopper leaves the till."""
        self._in_baskets.clear()


class Pace:
    """How fast people are: about `mean_s` between two movements."""

    def __init__(self, rng: random.Random, mean_s: float) -> None:
        self._rng = rng
        self._mean_s = mean_s

    async def pause(self) -> None:
        """Do what people do between two movements."""
        await asyncio.sleep(self._rng.uniform(0.3, 1.7) * self._mean_s)


class Shoppers:
    """One shopper after the other at the till, until cancelled or told to stop."""

    def __init__(self, clerk: Clerk, floor: Floor, of: Sequence[Goods], pace: Pace, rng: random.Random) -> None:
        self._clerk = clerk
        self._floor = floor
        self._of = of
        self._pace = pace
        self._rng = rng
        self._last = asyncio.Event()
        self.served = 0
        self.lines = 0
        self.taken_back = 0

    def close_doors(self) -> None:
        """Let the shopper at the till finish and no other come."""
        self._last.set()

    async def run(self) -> None:
        """Serve. Raises `GaveUp`."""
        while not self._last.is_set():
            for _ in range(self._rng.randint(1, _LONGEST_BASKET)):
                await self._buy()
                await self._pace.pause()
            self._floor.pay()
            self.served += 1
            await self._pace.pause()

    async def _buy(self) -> None:
        rng, tally = self._rng, self._floor.tally
        weighed = rng.random() < _WEIGHED_SHARE
        # The last one stays: of what is gone altogether a scanner has nothing to count.
        least_milli = 3 * WHOLE_MILLI
        there = tally.in_stock(self._floor.open_shelves(self._of), least_milli)
        choice = [goods for goods in there if goods.weighed == weighed]
        if not choice:
            return
        goods = rng.choice(choice)
        self._floor.pick(goods)
        if weighed:
            milli = rng.randint(120, 1400)
            await self._clerk.line(goods.label, grams=milli)
        else:
            most = min(6, tally.on_shelf(goods) // WHOLE_MILLI - 1)
            pieces = rng.randint(2, most) if rng.random() < _SEVERAL_SHARE else 1
            milli = pieces * WHOLE_MILLI
            await self._clerk.line(goods.label, pieces)
        tally.carry(goods, -milli)
        self.lines += 1
        if rng.random() < _UNDO_SHARE:
            await self._pace.pause()
            if await self._clerk.undo():
                tally.carry(goods, milli)
                self.taken_back += 1


async def deliver(
    clerk: Clerk, floor: Floor, order: str, goods: Sequence[Goods], pace: Pace, rng: random.Random
) -> int:
    """Bring goods in at the bay under an order's number: cases, and crates of what is weighed; give how many."""
    await clerk.card(ModeCard(Mode.RECEIVE, order))
    units = 0
    for one in goods:
        await pace.pause()
        if one.case_label is None:
            grams = rng.randint(6_000, 14_000)
            await clerk.line(one.label, grams=grams)
            floor.tally.carry(one, grams)
            units += 1
            continue
        cases = rng.randint(1, 3)
        await clerk.line(one.case_label, cases)
        floor.tally.carry(one, cases * one.case_pieces * WHOLE_MILLI)
        units += cases
    return units


async def count(clerk: Clerk, floor: Floor, shelf: Sequence[Goods], pace: Pace, rng: random.Random) -> int:
    """Count a closed shelf, at times in two goes for an item, as when it lies in two places; give the pieces."""
    await clerk.card(ModeCard(Mode.COUNT))
    counted = 0
    for goods in shelf:
        pieces = floor.tally.on_shelf(goods) // WHOLE_MILLI
        if not pieces:
            continue
        here = rng.randint(1, pieces - 1) if pieces > 1 and rng.random() < 0.3 else pieces
        for part in (here, pieces - here):
            if part:
                await pace.pause()
                await clerk.line(goods.label, part)
        counted += pieces
    await clerk.end_count(sum(floor.tally.on_shelf(goods) >= WHOLE_MILLI for goods in shelf))
    await clerk.card(ModeCard(Mode.PRICE_CHECK))
    return counted


def steal(floor: Floor, shelf: Sequence[Goods], rng: random.Random) -> int:
    """Carry some pieces out past the till, leaving at least one of each; give how many."""
    gone = 0
    for goods in rng.sample(list(shelf), k=min(2, len(shelf))):
        left = floor.tally.on_shelf(goods) // WHOLE_MILLI
        pieces = min(rng.randint(1, 2), left - 1)
        if pieces > 0:
            floor.tally.carry(goods, -pieces * WHOLE_MILLI)
            gone += pieces
    return gone
