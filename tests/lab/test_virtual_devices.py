"""Devices that the machine's own kernel makes of nothing: scanners and a scale over uinput and uhid, cards on a reader.

All are plugged in after the agent has started, as a shopkeeper does; and the agent is let at them only by what the
image's udev rules and the unit's list of devices say.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from shelfwire.demo.ports import free_ports
from shelfwire.simulators.card import Card
from tests.lab.conftest import Record
from tests.lab.outside import MILK, WATER, shop
from tests.lab.plugged import USB, boot_file
from tests.lab.station import EVENT_S, EVENTS, Station, asked, devices_ok, enrolled, heard, ready
from tests.lab.vscard import PassedCard

pytestmark = pytest.mark.lab

MADE_INSIDE = Path(__file__).with_name("made_inside.py")
PROGRAM, FIFO, RULES = "/run/lab-devices.py", "/run/lab-devices", "/run/udev/rules.d/99-lab.rules"
LINKS = """\
SUBSYSTEM=="input", KERNEL=="event*", ATTRS{name}=="Lab keyboard", SYMLINK+="lab/keyboard"
SUBSYSTEM=="hidraw", KERNELS=="0003:05E0:1900.*", SYMLINK+="lab/scanner"
SUBSYSTEM=="hidraw", KERNELS=="0003:0922:8003.*", SYMLINK+="lab/scale"
"""
"""Names for what hangs on no USB port, as a technician makes them for a device of that kind."""
TABLES = """\
[devices.wedge]
driver = "keyboard-wedge"
path = "/dev/lab/keyboard"
[devices.hidpos]
driver = "hidpos-scanner"
path = "/dev/lab/scanner"
[devices.scale]
driver = "scale-hid"
path = "/dev/lab/scale"
[devices.badges]
driver = "nfc-reader"
reader = "CCID"
"""
UID = bytes.fromhex("04A1B2C3D4E5F6")
WELL = b"\x90\x00"
ATR = bytes.fromhex("3B 0F 80 4F 0C A0 00 00 03 06 03 00 03 00 00 00 00")
"""As of an NTAG on a contactless reader, but for T=0 alone: QEMU's reader knows nothing else."""


async def test_hid_devices_and_cards(station: Station, record: Record, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    card = PassedCard(port)
    async with shop(tmp_path / "shop") as outside:
        told = await outside.invite("till-3")
        station.lay("shelfwire.toml", boot_file(told["digits"], TABLES))
        async with station.on(extra=[*USB, *card.qemu]) as machine:
            await ready(machine)
            identity = await enrolled(machine)
            run = machine.guest
            await run.tell("mkdir", "-p", str(Path(RULES).parent))
            await run.write(RULES, LINKS.encode())
            await run.tell("udevadm", "control", "--reload")
            await run.tell("modprobe", "-a", "uinput", "uhid")
            await run.write(PROGRAM, MADE_INSIDE.read_bytes())
            async with run.following("/usr/bin/python3", "-u", PROGRAM, FIFO) as said:
                async with asyncio.timeout(EVENT_S):
                    assert await said.get() == "made"
                await devices_ok(machine, "wedge", "hidpos", "scale")

                async def order(words: str) -> None:
                    await run.tell("/bin/sh", "-c", f"echo {words} > {FIFO}")

                await order(f"type {MILK}")
                await outside.booked(identity, 1)
                record("keyboard scanner (uinput) to the books", "1 of 1")
                await order(f"scan {WATER}")
                await outside.booked(identity, 2)
                record("HID-POS scanner (uhid) to the books", "1 of 1")
                async with run.following("/usr/bin/python3", "-u", "-c", EVENTS) as events:
                    await heard(events, "listening")
                    await order("put 730")
                    await heard(events, '"grams":730')
                    record("HID scale (uhid)", "730 g at rest, as it was put on")
                    # The hand-over check would take the first card for its own.
                    await asked(machine, "/enrol/check", {"do": "leave"})
                    async with card:
                        await devices_ok(machine, "badges")
                        await card.put(Card(ATR, UID + WELL))
                        await heard(events, f"(?i){UID.hex()}")
                        card.lift()
                    record("card on a PC/SC reader (USB CCID)", f"{UID.hex().upper()}, as the card said")
