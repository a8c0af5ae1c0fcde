"""Real stations and a real hub whose wall clocks are set, lie, or were never set: the books do not notice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hub.app import DATABASE
from hub.store.store import HubStore
from protocol.catalogue import Price, PriceKind
from protocol.events import Anchor, Delta
from protocol.identity import ItemId, StoreId
from tests.integration.store.faked_time import FakedTime, sweep
from tests.integration.store.hub_process import STORE
from tests.integration.store.shop import CODES, PRICE_MINOR, Shop
from tests.integration.store.station_process import StationProcess

pytestmark = [pytest.mark.needs_mosquitto, pytest.mark.needs_faketime]

MILK = next(code for code, item in CODES.items() if item == "milk")
HOUR_S = 3600
TEN_YEARS_S = 3652 * 86_400
NEW_PRICE_MINOR = 135
WITHIN_S = 2.0
NEARLY_S = 0.5
"""How exactly a station knows the hub's time that met it while the machine was busy."""
READS = ("2036-02-07T06:28:14", "2038-01-19T03:14:06", "2106-02-07T06:28:14", "1970-01-01T00:00:10")
"""Seconds before 32 bits overflow (NTP's era, signed, unsigned), and a machine that never knew."""
TO_THE_JUMP_S = 25
"""A shop is open in a third of it."""
NEXT_CUSTOMER_S = 0.2
OFF_S = (HOUR_S, -HOUR_S, TEN_YEARS_S, -TEN_YEARS_S, -1, 0)
"""The last but one is a leap second, which a clock reads twice."""


class Till:
    """Sells milk, and knows when it truly did."""

    def __init__(self, station: StationProcess) -> None:
        self.station = station
        self.sold: list[tuple[float, float]] = []

    async def sell(self, times: int = 1) -> None:
        """Scan milk so many times, each accepted."""
        for _ in range(times):
            before_s = time.time()
            assert await self.station.scanner.scan(MILK) is True
            self.sold.append((before_s, time.time()))

    async def price(self) -> int | None:
        """What the milk costs here."""
        item = await self.station.item(MILK)
        return None if item is None or item.price is None else item.price.minor


@asynccontextmanager
async def opened(folder: Path, *clocks: tuple[str, FakedTime]) -> AsyncIterator[tuple[Shop, Till]]:
    """Open a shop of one till. Processes, by name, have clocks of their own; HQ's and this test's is true."""
    async with Shop(folder, {"till-1": "sale"}) as shop:
        till = shop.stations["till-1"]
        for name, clock in clocks:
            clock.rule(shop.hub.process if name == "hub" else till.process)
        await shop.open()
        yield shop, Till(till)
    sweep()


async def assert_exact(shop: Shop, *tills: Till, off_s: float = 0, followed_s: float = 0) -> None:
    """Hold the books against the truth: nothing doubled, all of it when it was, the hub being off by `off_s`.

    `followed_s`: so far back the hub's clock went for a while and was believed.
    """
    stock = {"milk": -1000 * sum(len(till.sold) for till in tills)}
    await shop.until_stock(stock)
    await shop.until_caught_up()
    now_us = (time.time() + off_s) * 1e6
    for row in (await shop.hub.stations()).values():
        assert row.mark_us is None or row.mark_us <= now_us
        assert row.last_seen_us is not None
        assert abs(now_us - row.last_seen_us) < 60e6
    assert (await shop.hub.page("/")).status_code == 200
    assert await shop.hub.quarantine() == []
    for till in tills:
        await till.station.process.stop()
    await shop.until_stock(stock)
    await shop.hub.process.stop()
    async with HubStore(shop.hub.data / DATABASE, StoreId(STORE), lambda: 0) as store:
        assert await store.rebuild() == ()
        booked = {line.entry: line for line in (await store.timeline(ItemId("milk"), limit=1000)).entries}
    for till in tills:
        entries = (await till.station.log()).entries
        assert any(isinstance(entry, Anchor) for _, entry in entries)
        moves = [where for where, entry in entries if isinstance(entry, Delta)]
        for where, (before_s, after_s) in zip(moves, till.sold, strict=True):
            line = booked.pop(where)
            t_s, err_s = line.t_us / 1e6 - off_s, line.err_us / 1e6
            is_when_it_was = before_s - followed_s - err_s <= t_s <= after_s + err_s
            assert is_when_it_was, f"{where}: {t_s} is not {before_s}, give or take {err_s}"
            assert err_s <= WITHIN_S
    assert booked == {}


