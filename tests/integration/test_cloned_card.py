"""A station's card copied and both alive: neither is acknowledged until a person chooses, and nothing is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from protocol.events import Delta
from tests.integration.store.shop import CODES, Shop
from tests.integration.store.station_process import StationProcess

pytestmark = pytest.mark.needs_mosquitto

MILK, TEA, COLA, *_ = CODES
LOG = "s/till-1/stock"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with Shop(tmp_path, {"till-1": "sale"}) as shop:
        await shop.open()
        yield shop


async def test_two_live_copies_of_a_card_wait_for_a_person(shop: Shop, tmp_path: Path) -> None:
    till, copy = await two_copies(shop, tmp_path)
    before = (await shop.hub.stations())["till-1"]
    assert await till.scanner.scan(TEA) is True
    assert await copy.scanner.scan(COLA) is True
    for station in (till, copy):
        await shop.until(f"{station.name} to be held, its scan unacknowledged", partial(_held, station))
    after = (await shop.hub.stations())["till-1"]
    assert (after.epoch, after.seq, after.committed) == (before.epoch, before.seq, before.committed)
    await shop.until_stock({"milk": -1000})

    await shop.hub.choose(LOG, (await shop.hub.contested())[LOG][0])
    await shop.until("one of them to be sealed", partial(_one_is_sealed, till, copy))
    sealed, chosen = (till, copy) if (await till.health()).hub.standing == "sealed" else (copy, till)
    await sealed.process.stop()
    await shop.until_caught_up([chosen])
    await shop.until_stock({"milk": -1000, ("tea" if chosen is till else "cola"): -1000})

    # What the other one took is owned up to at the hub, and still on its card.
    losses = [(loss.log, loss.epoch, loss.first, loss.last) for loss in (await shop.hub.losses()).rows]
    assert (LOG, before.epoch, (before.seq or 0) + 1, None) in losses
    moves = [entry.code for _, entry in (await sealed.log()).entries if isinstance(entry, Delta)]
    assert moves == [MILK, TEA if sealed is till else COLA]
    assert LOG not in await shop.hub.contested()


async def test_the_hub_knows_after_its_death_though_neither_copy_speaks(shop: Shop, tmp_path: Path) -> None:
    till, copy = await two_copies(shop, tmp_path)
    for process in (till.process, copy.process, shop.hub.process, shop.broker):
        await process.kill()
    await shop.start(shop.broker)
    await shop.start(shop.hub.process)
    await shop.until("the hub to know still", partial(_contested, shop))


async def two_copies(shop: Shop, tmp_path: Path) -> tuple[StationProcess, StationProcess]:
    """Sell a milk at the till, clone its card, and have both run until the hub has seen that they are two."""
    till = shop.stations["till-1"]
    copy = await shop.add("copy", "sale", called="till-1")
    assert await till.scanner.scan(MILK) is True
    await shop.until_stock({"milk": -1000})
    await till.process.stop()
    till.keep_copy(tmp_path / "card")
    copy.bring_back(tmp_path / "card")
    # The broker lets one client of a name in at a time: they push each other out, and the hub hears both.
    await shop.start(till.process)
    await shop.start(copy.process)
    await shop.until_up()
    await shop.until("the hub to see two live writers of one log", partial(_contested, shop))
    return till, copy


async def _contested(shop: Shop) -> str | None:
    found = await shop.hub.contested()
    return None if len(found.get(LOG, [])) == 2 else f"{found}"


async def _held(station: StationProcess) -> str | None:
    health = await station.health()
    if health.hub.standing == "held" and health.stock.unacked > 0:
        return None
    return f"{health.hub.standing}, {health.stock.unacked} unacked"


async def _one_is_sealed(*stations: StationProcess) -> str | None:
    standings = [(await station.health()).hub.standing for station in stations]
    return None if "sealed" in standings else f"{standings}"
