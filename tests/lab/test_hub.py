"""A hub's image: with the file of a technician it makes its authority and broker, serves, and invites a station."""

from __future__ import annotations

import json
import re
import secrets
import time
from pathlib import Path

import pytest

from tests.lab import ntp
from tests.lab.conftest import Record
from tests.lab.lan import Neighbour
from tests.lab.machine import BOOT_S, NETWORK, Machine
from tests.lab.station import Station, shown, until_prints

pytestmark = pytest.mark.lab

HUB = "shelfwire-hub.service"
EXAMPLE = Path(__file__).parents[2] / "image/root/hub/usr/share/shelfwire/hub.toml"
DOCUMENTED_TCP = frozenset({8443, 8883})
DOCUMENTED_UDP = frozenset({68, 123, 546, 5353})
"""What docs/image-system.md lets in at a hub whose page is its own."""
INVITE = (
    "shelfwire", "provision", "invite", "--hub", "http://127.0.0.1:8080", "--position", "till-1", "--place", "shop",
    "--author", "lab", "--note", "lab", "--json",
)  # fmt: skip


async def test_a_card_with_a_file_becomes_a_hub(image_hub: Path, record: Record, tmp_path: Path) -> None:
    hub = Station(image_hub, tmp_path / "hub")
    hub.lay("hub.toml", re.sub(r'(?m)^address = "[^"]*"', f'address = "{NETWORK}"', EXAMPLE.read_text()))
    async with Neighbour() as neighbour, hub.on(network=neighbour.qemu) as machine:
        await machine.up()
        await until_prints(machine, f"systemctl is-active {HUB}", "active")
        serving_us = int((await shown(machine, HUB, "ActiveEnterTimestampMonotonic"))["ActiveEnterTimestampMonotonic"])
        record("boot to serving, a hub's image (first boot)", f"{serving_us / 1e6:.1f} s")
        state = (await machine.guest.run("systemctl", "is-system-running", "--wait", timeout_s=BOOT_S)).out.strip()
        failed = await machine.guest.tell("systemctl", "list-units", "--failed", "--plain", "--no-legend")
        record("units that failed, a hub's image", failed.strip() or f"none, {state}")
        invited = json.loads(await machine.guest.tell(*INVITE))
        record("an invitation by a hub's image", f"{sum(map(str.isdigit, invited['digits']))} digits")
        await neighbour.scan(udp=sorted(DOCUMENTED_UDP | set(range(1, 1025))))
        seen = f"IPv4: {neighbour.v4}; IPv6: {neighbour.v6}; the rest silent"
        record("ports open from outside, a hub's image", seen)
        record("time from a hub's image that no time server was heard by", await _time(machine, neighbour))
        assert not failed.strip()
        assert neighbour.v4.open_tcp == DOCUMENTED_TCP
        assert neighbour.v6.open_tcp <= DOCUMENTED_TCP
        assert neighbour.v4.open_udp | neighbour.v6.open_udp <= DOCUMENTED_UDP


async def _time(machine: Machine, neighbour: Neighbour) -> str:
    """Ask from outside until the hub serves a time that a client may take, and hold it to the hub's own clock."""
    give_up_s = time.monotonic() + BOOT_S
    while True:
        mark = secrets.randbits(64)
        before_s = float(await machine.guest.tell("date", "+%s.%N"))
        told = ntp.read_answer(await neighbour.asked(ntp.PORT, ntp.question(mark), BOOT_S), mark)
        after_s = float(await machine.guest.tell("date", "+%s.%N"))
        if told.usable:
            break
        assert time.monotonic() < give_up_s, told
        await machine.guest.run("sleep", "5")
    assert before_s <= told.sent_s <= after_s
    return f"stratum {told.stratum}, its own clock's time"
