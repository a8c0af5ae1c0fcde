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
NEARLY_S = 0.5
"""How exactly a station knows the hub's time that met it while the machine was busy."""
READS = ("2036-02-07T06:28:14", "2038-01-19T03:14:06", "2106-02-07T06:28:14", "1970-01-01T00:00:10")
"""Seconds before 32 bits overflow (NTP's era, signed, unsigned), and a machine that never knew."""
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


async def assert_exact(shop: Shop, till: Till, off_s: float = 0, within_s: float = 2) -> None:
    """Hold the books against the truth: nothing doubled, all of it when it was, the hub being off by `off_s`."""
    await shop.until_stock({"milk": -1000 * len(till.sold)})
    await shop.until_caught_up()
    row = (await shop.hub.stations())["till-1"]
    now_us = (time.time() + off_s) * 1e6
    assert row.mark_us is None or row.mark_us <= now_us
    assert row.last_seen_us is not None
    assert abs(now_us - row.last_seen_us) < 60e6
    assert (await shop.hub.page("/")).status_code == 200
    assert await shop.hub.quarantine() == []
    await till.station.process.stop()
    await shop.until_stock({"milk": -1000 * len(till.sold)})
    await shop.hub.process.stop()
    entries = (await till.station.log()).entries
    moves = [where for where, entry in entries if isinstance(entry, Delta)]
    assert len(moves) == len(till.sold)
    assert any(isinstance(entry, Anchor) for _, entry in entries)
    async with HubStore(shop.hub.data / DATABASE, StoreId(STORE), lambda: 0) as store:
        assert await store.rebuild() == ()
        booked = {line.entry: line for line in (await store.timeline(ItemId("milk"), limit=1000)).entries}
        assert booked.keys() == set(moves)
        for where, (before_s, after_s) in zip(moves, till.sold, strict=True):
            t_s, err_s = booked[where].t_us / 1e6 - off_s, booked[where].err_us / 1e6
            assert before_s - err_s <= t_s <= after_s + err_s, f"{where}: {t_s} is not {before_s}, give or take {err_s}"
            assert err_s <= within_s


async def test_a_station_whose_clock_lies_sells_and_its_prices_change_at_the_right_moment(tmp_path: Path) -> None:
    clock = FakedTime(tmp_path, "till-1")
    clock.reads("1970-01-01T00:00:10")
    async with opened(tmp_path, ("till-1", clock)) as (shop, till):
        await till.sell()
        changes_s = time.time() + 5
        new = Price("milk", "new", PriceKind.REGULAR, NEW_PRICE_MINOR, "EUR", valid_from_us=round(changes_s * 1e6))
        await shop.hq.write([new])
        await shop.until_same_catalogue()
        for off_s in OFF_S:
            clock.off_by(off_s)
            await till.sell(2)
            assert await price_of(till, changes_s)
        for utc in READS:
            clock.reads(utc)
            await till.sell(2)
            assert await price_of(till, changes_s)
        # Cut off, restarted, and without a clock.
        await shop.broker.kill()
        for utc in (READS[0], READS[-1]):
            clock.reads(utc)
            await till.station.process.kill()
            await shop.start(till.station.process)
            await shop.until("the till to take scans", till.station.up)
            await till.sell()
            assert await price_of(till, changes_s)
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
            if abs(off_s) > 1:
                # Whoever comes anew asks for the time first of all.
                await shop.broker.kill()
                await till.sell()
                await shop.start(shop.broker)
                await shop.until_caught_up()
            await till.sell()
        await assert_exact(shop, till)


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
        assert await price_of(till, changes_s)
        await until_past(changes_s)
        await till.sell()
        assert await till.price() == NEW_PRICE_MINOR
        await assert_exact(shop, till, off_s)


async def price_of(till: Till, changes_s: float) -> bool:
    """Whether the milk costs what it must, the price changing at `changes_s`."""
    before_s = time.time()
    minor = await till.price()
    after_s = time.time()
    if after_s < changes_s - NEARLY_S:
        return minor == PRICE_MINOR
    return minor == NEW_PRICE_MINOR if before_s > changes_s + NEARLY_S else minor in {PRICE_MINOR, NEW_PRICE_MINOR}


async def until_past(moment_s: float) -> None:
    """Wait until a moment is past, by a little."""
    await asyncio.sleep(max(0.0, moment_s + NEARLY_S - time.time()))
