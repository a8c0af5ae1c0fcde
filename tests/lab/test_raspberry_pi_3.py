"""The whole image of a Raspberry Pi 3 on QEMU's Raspberry Pi 3: it starts, enrols, and a scan reaches the books.

Of the board there are the processors, the interrupts, the SD controller, the pins, the watchdog and the USB controller;
its firmware is played (`firmware.py`), and what it has on a wire of its own (network, radio) hangs on USB here.
"""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest

from tests.lab.conftest import Record
from tests.lab.machine import BY_CLOCK, RASPBERRY_3, Machine
from tests.lab.outside import MILK, shop
from tests.lab.plugged import boot_file, wedge_table
from tests.lab.station import Station

pytestmark = pytest.mark.lab

WEDGE = ("-device", "usb-kbd,id=wedge,serial=WEDGE001")
WORDS = "systemd.watchdog_sec=0 modprobe.blacklist=vchiq systemd.journald.forward_to_console=1 loglevel=7"
"""QEMU's watchdog of that board bites as soon as it is armed (hw/misc/bcm2835_powermgt.c knows no time), and nobody
answers there for the VideoCore, which the kernel's module for it does not survive. What the station logs is read from
the console, since no channel into this machine was got to work."""
READY_S = 1800.0
"""Four processors, taken in turns by one of the host's."""
_READY = re.compile(
    r'^\[ *(?P<s>[0-9.]+)\] .*"event":"ready","station":"(?P<station>[^"]+)".*"enrolled":true', re.MULTILINE
)
_WEDGE = re.compile(r'"event":"device","device":"wedge","status":"ready"')


async def test_from_power_to_the_books_on_a_raspberry_pi_3(image_pi3: Path, record: Record, tmp_path: Path) -> None:
    station = Station(image_pi3, tmp_path / "station", RASPBERRY_3)
    async with shop(tmp_path / "shop") as outside:
        told = await outside.invite("till-1")
        station.lay("shelfwire.toml", boot_file(told["digits"], wedge_table()))
        async with station.on(extra=WEDGE, words=WORDS) as machine:
            ready = await _says(machine, _READY)
            record("boot to enrolled and ready to scan, raspi3b (first boot)", f"{float(ready['s']):.1f} s{BY_CLOCK}")
            await _says(machine, _WEDGE)
            await machine.type(MILK)
            await outside.booked(ready["station"], 1)
            record("keyboard scanner to the books, raspi3b", "1 of 1")
            console = machine.console_text()
            assert "Failed to start" not in console
            # Loaded by udev; QEMU's firmware has no answer for it.
            assert "shelfwire_throttled raspberrypi-hwmon: the firmware does not say" in console
            record("units that failed, raspi3b", "none")


async def _says(machine: Machine, what: re.Pattern[str]) -> re.Match[str]:
    """Wait until the console says it."""
    give_up_s = time.monotonic() + READY_S
    while (said := what.search(machine.console_text().replace("\r", ""))) is None:
        assert time.monotonic() < give_up_s, machine.console_text()[-3000:]
        await asyncio.sleep(1)
    return said
