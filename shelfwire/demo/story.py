"""The day the demo tells: opening, trade, a delivery, a new price, a count, a cut cable, power cuts, and closing.

Shoppers go on at the till all through it. Each part of the day has its share of the time; what has to happen in it
happens even if that takes longer.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from protocol.catalogue import WHOLE_MILLI
from shelfwire.demo.chronicle import Chronicle
from shelfwire.demo.clerk import Clerk
from shelfwire.demo.goods import RANGE, Goods
from shelfwire.demo.people import Floor, Pace, Shoppers, count, deliver, steal
from shelfwire.demo.post import Post
from shelfwire.demo.shop import Shop
from shelfwire.demo.tally import Tally
from shelfwire.demo.waiting import DeadlineMissed, wait_for
from shelfwire.demo.witnesses import Unreachable

PHASES = ("opening", "count", "delivery", "price", "recount", "cut", "kills", "closing")
_SHARES = {"delivery": 0.2, "price": 0.15, "recount": 0.2, "cut": 0.2, "kills": 0.25}
_SHORTEST_DAY_S = 5.0
CLOSING_S = 4.0
"""What closing takes; the day is so much shorter than asked for."""
SETTLE_S = 60.0
PRICE_S = 20.0
RESTART_AFTER_S = 0.5
BROKEN = 2
_LONGEST_PAUSE_S = 0.25


class Wrong(Exception):
    """A station said what it must not say."""


class Story:
    """One day in a shop that is set up and not open yet."""

    def __init__(self, shop: Shop, chronicle: Chronicle, *, seed: int, minutes: float) -> None:
        self._shop = shop
        self._chronicle = chronicle
        self._until_s = minutes * 60 - CLOSING_S
        self._seed = seed
        opening = self._rng("opening")
        self.packed = tuple(goods for goods in RANGE if not goods.weighed)
        self.loose = tuple(goods for goods in RANGE if goods.weighed)
        self.tally = Tally({goods: opening.randint(8, 40) * WHOLE_MILLI for goods in self.packed})
        self.floor = Floor(self.tally)
        self._pace = Pace(self._rng("pace"), min(_LONGEST_PAUSE_S, minutes / 8))
        self.clerks = {post.name: Clerk(post, self._pace.pause) for post in shop.posts}
        self.shoppers = Shoppers(self._clerk(shop.till), self.floor, RANGE, self._pace, self._rng("shoppers"))
        self.decisions = 0
        """Entries that people made in the hub's journal."""
        self.late: str | None = None
        """What had not arrived when the day was over."""
        self.prices = {goods.item: goods.minor for goods in RANGE}

    async def run(self) -> None:
        """Live the day. Raises `DeadlineMissed`, `ProcessDied`, `GaveUp`."""
        await self._open()
        await self._first_count()
        async with asyncio.TaskGroup() as group:
            trade = group.create_task(self.shoppers.run(), name="trade")
            await self._day(trade)

    async def _open(self) -> None:
        shop, chronicle = self._shop, self._chronicle
        chronicle.begin("opening", f"brokers ({shop.broker_kind}), hub and stations start; HQ sends the catalogue")
        await shop.hq.write([row for goods in RANGE for row in goods.rows()])
        await asyncio.gather(
            shop.start_broker(shop.broker),
            shop.start_broker(shop.hq_broker),
            shop.start_hub(),
            *(post.start() for post in shop.posts),
        )
        await wait_for("every station to hold HQ's catalogue", self._same_catalogue, SETTLE_S)
        rows = shop.hq.figures.catalogue_rows
        chronicle.note(f"open: page at {shop.page}, {rows} catalogue rows the same at HQ, hub and every station")

    async def _first_count(self) -> None:
        self._chronicle.begin("count", f"the shelf clerk counts all {len(self.packed)} packed goods")
        pieces = await count(
            self._clerk(self._shop.shelf), self.floor, self.packed, self._pace, self._rng("first count")
        )
        self._chronicle.note(f"{pieces} pieces counted: the books begin with them")
        await self.floor.reopen(self.packed)

    async def _day(self, trade: asyncio.Task[None]) -> None:
        self._left_s = max(_SHORTEST_DAY_S, self._until_s - self._chronicle.elapsed_s)
        await self._part("delivery", self._delivery)
        await self._part("price", self._new_price)
        await self._part("recount", self._shelf_count)
        await self._part("cut", self._cable_cut)
        await self._part("kills", self._power_cuts)
        await self._close(trade)

    async def _part(self, phase: str, happen: Callable[[float], Awaitable[None]]) -> None:
        """Have something happen, and trade go on until this part of the day is over."""
        ends_s = self._chronicle.elapsed_s + self._left_s * _SHARES[phase]
        await happen(ends_s)
        await asyncio.sleep(max(0.0, ends_s - self._chronicle.elapsed_s))

    async def _delivery(self, ends_s: float) -> None:
        rng = self._rng("delivery")
        goods = [*self.loose, *rng.sample(self.packed, k=6)]
        self._chronicle.begin("delivery", "the first shoppers come; a lorry brings order PO-1001")
        units = await deliver(self._clerk(self._shop.bay), self.floor, "PO-1001", goods, self._pace, rng)
        self._chronicle.note(f"{units} cases and crates received, weighed at the bay where they are loose")

    async def _new_price(self, ends_s: float) -> None:
        goods = self._rng("price").choice(self.packed)
        new = goods.minor - goods.minor // 5
        self._chronicle.begin("price", f"HQ lowers {goods.name} from {euro(goods.minor)} to {euro(new)}")
        began_s = self._chronicle.elapsed_s
        await self._shop.hq.write([goods.price(new)])
        await wait_for(f"the till to show the new price of {goods.name}", self._price_is(goods, new), PRICE_S)
        took_s = self._chronicle.elapsed_s - began_s
        self.prices[goods.item] = new
        self._chronicle.note(f"the till shows {euro(new)}, {took_s * 1000:.0f} ms after HQ decided it")
        await self._breakage()

    async def _breakage(self) -> None:
        """Have a few pieces break and be written off at the hub; of something that no basket can empty meanwhile."""
        goods = max(self.packed, key=self.tally.on_shelf)
        await self._shop.hub_witness.write_off(goods.item, BROKEN * WHOLE_MILLI, "dropped")
        self.tally.carry(goods, -BROKEN * WHOLE_MILLI)
        self.decisions += 1
        self._chronicle.note(f"{BROKEN} of {goods.name} break; the manager writes them off at the hub")

    async def _shelf_count(self, ends_s: float) -> None:
        rng = self._rng("shelf")
        shelf = rng.sample(self.packed, k=8)
        self._chronicle.begin("recount", f"a shelf of {len(shelf)} goods is closed and counted; a thief was there")
        await self.floor.close(shelf)
        gone = steal(self.floor, shelf, rng)
        pieces = await count(self._clerk(self._shop.shelf), self.floor, shelf, self._pace, rng)
        self._chronicle.note(f"{pieces} pieces found, {gone} fewer than the books said: shrink")
        await self.floor.reopen(shelf)

    async def _cable_cut(self, ends_s: float) -> None:
        shop, chronicle = self._shop, self._chronicle
        chronicle.begin("cut", "the network goes: the store broker and the line to HQ")
        before = self._clerk(shop.till).scanned
        for broker in (shop.broker, shop.hq_broker):
            broker.silence()
        chronicle.trouble("the network", "cut", "cut; the till goes on by itself")
        goods = self._rng("cut price").choice(self.packed)
        old = self.prices[goods.item]
        new = old + 30
        await shop.hq.write([goods.price(new)])
        cut_s = max(2.0, (ends_s - chronicle.elapsed_s) * 0.6)
        await asyncio.sleep(cut_s)
        await wait_for("a sale while the network is cut", self._more_scans_than(before), SETTLE_S)
        if not await self._price_is(goods, old)():
            raise Wrong(f"with the cable cut the till does not say {euro(old)} for {goods.name}")
        waiting = (await shop.till.health()).stock.unacked
        chronicle.note(
            f"{self._clerk(shop.till).scanned - before} scans said yes to with the cable cut, {waiting} entries wait; "
            f"{goods.name} still {euro(old)}, HQ has just made it {euro(new)}"
        )
        for broker in (shop.broker, shop.hq_broker):
            broker.restore()
        self.prices[goods.item] = new
        began_s = chronicle.elapsed_s
        await self._wait_settled("everything to arrive after the cut")
        await wait_for("the price changed during the cut", self._price_is(goods, new), PRICE_S)
        took_s = chronicle.elapsed_s - began_s
        chronicle.mended("the network", f"cable back: {took_s:.1f} s later nothing waits and the new price is here")

    async def _power_cuts(self, ends_s: float) -> None:
        self._chronicle.begin("kills", "broker, hub and a station are killed with SIGKILL while shoppers pay")
        rng = self._rng("power")
        victims = [self._kill_broker, self._kill_hub, self._kill_till]
        for kill in victims:
            await kill()
        while self._chronicle.elapsed_s < ends_s - 4:
            await rng.choice(victims)()

    async def _kill_broker(self) -> None:
        shop = self._shop
        await self._some_trade()
        await shop.broker.kill()
        self._chronicle.trouble("the store broker", "dead", "store broker killed")
        await asyncio.sleep(RESTART_AFTER_S)
        await shop.start_broker(shop.broker)
        await self._wait_settled("everything to arrive after the broker's death")
        self._chronicle.mended("the store broker", "it is back; what it forgot was sent again")

    async def _kill_hub(self) -> None:
        shop = self._shop
        await self._some_trade()
        await shop.hub.kill()
        self._chronicle.trouble("the hub", "dead", "hub killed")
        await asyncio.sleep(RESTART_AFTER_S)
        await shop.start_hub()
        await self._wait_settled("everything to arrive after the hub's death")
        self._chronicle.mended("the hub", "it is back and has everything")

    async def _kill_till(self) -> None:
        shop = self._shop
        clerk = self._clerk(shop.till)
        await self._some_trade()
        unanswered, found = clerk.unanswered, clerk.found_durable
        await clerk.until_trigger()
        await shop.till.cut_power()
        self._chronicle.trouble(shop.till.name, "dead", "till-1 killed at the pull of a trigger")
        await asyncio.sleep(RESTART_AFTER_S)
        await shop.till.start()
        await wait_for("the cashier to go on", self._more_scans_than(clerk.scanned), SETTLE_S)
        if clerk.unanswered == unanswered:
            receipt = "that scan had got its yes just before"
        elif clerk.found_durable > found:
            receipt = "that scan got no answer, and is on its disk: it counts"
        else:
            receipt = "that scan got no answer, and is not on its disk: scanned again"
        self._chronicle.mended(shop.till.name, f"it is back; {receipt}")

    async def _close(self, trade: asyncio.Task[None]) -> None:
        self._chronicle.begin("closing", "the doors close; what is still on its way arrives")
        self.shoppers.close_doors()
        await trade
        try:
            await self._wait_settled("everything to arrive")
        except DeadlineMissed as error:
            # The sheet will say what is missing.
            self.late = str(error)

    # What is waited for

    async def _some_trade(self) -> None:
        """Let a few scans happen, so that a kill hits a shop at work."""
        await wait_for("some trade", self._more_scans_than(self._clerk(self._shop.till).scanned + 2), SETTLE_S)

    def _more_scans_than(self, scans: int) -> Callable[[], Awaitable[bool]]:
        async def more() -> bool:
            self._shop.supervisor.check()
            return self._clerk(self._shop.till).scanned > scans

        return more

    async def _wait_settled(self, what: str) -> None:
        await wait_for(what, self._all_arrived, SETTLE_S)

    async def _same_catalogue(self) -> bool:
        shop = self._shop
        shop.supervisor.check()
        wanted = str(shop.hq.catalogue_hash)
        try:
            held = [(await post.health()).catalogue for post in shop.posts]
            hub = await shop.hub_witness.stations()
        except Unreachable:
            return False
        return hub.catalogue_hash == wanted and all(one is not None and one.set_hash == wanted for one in held)

    def _price_is(self, goods: Goods, minor: int) -> Callable[[], Awaitable[bool]]:
        async def told() -> bool:
            self._shop.supervisor.check()
            try:
                item = await self._shop.till.witness.item(goods.code)
            except Unreachable:
                return False
            return item.price is not None and item.price.minor == minor

        return told

    async def _all_arrived(self) -> bool:
        """Whether, at one moment, nothing was on its way: stations, hub, books, HQ."""
        shop = self._shop
        shop.supervisor.check()
        try:
            health = [await post.health() for post in shop.posts]
            hub = {line.station: line for line in (await shop.hub_witness.stations()).stations}
            to_hq = await shop.hub_witness.unsent_to_hq()
        except Unreachable:
            return False
        if any(not one.hub.connected or one.stock.unacked for one in health) or to_hq != 0:
            return False
        return all(
            one.station in hub and one.stock.entries <= hub[one.station].committed == hub[one.station].folded
            for one in health
        )

    def _clerk(self, post: Post) -> Clerk:
        return self.clerks[post.name]

    def _rng(self, what: str) -> random.Random:
        return random.Random(f"{self._seed} {what}")


def euro(minor: int) -> str:
    """Write cents as a price tag does."""
    return f"{minor // 100}.{minor % 100:02d} EUR"
