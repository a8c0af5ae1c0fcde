"""What hangs is started again: the agent by systemd, systemd and the kernel by a watchdog that counts without them.

The machine's watchdog is QEMU's i6300esb, whose driver the image has for this; on a board it is the board's own. Each
hang is a true one: the agent is stopped, systemd is frozen by the kernel, and the kernel stands still after a panic of
which it is told not to restart by itself, as it else would.
"""

from __future__ import annotations

import pytest

from tests.lab.conftest import Record
from tests.lab.machine import BOOT_S, Machine
from tests.lab.station import AGENT, Station, ready, shown, until_prints

pytestmark = pytest.mark.lab

WATCHDOG = ("-device", "i6300esb")
"""QEMU resets the machine when it runs out, and says so by an event of that name."""
SYSTEMD_S = 14
"""`RuntimeWatchdogSec` in image/root/common/usr/lib/systemd/system.conf.d."""
DEVICE = "/sys/class/watchdog/watchdog0"
SYSTEMD = "/sys/fs/cgroup/init.scope"
_ITS_CLOCK = ("/bin/sh", "-c", "while cut -d ' ' -f 1 /proc/uptime; do sleep 1; done")
_DEAD = "sysctl -q kernel.panic=0; echo c > /proc/sysrq-trigger"


async def test_what_hangs_is_started_again(station: Station, record: Record) -> None:
    async with station.on(extra=WATCHDOG) as machine:
        await ready(machine)
        record("an agent that hangs", await _agent_stopped(machine))
        record("the machine's watchdog", await _held(machine))
        systemd = await _systemd_frozen(machine)
    async with station.on(extra=WATCHDOG) as machine:
        await ready(machine)
        record("a machine whose systemd hangs", f"{systemd}, ready again")
        machine.guest.start("/bin/sh", "-c", _DEAD)
        assert await machine.ended() == "guest-reset", machine.console_text()[-1000:]
        assert "Kernel panic - not syncing" in machine.console_text()
        assert _bit(machine)
    async with station.on(extra=WATCHDOG) as machine:
        await ready(machine)
        record("a machine whose kernel hangs", "reset by the watchdog, ready again")


async def _agent_stopped(machine: Machine) -> str:
    """Stop the agent's process where it is, wait until another one is ready, and say what systemd did."""
    first = await shown(machine, AGENT, "MainPID", "NRestarts")
    machine.guest.start("kill", "-STOP", first["MainPID"])
    await until_prints(machine, f"systemctl show {AGENT} -pNRestarts --value", str(int(first["NRestarts"]) + 1))
    await ready(machine)
    assert (await shown(machine, AGENT, "MainPID"))["MainPID"] != first["MainPID"]
    told = await machine.guest.tell("journalctl", "-b", "--no-pager", "-o", "cat", "UNIT=" + AGENT)
    assert "Watchdog timeout" in told, told
    return "killed by its watchdog and started, ready again"


async def _held(machine: Machine) -> str:
    """Say who holds the machine's watchdog, and how long it waits."""
    said = await machine.guest.tell("cat", f"{DEVICE}/identity", f"{DEVICE}/state", f"{DEVICE}/timeout")
    identity, state, timeout_s = said.splitlines()
    assert (state, int(timeout_s)) == ("active", SYSTEMD_S)
    return f"{identity}, {state}, {timeout_s} s"


async def _systemd_frozen(machine: Machine) -> str:
    """Freeze systemd alone; the kernel and all the rest go on until the watchdog resets the machine."""
    await machine.guest.tell("/bin/sh", "-c", f"echo 1 > {SYSTEMD}/cgroup.freeze")
    await until_prints(machine, f"grep frozen {SYSTEMD}/cgroup.events", "frozen 1")
    ticks: list[float] = []
    async with machine.guest.following(*_ITS_CLOCK) as lines:
        while (line := await lines.get()) is not None:
            ticks.append(float(line))
            assert ticks[-1] - ticks[0] <= 2 * SYSTEMD_S, "the watchdog does not bite"
    assert await machine.ended(BOOT_S) == "guest-reset"
    assert _bit(machine)
    return f"reset by the watchdog after {ticks[-1] - ticks[0]:.0f} s"


def _bit(machine: Machine) -> bool:
    """Say whether it was the watchdog that reset the machine, and nobody else."""
    return any(event["event"] == "WATCHDOG" for event in machine.qmp.events)
