"""Settings from the hub through real processes: taken when idle, gone back from when a device does not come up, and no
scan and no open sale lost by it."""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.configuring.kept import FILE, Kept
from edge.configuring.rules import MAX_BEGUN
from hub.web.station_settings_models import PositionSettings, StationRuns
from protocol.cards import EndCard, card_text
from protocol.state import SettingsState
from protocol.station_settings import as_toml
from shelfwire.cli import main
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.store.shop import CODES, Shop
from tests.integration.store.station_process import StationProcess

pytestmark = pytest.mark.needs_mosquitto

MILK, TEA, *_ = CODES
WHO = {"author": "Ada", "note": "why not"}
END = card_text(EndCard())
DEADLINE_S = 2.0


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with Shop(tmp_path, {"till-1": "sale"}) as shop:
        file = tmp_path / "till-1.toml"
        plain = file.read_text().replace('mode = "sale"\n', "")
        file.write_text(f"{plain}[limits]\nsettings_deadline_s = {DEADLINE_S}\n")
        await shop.open()
        yield shop


@pytest.fixture
async def second(tmp_path: Path) -> AsyncIterator[SimulatedScanner]:
    async with SimulatedScanner(tmp_path / "second.tty", ack=True, aim="]E0") as scanner:
        yield scanner


def scanner_at(port: object) -> dict[str, Any]:
    return {"driver": "serial-scanner", "port": str(port), "ack": "honeywell"}


async def give(shop: Shop, settings: dict[str, Any]) -> None:
    await shop.hub.post("station-settings/till-1", {"settings": settings, **WHO})


async def shelfwire(shop: Shop, *words: str) -> int:
    """Run `shelfwire provision ...` on the hub's machine; give its exit code."""
    return await asyncio.to_thread(main, ["provision", *words, "--config", str(shop.folder / "hub.toml")])


async def runs(shop: Shop) -> StationRuns:
    told = await shop.hub.ask(PositionSettings, "station-settings/till-1")
    return next(iter(told.stations))


async def until_told(shop: Shop, verdict: str, number: int) -> StationRuns:
    """Wait until the hub's word on the station is `verdict`, of version `number`."""

    async def told() -> str | None:
        said = await runs(shop)
        of = said.failed if verdict == "failed" else said.applied if verdict == "current" else said.held
        return None if said.verdict == verdict and of.startswith(f"{number}/") else f"{said}"

    await shop.until(f"version {number} to be {verdict}", told)
    return await runs(shop)


async def settings_of(station: StationProcess) -> SettingsState:
    settings = (await station.health()).settings
    assert settings is not None
    return settings


async def test_a_version_waits_for_the_end_of_a_sale_and_brings_a_scanner_with_it(
    shop: Shop, second: SimulatedScanner, capsys: pytest.CaptureFixture[str]
) -> None:
    till = shop.stations["till-1"]
    assert await till.scanner.scan(MILK) is True
    devices = {"second": scanner_at(second.path), "scanner": scanner_at("/dev/other")}
    file = shop.folder / "till-1.given.toml"
    file.write_text(as_toml({"mode": "receive", "devices": devices}))
    assert await shelfwire(shop, "configure", "till-1", str(file), "--author", "Ada", "--note", "a new one") == 0
    await until_told(shop, "waiting", 1)
    assert await till.scanner.scan(MILK) is True
    assert await till.scanner.scan(END) is True
    said = await until_told(shop, "current", 1)
    assert said.failed == ""
    # What is set at the station wins there, and is seen at the hub.
    (drift,) = said.drift
    assert (drift.what, drift.hub) == ("devices.scanner.port", '"/dev/other"')
    assert drift.local == f'"{till.scanner.path}"'
    assert await second.scan(TEA) is True
    assert await till.scanner.scan(TEA) is True
    await shop.until_stock({"milk": -2000, "tea": 2000})
    assert await shelfwire(shop, "settings", "till-1", "--toml") == 0
    assert tomllib.loads(capsys.readouterr().out.partition("way\n")[2]) == {"mode": "receive", "devices": devices}
    assert await shelfwire(shop, "settings") == 0
    assert "devices.scanner.port is" in capsys.readouterr().out
    assert await shelfwire(shop, "settings", "till-1", "--json") == 0
    assert json.loads(capsys.readouterr().out)["stations"][0]["verdict"] == "current"
    await till.process.kill()
    await shop.start(till.process)
    await shop.until_up()
    assert (await settings_of(till)).applied == said.applied
    assert await second.scan(TEA) is True
    await shop.until_stock({"milk": -2000, "tea": 3000})


async def test_what_does_not_come_up_or_does_not_fit_leaves_the_station_as_it_was(
    shop: Shop, second: SimulatedScanner, tmp_path: Path
) -> None:
    till = shop.stations["till-1"]
    gone = {"mode": "receive", "devices": {"second": scanner_at(tmp_path / "nowhere")}}
    for number, (settings, why) in enumerate(
        (
            (gone, "second: absent"),
            ({"mode": "receive", "devices": {"second": {"driver": "no-such"}}}, "no driver 'no-such'"),
            ({"mode": "receive", "devices": {"second": {**scanner_at(second.path), "baud": "fast"}}}, "baud"),
            ({"mode": "receive", "zones": {"shelf": {"antennas": ["nobody:1"]}}}, "nobody"),
        ),
        1,
    ):
        await give(shop, settings)
        said = await until_told(shop, "failed", number)
        assert why in said.reason
        assert (said.applied, said.doing) == ("", "")
        assert (await till.health()).status.mode == "sale"
        assert await till.scanner.scan(MILK) is True
        assert await till.scanner.scan(END) is True
    await shop.until_stock({"milk": -4000})
    page = (await shop.hub.page("/station-settings/till-1")).text
    assert "is not tried again" in page
    await give(shop, {"mode": "receive"})
    await until_told(shop, "current", 5)
    assert await till.scanner.scan(TEA) is True
    await shop.until_stock({"milk": -4000, "tea": 1000})


async def test_the_plug_is_pulled_while_versions_are_tried(shop: Shop, tmp_path: Path) -> None:
    """Of a good one it comes to run it; one that it goes down with every time it lets go."""
    till = shop.stations["till-1"]

    async def is_tried(begun: int) -> str | None:
        kept = msgspec.json.decode((till.data / FILE).read_bytes(), type=Kept)
        trial = kept.trial
        return None if trial is not None and trial.begun == begun else f"{kept}"

    async def pulled() -> None:
        await till.process.kill()
        await shop.start(till.process)
        await shop.until_up()

    (till.data / FILE).write_bytes(b"{}")
    await give(shop, {"mode": "receive"})
    await shop.until("the first to be tried", partial(is_tried, 1))
    await pulled()
    await until_told(shop, "current", 1)
    await give(shop, {"mode": "waste", "devices": {"second": scanner_at(tmp_path / "nowhere")}})
    for begun in range(1, MAX_BEGUN + 1):
        await shop.until(f"the second to be tried, time {begun}", partial(is_tried, begun))
        await pulled()
    said = await until_told(shop, "failed", 2)
    assert f"stopped {MAX_BEGUN} times" in said.reason
    assert said.applied.startswith("1/")
    assert (await till.health()).status.mode == "receive"
