"""A shipment between two stores of real processes: approved by head office, scanned at both ends, received in parts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from hub.web.transfer_models import Transfer
from protocol.identity import StoreId
from shelfwire.simulators.hq_transfers import TransferOffice
from tests.integration.store.shop import Shop
from tests.integration.store.station_process import StationProcess

pytestmark = pytest.mark.needs_mosquitto

MILK, TEA = "4006381333931", "4012345678901"
OAK, HIGH = StoreId("oak-street"), StoreId("high-street")


@pytest.fixture
async def shops(tmp_path: Path) -> AsyncIterator[dict[StoreId, Shop]]:
    """Two stores, each with its brokers, its hub and a station at the dock; head office dials both."""
    async with AsyncExitStack() as stack:
        found: dict[StoreId, Shop] = {}
        for store in (OAK, HIGH):
            folder = tmp_path / store
            folder.mkdir()
            found[store] = await stack.enter_async_context(Shop(folder, {"dock": "sale"}, store=store))
        await asyncio.gather(*(shop.open() for shop in found.values()))
        yield found


async def scan(station: StationProcess, codes: Sequence[str]) -> None:
    for code in codes:
        assert await station.scanner.scan(code) is True, code


async def until_state(shops: dict[StoreId, Shop], office: TransferOffice, phase: str, **milk: int) -> None:
    """Wait until both stores say so of the shipment, head office telling each what the other did."""

    async def is_so(shop: Shop) -> str | None:
        await office.relay()
        transfer = await shop.hub.ask(Transfer, "transfers/TR-17")
        item = next((each for each in transfer.items if each.item == "milk"), None)
        seen = {} if item is None else {name: getattr(item, f"{name}_milli") for name in milk}
        return None if (transfer.phase.value, seen) == (phase, milk) else f"{transfer}"

    for shop in shops.values():
        await shop.until(f"{phase} {milk}", partial(is_so, shop))


async def test_a_shipment_between_two_stores_from_approval_to_a_close_with_something_missing(
    shops: dict[StoreId, Shop],
) -> None:
    oak, high = shops[OAK], shops[HIGH]
    office = TransferOffice({name: shop.hq for name, shop in shops.items()}, lambda: time.time_ns() // 1000)
    draft = {
        "document": "TR-17", "from_area": "store", "to_store": HIGH, "to_area": "store", "author": "A", "note": "more",
        "lines": [{"item": "milk", "qty_milli": 5000}, {"item": "tea", "qty_milli": 2000}],
    }  # fmt: skip
    await oak.hub.post("transfers", draft)

    async def asked() -> str | None:
        return None if office.drafts() else "head office has no draft"

    await oak.until("the draft at head office", asked)
    (drafted,) = office.drafts()
    await office.approve_draft(drafted)
    await until_state(shops, office, "approved", planned=5000, shipped=0)
    card = (await oak.hub.ask(Transfer, "transfers/TR-17")).card
    assert card is not None
    assert card == (await high.hub.ask(Transfer, "transfers/TR-17")).card

    await scan(oak.stations["dock"], [card, "SW1:QTY:5", MILK, "SW1:QTY:2", TEA, "SW1:END"])
    await until_state(shops, office, "shipped", shipped=5000, received=0, transit=5000)
    await oak.until_stock({"milk": -5000, "tea": -2000})

    # The first part comes by the shipment's card, the second by that of deliveries, under the same document.
    await scan(high.stations["dock"], [card, "SW1:QTY:3", MILK, "SW1:QTY:2", TEA])
    await until_state(shops, office, "receiving", shipped=5000, received=3000, transit=2000)
    await high.stations["dock"].process.kill()
    await high.start(high.stations["dock"].process)
    await high.until("the dock to take scans", high.stations["dock"].up)
    await scan(high.stations["dock"], ["SW1:MODE:RECEIVE:TR-17", MILK])
    await until_state(shops, office, "receiving", received=4000, transit=1000)

    await office.close("TR-17")
    await until_state(shops, office, "closed", shipped=5000, received=4000, settled=1000, transit=0)
    await oak.until_stock({"milk": -5000, "tea": -2000})
    await high.until_stock({"milk": 4000, "tea": 2000})
    moved = [*oak.hq.transfers.moved("TR-17"), *high.hq.transfers.moved("TR-17")]
    for item in ("milk", "tea"):
        assert sum(m.shipped_milli - m.received_milli - m.settled_milli for m in moved if m.item == item) == 0
    for shop in shops.values():
        assert await shop.hub.quarantine() == []
        assert "closed" in (await shop.hub.page("/transfers/TR-17")).text
