"""The drill: a hub's file is lost, put back from last night's backup and the archive, and every figure is as before."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub.web.lineage_models import Timeline
from hub.web.models import Backups
from hub.web.stock_models import Events, StockPage
from protocol.cards import EndCard, Mode, ModeCard, card_text
from tests.integration.commands import beside
from tests.integration.store.shop import CODES, Shop, goods
from tests.integration.store.station_process import StationProcess

pytestmark = pytest.mark.needs_mosquitto

MILK, TEA, COLA, BISCUITS, PASTA = CODES


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop whose hub is kept a second time on a medium of its own."""
    async with Shop(tmp_path, {"till-1": "sale", "bay": "receive"}) as shop:
        (tmp_path / "medium").mkdir()
        with (tmp_path / "hub.toml").open("a") as config:
            config.write('[backup]\nfolder = "medium"\narchive_every_s = 0.5\n')
        await shop.open()
        yield shop


async def test_a_lost_hub_comes_back_with_every_figure(shop: Shop, tmp_path: Path) -> None:
    till, bay = shop.stations["till-1"], shop.stations["bay"]
    await scan(bay, MILK, MILK, MILK, TEA, COLA, COLA)
    await scan(till, MILK, TEA)
    await adjust(shop, "pasta", 12_000, "night-1")
    await shop.until_stock({"milk": 2000, "cola": 2000, "pasta": 12_000})
    backup = await backed_up(shop)

    # After the backup: sales, a count that finds less, decisions, a new price. All of it reaches the archive.
    await scan(till, MILK, COLA, PASTA)
    # So that there is no doubt about which of the two stations was first.
    await shop.until_stock({"milk": 1000, "cola": 1000, "pasta": 11_000})
    await scan(bay, card_text(ModeCard(Mode.COUNT)), COLA, BISCUITS, BISCUITS, card_text(EndCard()))
    await adjust(shop, "tea", 6000, "day-1")
    await adjust(shop, "pasta", -500, "day-2")
    await shop.hq.write(goods(MILK, "milk", 145))
    await shop.until_same_catalogue()
    await shop.until_caught_up()
    await archived(shop)
    # Then the medium is pulled out, and what comes now is at the stations only.
    (tmp_path / "medium").rename(tmp_path / "pulled-out")
    await scan(till, BISCUITS, TEA)
    await scan(bay, card_text(ModeCard(Mode.COUNT)), MILK, MILK, MILK, card_text(EndCard()))
    await shop.until_caught_up()
    whole = {"milk": 3000, "tea": 5000, "cola": 1000, "biscuits": 1000, "pasta": 10_500}
    await shop.until_stock(whole)
    await shop.until("the hub to miss its medium", lambda: failing(shop))
    before = await figures(shop)
    assert any(entry.get("variance_milli") for entry in before["entries"].values())

    await shop.hub.process.kill()
    (tmp_path / "pulled-out").rename(tmp_path / "medium")
    for path in (tmp_path / "hub").glob("hub.db*"):
        path.unlink()
    told = json.loads(await hub_command(tmp_path, "restore", str(backup), "--json"))
    assert told["entries"] > 0
    assert told["gap"] == ""
    assert told["set_aside"] is None
    await shop.start(shop.hub.process)
    await shop.until_up()
    await shop.until_caught_up()
    await shop.until_stock(whole)
    await shop.until_same_catalogue()

    async def same() -> str | None:
        now = await figures(shop)
        return None if now == before else difference(before, now)

    await shop.until("every figure to be as before", same)
    # Feed and journal own up to what may have followed in the life that was lost, which nobody can know of.
    assert shop.hq.figures.losses == 2
    assert (await shop.hub.losses()).rows == []
    # A wish of before, sent again, is still the same wish; and work goes on.
    await adjust(shop, "tea", 6000, "day-1", repeated=True)
    await adjust(shop, "tea", 1000, "day-3")
    await scan(till, MILK)
    await shop.until_stock(whole | {"milk": 2000, "tea": 6000})
    assert await hub_command(tmp_path, "rebuild", "--compare") == "The books are what the logs say.\n"


