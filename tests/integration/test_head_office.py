"""Head office states a store's stock over its broker: compared where it was said, answered, and told back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from hub.web.head_office_models import Conflict, Conflicts, OwnedFields, Statements
from protocol.documents import FieldLine, FieldsSet
from protocol.feed_documents import Standing
from protocol.hq_decisions import OwnField
from tests.integration.store.shop import Shop
from tests.integration.store.station_process import StationProcess

pytestmark = pytest.mark.needs_mosquitto

MILK, TEA = "4006381333931", "4012345678901"
WHO = {"author": "Ada", "note": "looked myself"}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with Shop(tmp_path, {"till": "sale"}) as shop:
        await shop.open()
        yield shop


async def scan(station: StationProcess, codes: Sequence[str]) -> None:
    for code in codes:
        assert await station.scanner.scan(code) is True, code


async def until_compared(shop: Shop, document: str) -> int:
    """Wait until a statement was compared; count the figures that differed."""
    found: list[int] = []

    async def is_so() -> str | None:
        told = await shop.hub.ask(Statements, "hq/statements")
        found[:] = [row.differing for row in told.statements if row.document == document and row.compared_us]
        return None if found else f"{told}"

    await shop.until(f"{document} compared", is_so)
    return found[0]


async def until_told(shop: Shop, document: str, standing: Standing) -> None:
    """Wait until head office was told how the one conflict of a statement stands."""

    async def is_so() -> str | None:
        told = {each.document: each.standing for each in shop.hq.told.conflicts}
        return None if told.get(document) is standing else f"{told}"

    await shop.until(f"{document} {standing}", is_so)


async def until_hub(shop: Shop, what: str, asked: Callable[[Conflicts], bool]) -> Conflicts:
    last: list[Conflicts] = []

    async def is_so() -> str | None:
        last[:] = [await shop.hub.ask(Conflicts, "hq/conflicts")]
        return None if asked(last[0]) else f"{last[0]}"

    await shop.until(what, is_so)
    return last[0]


async def test_statements_conflicts_and_fields_between_a_hub_and_head_office(shop: Shop) -> None:
    till = shop.stations["till"]
    await scan(till, [MILK, MILK, TEA])
    await shop.until_stock({"milk": -2000, "tea": -1000})
    # What head office says of then is right, however much moves before it arrives.
    await shop.hq_broker.stop()
    await shop.hq.state_stock("ST-1")
    await scan(till, [MILK])
    await shop.start(shop.hq_broker)
    await shop.until_stock({"milk": -3000, "tea": -1000})
    assert await until_compared(shop, "ST-1") == 0
    assert (await shop.hub.ask(Conflicts, "hq/conflicts")).conflicts == []

    await shop.hq.state_stock("ST-2", {("milk", "store"): 5000})
    assert await until_compared(shop, "ST-2") == 1
    (found,) = (await until_hub(shop, "the conflict", lambda told: bool(told.conflicts))).conflicts
    assert (found.standing, found.difference_milli, found.ours_milli) == (Standing.OPEN, 5000, -3000)
    await until_told(shop, "ST-2", Standing.OPEN)
    await shop.hub.process.kill()
    await shop.start(shop.hub.process)
    await shop.until("the hub to answer", shop.hub.up)
    assert (await shop.hub.ask(Conflicts, "hq/conflicts")).conflicts == [found]

    await shop.hub.post("hq/answers", {**about(found), "answer": "accept-hq", **WHO})
    await shop.until_stock({"milk": 2000, "tea": -1000})
    await until_told(shop, "ST-2", Standing.ACCEPTED)
    await shop.hq.state_stock("ST-3")
    assert await until_compared(shop, "ST-3") == 0

    lines = (FieldLine("milk", "store", OwnField.MIN, 24_000),)
    await shop.hub.post("fields", {"item": "milk", "area": "store", "field": "min", "milli": 12_000, **WHO})
    await shop.hq.write_documents([FieldsSet(1, "PL-1", lines, "head office", "plan")])

    async def is_written() -> str | None:
        told = (await shop.hub.ask(OwnedFields, "fields?item=milk")).fields
        seen = [(each.now.milli, [old.milli for old in each.before]) for each in told]
        return None if seen == [(24_000, [12_000])] else f"{told}"

    await shop.until("head office's minimum", is_written)
    assert "No figure waits for an answer" in (await shop.hub.page("/head-office")).text
    assert await shop.hub.quarantine() == []
    assert shop.hq.figures.unreadable == 0


def about(found: Conflict) -> dict[str, str]:
    return {"document": found.document, "item": found.item, "area": found.area}