async def test_a_station_whose_clock_lies_sells_and_its_prices_change_at_the_right_moment(tmp_path: Path) -> None:
    clock = FakedTime(tmp_path, "till-1")
    clock.reads("1970-01-01T00:00:10")
    async with opened(tmp_path, ("till-1", clock)) as (shop, till):
        await till.sell()
        # That its log was answered, and so what time it is, may take two seconds longer than the catalogue.
        await shop.until_caught_up()
        changes_s = time.time() + 5
        new = Price("milk", "new", PriceKind.REGULAR, NEW_PRICE_MINOR, "EUR", valid_from_us=round(changes_s * 1e6))
        await shop.hq.write([new])
        await shop.until_same_catalogue()
        for off_s in OFF_S:
            clock.off_by(off_s)
            await till.sell(2)
            await assert_price(till, changes_s)
        for utc in READS:
            clock.reads(utc)
            await till.sell(2)
            await assert_price(till, changes_s)
        # Cut off, restarted, and without a clock.
        await shop.broker.kill()
        for utc in (READS[0], READS[-1]):
            clock.reads(utc)
            await till.station.process.kill()
            await shop.start(till.station.process)
            await shop.until("the till to take scans", till.station.up)
            await till.sell()
            await assert_price(till, changes_s)
        await until_past(changes_s)
        assert await till.price() == NEW_PRICE_MINOR
        clock.off_by(0)
        await shop.start(shop.broker)
        await till.sell()
        await assert_exact(shop, till)


async def test_a_hub_whose_clock_lies_for_a_moment_tells_nobody(tmp_path: Path) -> None:
    clock = FakedTime(tmp_path, "hub")
    async with opened(tmp_path, ("hub", clock)) as (shop, till):
        await till.sell()
        for off_s in OFF_S:
            clock.off_by(off_s)
            # A leap second is followed: the hub has to look at the clock again to see that it is over.
            await shop.until("the hub to answer", shop.hub.up)
            await till.sell()
        clock.reads(READS[0])
        # Whoever comes anew asks for the time first of all.
        anew = Till(await shop.add("till-2", "sale"))
        await shop.start(anew.station.process)
        await shop.until_up()
        await anew.sell()
        await shop.until_caught_up()
        clock.off_by(0)
        await anew.sell()
        await till.sell()
        # Where a station asked for the time in that second, only later answers will outvote the one it got.
        await assert_exact(shop, till, anew, followed_s=1)


async def test_when_summer_time_ends_the_same_local_time_comes_twice_and_each_has_its_price(tmp_path: Path) -> None:
    clock = FakedTime(tmp_path, "all", zone="Europe/Berlin")
    off_s = clock.reads("2026-10-25T00:30:00")
    async with opened(tmp_path, ("till-1", clock), ("hub", clock)) as (shop, till):
        changes_s = time.time() + 3
        first_us = round((changes_s + off_s) * 1e6)
        prices = (("first", NEW_PRICE_MINOR, first_us), ("second", 1, first_us + HOUR_S * 1_000_000))
        rows = [Price("milk", name, PriceKind.REGULAR, minor, "EUR", valid_from_us=us) for name, minor, us in prices]
        await shop.hq.write(rows)
        await shop.until_same_catalogue()
        await till.sell()
        await shop.until_caught_up()
        await assert_price(till, changes_s)
        await until_past(changes_s)
        await till.sell()
        assert await till.price() == NEW_PRICE_MINOR
        await assert_exact(shop, till, off_s=off_s)


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
async def test_a_till_sells_across_the_jump_of_local_time_and_the_price_changes_with_it(
    tmp_path: Path, day: str
) -> None:
    clock = FakedTime(tmp_path, "all", zone="Europe/Berlin")
    # Both ways the jump is at 01:00 UTC: 02:00 becomes 03:00, and 03:00 becomes 02:00.
    off_s = clock.reads(f"{day}T00:59:{60 - TO_THE_JUMP_S}")
    jump_s = time.time() + TO_THE_JUMP_S
    async with opened(tmp_path, ("till-1", clock), ("hub", clock)) as (shop, till):
        jump_us = round((jump_s + off_s) * 1e6)
        row = Price("milk", "new", PriceKind.REGULAR, NEW_PRICE_MINOR, "EUR", valid_from_us=jump_us)
        await shop.hq.write([row])
        await shop.until_same_catalogue()
        await till.sell()
        await shop.until_caught_up()
        assert time.time() < jump_s, "this machine is too slow to have the shop open before the jump"
        while await till.price() == PRICE_MINOR:
            await till.sell()
            await assert_price(till, jump_s)
            await asyncio.sleep(NEXT_CUSTOMER_S)
        await till.sell(3)
        await assert_price(till, jump_s)
        await assert_exact(shop, till, off_s=off_s)


async def assert_price(till: Till, changes_s: float) -> None:
    """Hold what the milk costs against what it must, the price changing at `changes_s`."""
    before_s = time.time() - changes_s
    minor = await till.price()
    after_s = time.time() - changes_s
    is_old, is_new = minor == PRICE_MINOR and before_s < NEARLY_S, minor == NEW_PRICE_MINOR and after_s > -NEARLY_S
    assert is_old or is_new, f"{minor}, asked between {before_s} and {after_s} s after the change"


async def until_past(moment_s: float) -> None:
    """Wait until a moment is past, by a little."""
    await asyncio.sleep(max(0.0, moment_s + NEARLY_S - time.time()))