async def figures(shop: Shop) -> dict[str, Any]:
    """All that the hub and HQ say of stock and decisions, but for times, which a station's new anchors may better."""
    stock = await shop.hub.ask(StockPage, "stock?limit=500")
    assert stock.next is None
    entries: dict[str, Any] = {}
    for item in {row.item for row in stock.rows}:
        timeline = await shop.hub.ask(Timeline, f"items/{item}/timeline?limit=500")
        for entry in timeline.entries:
            entries[entry.entry] = {k: v for k, v in entry.model_dump().items() if not k.endswith("_us")}
    events = await shop.hub.ask(Events, "events?limit=500")
    return {
        "stock": [{k: v for k, v in row.model_dump().items() if not k.endswith("_us")} for row in stock.rows],
        "entries": entries,
        "events": sorted(event.entry for event in events.events),
        "quarantine": [row.model_dump() for row in await shop.hub.quarantine()],
        "catalogue": await shop.hub.catalogue_hash(),
        "stations": {
            name: (row.movements, row.losses, row.quarantined) for name, row in (await shop.hub.stations()).items()
        },
        "HQ's books": {" ".join(key): milli for key, milli in shop.hq.stock().items()},
        "HQ's entries": shop.hq.figures.feed_entries,
        "HQ's journal": shop.hq.journal,
    }


def difference(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Say in which figures two moments differ."""
    return "\n".join(f"{name}: {before[name]}\nnow {now[name]}" for name in before if before[name] != now[name])


async def scan(station: StationProcess, *texts: str) -> None:
    """Scan one after the other, each accepted."""
    for text in texts:
        assert await station.scanner.scan(text) is True, f"{station.name} did not accept {text}"


async def adjust(shop: Shop, item: str, qty_milli: int, key: str, *, repeated: bool = False) -> None:
    """Decide over REST."""
    asked = {
        "item": item,
        "area": "store",
        "qty_milli": qty_milli,
        "reason": "adjustment",
        "author": "ann",
        "note": "drill",
    }
    answer = await rest(shop, "POST", "adjustments", asked, {"idempotency-key": key})
    assert answer.json()["repeated"] is repeated


async def backed_up(shop: Shop) -> Path:
    """Have a backup made, and give where it is."""
    now_us = time.time_ns() // 1000
    await rest(shop, "POST", "backups", {"author": "ann"}, {})

    async def made() -> str | None:
        status = await shop.hub.ask(Backups, "backups")
        return None if (status.good_us or 0) > now_us and not status.running else status.model_dump_json()

    await shop.until("a backup", made)
    status = await shop.hub.ask(Backups, "backups")
    return Path(status.folder) / status.good_file


async def archived(shop: Shop) -> None:
    """Wait until all that is committed now is on the medium."""
    now_us = time.time_ns() // 1000

    async def told() -> str | None:
        status = await shop.hub.ask(Backups, "backups")
        return None if (status.archived_us or 0) > now_us + 600_000 else status.model_dump_json()

    await shop.until("the archive", told)


async def failing(shop: Shop) -> str | None:
    status = await shop.hub.ask(Backups, "backups")
    return None if status.archive_failure else status.model_dump_json()


async def rest(shop: Shop, method: str, path: str, body: dict[str, object], headers: dict[str, str]) -> httpx.Response:
    """Send JSON to the hub."""
    answer = await shop.hub._web.request(method, f"/api/v1/{path}", json=body, headers=headers)
    answer.raise_for_status()
    return answer


async def hub_command(folder: Path, *arguments: str) -> str:
    """Run `shelfwire hub`; give what it prints. Fails unless it exits with 0."""
    done = await beside("hub", *arguments, "--config", folder / "hub.toml")
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout
