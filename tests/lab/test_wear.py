"""What the whole machine writes to its card, told of a day: at rest, and for each scan.

The kernel counts sectors that were given to the card, whoever wrote them: the log, the file system's own journal, time,
the errors kept every five minutes. Whatever a new card's file system still lays out in its first minutes is waited for.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from shelfwire.simulators.scanner import SimulatedScanner
from tests.lab.conftest import Record
from tests.lab.machine import Machine
from tests.lab.outside import WATER, shop
from tests.lab.plugged import USB, adapter, boot_file, cable, scanner_table
from tests.lab.station import Station, devices_ok, enrolled, ready, until_prints

pytestmark = pytest.mark.lab

REST_S = 1_200
"""Four times the five minutes of what is done seldomest, but for the hourly hundred bytes of the clock's drift."""
SCANS = 60
SCAN_S = 120.0
KEPT_S = 40
"""After so long nothing waits any more that the file system writes by itself (`commit=30`)."""
DAY_S = 86_400
SECTOR_BYTES = 512
_LAYING_OUT = "cat /proc/[0-9]*/comm 2>/dev/null | grep -c ext4lazyinit"
_DISK = re.compile(r"^ *\d+ +\d+ (?:vd[a-z]|mmcblk\d+) (.*)$", re.MULTILINE)
_WRITTEN = 6
"""The seventh figure of a disk's line is the sectors written (Linux, Documentation/admin-guide/iostats.rst)."""


class Counted(NamedTuple):
    """What was written by when, by the machine's own clock."""

    up_s: float
    bytes: int


async def test_what_a_day_writes_to_the_card(station: Station, record: Record, tmp_path: Path) -> None:
    async with shop(tmp_path / "shop") as outside, SimulatedScanner(tmp_path / "scanner", ack=True) as scanner:
        told = await outside.invite("till-1")
        station.lay("shelfwire.toml", boot_file(told["digits"], scanner_table("SCAN001")))
        extra = [*USB, *cable("scanner", scanner.path), *adapter("scanner", "SCAN001")]
        async with station.on(extra=extra) as machine:
            await ready(machine)
            identity = await enrolled(machine)
            await devices_ok(machine, "scanner")
            await until_prints(machine, _LAYING_OUT, "0", timeout_s=REST_S)
            before = await counted(machine)
            rested = await counted_after(machine, REST_S)
            a_second = (rested.bytes - before.bytes) / (rested.up_s - before.up_s)
            minutes = round((rested.up_s - before.up_s) / 60)
            record(
                "written to the card, a day at rest",
                f"{a_second * DAY_S / 1e6:.0f} MB ({(rested.bytes - before.bytes) / 1e6:.2f} MB in {minutes} minutes)",
            )
            for _ in range(SCANS):
                assert await scanner.scan(WATER, timeout_s=SCAN_S) is True
            await outside.booked(identity, SCANS)
            kept = await counted_after(machine, KEPT_S)
            each = (kept.bytes - rested.bytes - a_second * (kept.up_s - rested.up_s)) / SCANS
            record("written to the card for a scan", f"{each / 1000:.0f} kB, of {SCANS} scans one after the other")


async def counted_after(machine: Machine, rest_s: int) -> Counted:
    """Ask after so long by its own clock, which may go more slowly than ours."""
    await machine.guest.tell("sleep", str(rest_s), timeout_s=10 * rest_s)
    return await counted(machine)


async def counted(machine: Machine) -> Counted:
    """Ask the machine what was written to its card."""
    uptime, disks = (await machine.guest.tell("cat", "/proc/uptime", "/proc/diskstats")).split("\n", 1)
    (figures,) = _DISK.findall(disks)
    return Counted(float(uptime.split()[0]), int(figures.split()[_WRITTEN]) * SECTOR_BYTES)
