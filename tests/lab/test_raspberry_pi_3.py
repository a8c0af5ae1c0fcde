"""The whole image of a Raspberry Pi 3 on QEMU's Raspberry Pi 3: it starts, enrols, and a scan reaches the books.

Of the board there are the processors, the interrupts, the SD controller, the pins, the watchdog and the USB controller;
its firmware is played (`firmware.py`), and what it has on a wire of its own (network, radio) hangs on USB here.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.lab.conftest import Record
from tests.lab.machine import RASPBERRY_3
from tests.lab.outside import MILK, shop
from tests.lab.plugged import WEDGE_PATH, boot_file, wedge_table
from tests.lab.station import Station, devices_ok, enrolled, ready

pytestmark = pytest.mark.lab

WEDGE = ("-device", "usb-kbd,id=wedge,serial=WEDGE001")
WITHOUT = "systemd.watchdog_sec=0 modprobe.blacklist=vchiq"
"""QEMU's watchdog of that board bites as soon as it is armed (hw/misc/bcm2835_powermgt.c knows no time), and nobody
answers there for the VideoCore, which the kernel's module for it does not survive."""
BOOT_S = 1800.0
"""Four processors, taken in turns by one of the host's."""


async def test_from_power_to_the_books_on_a_raspberry_pi_3(image_pi3: Path, record: Record, tmp_path: Path) -> None:
    station = Station(image_pi3, tmp_path / "station", RASPBERRY_3)
    async with shop(tmp_path / "shop") as outside:
        told = await outside.invite("till-1")
        station.lay("shelfwire.toml", boot_file(told["digits"], wedge_table()))
        async with station.on(extra=WEDGE, words=WITHOUT) as machine:
            record("boot to ready to scan, raspi3b (first boot)", f"{await ready(machine, BOOT_S):.1f} s")
            identity = await enrolled(machine)
            await devices_ok(machine, "wedge")
            assert (await machine.guest.run("test", "-e", WEDGE_PATH)).code == 0
            began = time.monotonic()
            await machine.type(MILK)
            await outside.booked(identity, 1)
            record("keyboard scanner to the books, raspi3b", f"1 of 1, {time.monotonic() - began:.0f} s")
            chips = await machine.guest.tell("gpiodetect")
            watchdog = await machine.guest.tell("cat", "/sys/class/watchdog/watchdog0/identity")
            assert "pinctrl-bcm2835" in chips
            record("its pins and watchdog, raspi3b", f"{chips.splitlines()[0].strip()}; {watchdog.strip()}")
            failed = await machine.guest.tell("systemctl", "list-units", "--failed", "--plain", "--no-legend")
            record("units that failed, raspi3b", failed.strip() or "none")
            assert not failed.strip()
