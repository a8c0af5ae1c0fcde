"""The station's own screen: its page is on it and an invitation can be typed there; without one there is no browser."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.conftest import Record
from tests.lab.machine import BOOT_S, Machine
from tests.lab.outside import shop
from tests.lab.picture import Picture, read_ppm
from tests.lab.plugged import USB
from tests.lab.station import Station, enrolled, ready, shown

pytestmark = pytest.mark.lab

KIOSK = "shelfwire-kiosk.service"
SCREEN = ("-device", "virtio-gpu-pci,romfile=")
KEYBOARD = ("-device", "usb-kbd,bus=usb.0,id=keyboard")
"""A plain one, that no device of the station is."""
PAGE_ROWS = 250
"""The page for an invitation fills most of a screen: title, four rows, a pad of digits."""
AT_ONCE = 5
"""Keys: a browser that computes its pixels on an emulated processor reads them late, and the kernel keeps a dozen."""
SHADES = 30
"""Letters with smoothed edges; a kernel's console has a handful of colours."""


async def test_an_invitation_typed_at_the_stations_own_screen_enrols_it(
    station: Station, record: Record, tmp_path: Path
) -> None:
    async with (
        shop(tmp_path / "shop") as outside,
        station.on(extra=[*SCREEN, *USB, *KEYBOARD]) as machine,
    ):
        told = await outside.invite("till-1")
        await ready(machine)
        empty = await _settled(machine, tmp_path / "asks.ppm", lambda page: page.written_rows() > PAGE_ROWS)
        colour, part = empty.background()
        assert part > 0.5, "a page is one colour nearly all over"
        assert len(empty.colours()) > SHADES, "no letters"
        digits = "".join(filter(str.isdigit, told["digits"]))
        page = empty
        for start in range(0, len(digits), AT_ONCE):
            await machine.type(digits[start : start + AT_ONCE], enter=False)
            page = await _settled(machine, tmp_path / "typed.ppm", page.__ne__)
        await machine.type("")
        await enrolled(machine)
        await _settled(
            machine,
            tmp_path / "enrolled.ppm",
            lambda page: page.background()[0] == colour and page.changed_rows(empty) > PAGE_ROWS,
        )
        memory = await shown(machine, KIOSK, "MemoryCurrent", "MemoryPeak", "NRestarts")
        assert memory["NRestarts"] == "0", memory
        used, most = (int(memory[each]) >> 20 for each in ("MemoryCurrent", "MemoryPeak"))
        record(
            "the station's page on its screen (virtio-gpu)", f"{empty.width} x {empty.height}, typed at and enrolled"
        )
        record("memory of the browser, where there is a screen", f"{used} MiB, at most {most}")
        await _comes_again(machine)


async def test_a_station_without_a_screen_runs_no_browser(station: Station, record: Record) -> None:
    async with station.on() as machine:
        await ready(machine)
        await machine.guest.run("systemctl", "is-system-running", "--wait", timeout_s=BOOT_S)
        told = await shown(machine, KIOSK, "ActiveState", "Result", "MainPID", "NRestarts")
        assert told == {"ActiveState": "inactive", "Result": "exec-condition", "MainPID": "0", "NRestarts": "0"}
        browsers = await machine.guest.run("pgrep", "-c", "cog|WPE")
        record("browsers on a station without a screen", browsers.out.strip())
        assert browsers.out.strip() == "0"


async def _comes_again(machine: Machine) -> None:
    """Kill the browser as the kernel does when memory is short: the agent goes on, and the browser comes again."""
    agent = await shown(machine, "shelfwire-agent.service", "MainPID")
    await machine.guest.tell("systemctl", "kill", "--signal=KILL", KIOSK)
    give_up_s = time.monotonic() + BOOT_S
    while True:
        told = await shown(machine, KIOSK, "ActiveState", "NRestarts")
        if told["ActiveState"] == "active" and told["NRestarts"] == "1":
            break
        assert time.monotonic() < give_up_s, told
        await machine.guest.run("sleep", "2")
    assert await shown(machine, "shelfwire-agent.service", "MainPID") == agent


async def _settled(machine: Machine, path: Path, holds: Callable[[Picture], bool]) -> Picture:
    """Take pictures of the screen until one is as it should be and the next is the same."""
    give_up_s = time.monotonic() + BOOT_S
    before: Picture | None = None
    while True:
        await machine.qmp.execute("screendump", filename=str(path))
        now = read_ppm(await asyncio.to_thread(path.read_bytes))
        if now == before and holds(now):
            return now
        before = now
        assert time.monotonic() < give_up_s, f"not what was to be seen: {path}"
        await asyncio.sleep(5)
