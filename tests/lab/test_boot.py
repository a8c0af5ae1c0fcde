"""From power to *ready to scan*: how long, in how much memory, what fails, what is open, how units are locked in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from image.layout import TWO_SLOTS
from tests.lab.bundles import spoil
from tests.lab.conftest import Record
from tests.lab.lan import Neighbour
from tests.lab.machine import BY_CLOCK, Machine
from tests.lab.memory import MOST_MIB, used_memory
from tests.lab.station import AGENT, Station, ready

pytestmark = pytest.mark.lab

MOST_EXPOSED = 2.0
SETTLED_S = 600
DOCUMENTED_TCP: frozenset[int] = frozenset()
DOCUMENTED_UDP = frozenset({68, 546, 5353})
"""What docs/image-system.md lets in: answers of DHCP, and of mDNS."""
_LEVEL = re.compile(r"Overall exposure level for (?P<unit>\S+): (?P<level>[0-9.]+)")


async def test_from_power_to_ready(station: Station, record: Record, tmp_path: Path) -> None:
    async with Neighbour() as neighbour, station.on(network=neighbour.qemu) as machine:
        record("boot to ready to scan, virt (first boot of the card)", f"{await ready(machine):.1f} s{BY_CLOCK}")
        up_s, idle_s = (await machine.guest.tell("cat", "/proc/uptime")).split()
        record("of it the processor at work, and not waiting", f"{float(up_s) - float(idle_s):.1f} s of {up_s} s")
        state = (await machine.guest.run("systemctl", "is-system-running", "--wait", timeout_s=SETTLED_S)).out.strip()
        failed = await machine.guest.tell("systemctl", "list-units", "--failed", "--plain", "--no-legend")
        record("units that failed", failed.strip() or f"none, {state}")
        used = await used_memory(machine)
        record("memory of system and agent", str(used))
        chart = await machine.guest.run("systemd-analyze", "critical-chain", AGENT, "--no-pager", timeout_s=SETTLED_S)
        print(chart.out, await machine.guest.tell("systemd-analyze", "time"))
        plot = await machine.guest.run("systemd-analyze", "plot", timeout_s=SETTLED_S)
        (station.folder / "boot.svg").write_text(plot.out)
        levels = await _exposed(machine)
        worst = max(levels, key=lambda unit: levels[unit])
        record("systemd-analyze security, the worst of ours", f"{levels[worst]} ({worst}), of {len(levels)} units")
        listening = await machine.guest.tell("ss", "--no-header", "--udp", "--listening", "--numeric")
        ports = {int(line.split()[3].rpartition(":")[2]) for line in listening.splitlines()}
        await neighbour.scan(udp=sorted(ports | set(range(1, 1025))))
        record("ports open from outside", f"IPv4: {neighbour.v4}; IPv6: {neighbour.v6}; the rest silent")
        assert not failed.strip()
        assert used.mib <= MOST_MIB
        assert neighbour.v4.open_tcp | neighbour.v6.open_tcp <= DOCUMENTED_TCP
        assert neighbour.v4.open_udp | neighbour.v6.open_udp <= DOCUMENTED_UDP
        assert all(level <= MOST_EXPOSED for level in levels.values()), levels


async def test_the_second_boot(station: Station, record: Record) -> None:
    async with station.on() as machine:
        await ready(machine)
        machine.guest.start("systemctl", "reboot")
        assert await machine.ended() == "guest-reset"
    async with station.on() as machine:
        record("boot to ready to scan, virt", f"{await ready(machine):.1f} s{BY_CLOCK}")


async def test_a_card_whose_data_cannot_be_had_starts_again_by_itself(station: Station, record: Record) -> None:
    spoil(station.card, TWO_SLOTS.partition("data").number)
    async with station.on() as machine:
        assert await machine.ended() == "guest-reset", machine.console_text()[-1000:]
    record("a committed version that cannot mount its data", "starts again after its minute")


async def _exposed(machine: Machine) -> dict[str, float]:
    """Give the exposure of each service of ours."""
    listed = await machine.guest.tell("systemctl", "list-unit-files", "shelfwire-*.service", "--plain", "--no-legend")
    levels = {}
    for unit in (line.split()[0] for line in listed.splitlines()):
        told = await machine.guest.tell("systemd-analyze", "security", "--no-pager", unit, timeout_s=SETTLED_S)
        found = _LEVEL.search(told)
        assert found is not None, told[-300:]
        levels[unit] = float(found["level"])
    return levels
