"""Lights and a button on the pins of a simulated chip (the kernel's gpio-sim)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import Record
from tests.lab.outside import MILK, shop
from tests.lab.plugged import boot_file
from tests.lab.station import (
    AGENT,
    EVENTS,
    Station,
    asked,
    devices_ok,
    enrolled,
    eventually,
    heard,
    ready,
    until_prints,
)

pytestmark = pytest.mark.lab

GREEN, READY_PIN, BUTTON = 3, 5, 7
LIGHT_S = 60.0
CHIP = "/dev/lab-pins"
"""A link that the lab makes: which number the chip gets is the kernel's business."""
_MAKE = f"""\
modprobe gpio-sim
mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
mkdir -p /sys/kernel/config/gpio-sim/lab/bank
echo 16 > /sys/kernel/config/gpio-sim/lab/bank/num_lines
echo 1 > /sys/kernel/config/gpio-sim/lab/live
name=$(cat /sys/kernel/config/gpio-sim/lab/bank/chip_name)
ln -sf /dev/$name {CHIP}
ls -d /sys/devices/platform/gpio-sim.*/$name
"""
_TABLES = f"""\
[lights]
backend = "gpiod"
chip = "{CHIP}"
green_pin = {GREEN}
ready_pin = {READY_PIN}
[devices.bag]
driver = "gpio-button"
backend = "gpiod"
chip = "{CHIP}"
pin = {BUTTON}
sends = "{MILK}"
"""


async def test_lights_shine_and_a_button_sells(station: Station, record: Record, tmp_path: Path) -> None:
    async with shop(tmp_path / "shop") as outside:
        told = await outside.invite("till-1")
        station.lay("shelfwire.toml", boot_file(told["digits"], _TABLES))
        async with station.on() as machine:
            await machine.up()
            pins = (await machine.guest.tell("/bin/sh", "-c", _MAKE)).strip().splitlines()[-1]
            await machine.guest.run("systemctl", "restart", "--no-block", AGENT)
            await ready(machine)
            identity = await enrolled(machine)
            await devices_ok(machine, "bag")
            await until_prints(machine, f"cat {pins}/sim_gpio{READY_PIN}/value", "1")
            watch = f"while ! grep -q 1 {pins}/sim_gpio{GREEN}/value; do :; done; echo green"
            lit, _ = await asyncio.gather(
                machine.guest.run("/bin/sh", "-c", watch, timeout_s=LIGHT_S),
                asked(machine, "/v1/scan", {"code": MILK}),
            )
            assert "green" in lit.out
            await outside.booked(identity, 1)
            button = f"{pins}/sim_gpio{BUTTON}/pull"
            press = f"echo pull-down > {button}; sleep 1; echo pull-up > {button}"
            # Since the enrolment the hand-over check waits for one.
            await machine.guest.tell("/bin/sh", "-c", press)
            await eventually(machine, "/enrol/check/standing", lambda told: _passed(told) == ["bag"])
            async with machine.guest.following("/usr/bin/python3", "-u", "-c", EVENTS) as events:
                await heard(events, "^listening$")
                await machine.guest.tell("/bin/sh", "-c", press)
                await heard(events, '"did":"sale".*"device":"bag"')
            await outside.booked(identity, 2)
            seen = "ready shines, green for a scan; a press passed the hand-over check, the next one sold"
            record("lights and button (gpio-sim, libgpiod)", seen)


def _passed(check: Any) -> list[str]:
    return [step["device"] for step in check["steps"] if step["kind"] == "button" and step["result"] == "passed"]
