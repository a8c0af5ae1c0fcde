"""One scan to the books and one price back, through real processes; and the way back after somebody forgot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.cards import EndCard, Mode, ModeCard, QuantityCard, card_text
from tests.integration.store.people import UNDO
from tests.integration.store.shop import CODES, PRICE_MINOR, Shop, goods
from tests.integration.store.station_process import StationProcess

pytestmark = pytest.mark.needs_mosquitto

MILK, TEA, COLA, BISCUITS, PASTA = CODES
NEW_PRICE_MINOR = 135


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with Shop(tmp_path, {"till-1": "sale", "bay": "receive"}) as shop:
        await shop.open()
        yield shop


async def test_a_scan_becomes_stock_and_a_price_comes_back(shop: Shop) -> None:
    till, bay = shop.stations["till-1"], shop.stations["bay"]
    await scan(bay, MILK, MILK, MILK)
    await scan(till, MILK, TEA)
    await shop.until_stock({"milk": 2000, "tea": -1000})
    rows = await shop.hub.stations()
    assert (rows["bay"].movements, rows["till-1"].movements) == (3, 2)

    assert await price(till, MILK) == PRICE_MINOR
    await shop.hq.write(goods(MILK, "milk", NEW_PRICE_MINOR))
    await until_price(shop, till, NEW_PRICE_MINOR)
    await until_price(shop, bay, NEW_PRICE_MINOR)


async def test_with_the_cable_cut_a_till_sells_on_and_knows_the_price(shop: Shop) -> None:
    till = shop.stations["till-1"]
    await shop.broker.kill()
    await scan(till, MILK, MILK)
    assert await price(till, MILK) == PRICE_MINOR
    await till.process.kill()
    await shop.start(till.process)
    await shop.until("the till to take scans", till.up)
    await scan(till, MILK)
    assert await price(till, MILK) == PRICE_MINOR
    await shop.start(shop.broker)
    await shop.until_stock({"milk": -3000})


async def test_a_count_an_undo_and_a_quantity_card(shop: Shop) -> None:
    """All at one station, where the order of the log decides and no clock."""
    station = shop.stations["bay"]
    await scan(station, card_text(QuantityCard(12)), MILK, TEA, TEA, UNDO)
    await shop.until_stock({"milk": 12_000, "tea": 1000})
    await scan(station, card_text(ModeCard(Mode.COUNT)), MILK, MILK, MILK, COLA, UNDO, TEA)
    await scan(station, card_text(EndCard()), card_text(ModeCard(Mode.SALE)))
    await shop.until_stock({"milk": 3000, "tea": 1000})
    await scan(station, MILK, TEA, UNDO)
    await shop.until_stock({"milk": 2000, "tea": 1000})


async def test_a_hub_brought_back_from_last_night_hears_all_again_from_idle_stations(
    shop: Shop, tmp_path: Path
) -> None:
    """Once: what it still has is not doubled. Nobody scans meanwhile and no station has anything to send."""
    till, bay = shop.stations["till-1"], shop.stations["bay"]
    await scan(till, MILK, TEA, COLA)
    await shop.until_caught_up()
    await shop.hub.process.stop()
    shop.hub.keep_copy(tmp_path / "last-night")
    await shop.start(shop.hub.process)
    await scan(till, MILK, MILK, PASTA)
    await scan(bay, BISCUITS, BISCUITS)
    await shop.hq.write(goods(MILK, "milk", NEW_PRICE_MINOR))
    await until_price(shop, till, NEW_PRICE_MINOR)
    await shop.until_caught_up()
    whole = {"milk": -3000, "tea": -1000, "cola": -1000, "pasta": -1000, "biscuits": 2000}
    await shop.until_stock(whole)

    await shop.hub.process.kill()
    shop.hub.bring_back(tmp_path / "last-night")
    assert [(await station.health()).stock.unacked for station in (till, bay)] == [0, 0]
    await shop.start(shop.hub.process)
    await shop.until_up()
    await shop.until_caught_up()
    await shop.until_stock(whole)
    assert (await shop.hub.losses()).rows == []
    assert await shop.hub.quarantine() == []
    await shop.until_same_catalogue()
    await scan(till, COLA)
    await shop.until_stock(whole | {"cola": -2000})


async def test_a_broker_that_forgets_everything_costs_nothing(shop: Shop) -> None:
    till, bay = shop.stations["till-1"], shop.stations["bay"]
    await scan(till, MILK)
    await shop.until_caught_up()
    await shop.broker.kill()
    await shop.hub.process.kill()
    await scan(till, MILK, TEA)
    await scan(bay, TEA, TEA, TEA)
    await shop.start(shop.broker)
    await shop.start(shop.hub.process)
    await shop.until_up()
    await shop.until_caught_up()
    await shop.until_stock({"milk": -2000, "tea": 2000})

    async def both_online() -> str | None:
        states = {row.station: row.state for row in (await shop.hub.stations()).values()}
        return None if states == {"till-1": "online", "bay": "online"} else f"{states}"

    await shop.until("both stations to say again that they are online", both_online)


async def test_a_station_restored_from_an_old_copy_takes_nothing_back(shop: Shop, tmp_path: Path) -> None:
    """What it lost of its log the hub has; what it writes now is a new epoch, which says where it left the old one."""
    till = shop.stations["till-1"]
    await scan(till, MILK)
    await till.process.stop()
    till.keep_copy(tmp_path / "card")
    await shop.start(till.process)
    await shop.until_up()
    await scan(till, TEA, TEA, COLA)
    await shop.until_caught_up([till])
    await till.process.kill()
    till.bring_back(tmp_path / "card")
    await shop.start(till.process)
    await shop.until_up()
    await scan(till, PASTA)
    await shop.until_stock({"milk": -1000, "tea": -2000, "cola": -1000, "pasta": -1000})
    await shop.until_caught_up([till])
    await till.process.stop()
    log = await till.log()
    assert [chapter.epoch.generation for chapter in log.view.lineage] == [1, 2]


async def scan(station: StationProcess, *texts: str) -> None:
    """Scan one after the other, each accepted."""
    for text in texts:
        assert await station.scanner.scan(text) is True, f"{station.name} did not accept {text}"


async def price(station: StationProcess, code: str) -> int | None:
    """What a station says a code costs, in minor units; None if it does not know."""
    item = await station.item(code)
    return None if item is None or item.price is None else item.price.minor


async def until_price(shop: Shop, station: StationProcess, minor: int) -> None:
    """Wait until the milk costs so much at a station."""

    async def costs() -> str | None:
        told = await price(station, MILK)
        return None if told == minor else f"{told}"

    await shop.until(f"milk at {minor} at {station.name}", costs)
