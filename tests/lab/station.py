"""A station of the lab: a card with the image on it, and a machine that is switched on, restarts and is cut off.

The harness plays the firmware (`firmware.py`): it starts the machine with what the card's boot partition holds, and
does so again when the machine restarts. That the other slot is to be tried once, the kernel says on the console when it
goes down (`reboot: Restarting system with command '0 tryboot'`), where a Pi's kernel tells the firmware.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.lab.disk import copied
from tests.lab.firmware import Firmware
from tests.lab.machine import BOOT_S, VIRT, Hardware, Machine

CARD_BYTES = 4 << 30
"""As the smallest card that is sold; QEMU's SD controller wants a power of two."""
CONFIG = 1
"""The partition that a technician's card reader shows."""
AGENT = "shelfwire-agent.service"
READY = "ready"
"""How a device that works is told of."""
LOCAL_API = "http://127.0.0.1:8171"

_TRY = re.compile(r"reboot: Restarting system with command '[^']*\btryboot\b[^']*'\s*$")
_ASK = """\
import sys, urllib.error, urllib.request
body = sys.argv[2].encode() if len(sys.argv) > 2 else None
asked = urllib.request.Request(sys.argv[1], body, {"content-type": "application/json"})
try:
    print(urllib.request.urlopen(asked, timeout=30).read().decode())
except urllib.error.HTTPError as refused:
    print(refused.read().decode())
"""

EVENTS = """\
import urllib.request
with urllib.request.urlopen("http://127.0.0.1:8171/v1/events") as events:
    print("listening")
    for line in events:
        print(line.decode().strip())
"""
"""Run inside, prints what the station's local API tells as it happens."""
EVENT_S = 180.0


class Station:
    """One card; `on` starts a machine with it, as often as need be."""

    def __init__(self, image: Path, folder: Path, hardware: Hardware = VIRT) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.card = copied(image, folder / "card.img", CARD_BYTES)
        self.firmware = Firmware(self.card, folder, hardware.filters, hardware.tree)
        self.console = folder / "console"
        self._hardware = hardware
        self._tryboot = False
        self.boots: list[int] = []
        """The boot partition that each start took."""

    def lay(self, name: str, text: str) -> None:
        """Write a file for the station onto its card, as a technician does before it is put in."""
        self.firmware.write(CONFIG, name, text.encode())

    @asynccontextmanager
    async def on(
        self,
        *,
        extra: Sequence[str] = (),
        words: str = "",
        write_log: Path | None = None,
        network: Sequence[str] = ("-netdev", "user,id=shop"),
    ) -> AsyncIterator[Machine]:
        """Start it; raises `WillNotStart` where a board would stand still."""
        boot = self.firmware.boot(tryboot=self._tryboot)
        self._tryboot = False  # the firmware forgets it with the first start
        self.boots.append(boot.partition)
        machine = Machine(
            boot,
            self.card,
            hardware=self._hardware,
            extra=extra,
            words=words,
            write_log=write_log,
            console=self.console,
            network=network,
        )
        async with machine:
            try:
                yield machine
            finally:
                await machine.cut()
                self._tryboot = _TRY.search(machine.console_text()) is not None


async def ready(machine: Machine, timeout_s: float = BOOT_S) -> float:
    """Wait until the agent said that it takes scans; give the seconds from the kernel's start to that."""
    await machine.up(timeout_s)
    give_up_s = time.monotonic() + timeout_s
    while True:
        told = await shown(machine, AGENT, "ActiveState", "ActiveEnterTimestampMonotonic")
        if told["ActiveState"] == "active":
            return int(told["ActiveEnterTimestampMonotonic"]) / 1e6
        if time.monotonic() > give_up_s:
            log = await machine.guest.run("journalctl", "-b", "--no-pager", "-u", AGENT, "-n", "40")
            raise AssertionError(f"the agent is {told['ActiveState']}\n{log.out}")
        # One question costs an emulated processor a second.
        await machine.guest.run("sleep", "2")


async def shown(machine: Machine, unit: str, *names: str) -> dict[str, str]:
    """Give properties of a unit by name."""
    told = await machine.guest.tell("systemctl", "show", unit, *(f"-p{name}" for name in names))
    return dict(line.split("=", 1) for line in told.splitlines() if "=" in line)


async def asked(machine: Machine, path: str, body: object = None) -> Any:
    """Ask the station's local API from inside, and give its answer; a refusal's too."""
    words = [LOCAL_API + path, *([json.dumps(body)] if body is not None else [])]
    return json.loads(await machine.guest.python(_ASK, *words))


async def eventually(machine: Machine, path: str, holds: Any, timeout_s: float = BOOT_S) -> Any:
    """Ask the local API until the answer is as it should be. Raises `AssertionError` with the last one."""
    give_up_s = time.monotonic() + timeout_s
    last: object = None
    while time.monotonic() < give_up_s:
        ran = await machine.guest.run("/usr/bin/python3", "-c", _ASK, LOCAL_API + path)
        if ran.code == 0:
            last = json.loads(ran.out)
            if holds(last):
                return last
        else:
            last = ran.err[-300:]
        await machine.guest.run("sleep", "1")
    raise AssertionError(f"{path}: {last}")


async def enrolled(machine: Machine) -> str:
    """Wait until it is somebody and the hub hears it; give who."""
    told = await eventually(
        machine, "/v1/health", lambda told: told.get("hub", {}).get("connected") and _state(told) == "enrolled"
    )
    return str(told["station"])


async def devices_ok(machine: Machine, *names: str) -> None:
    """Wait until all those devices are at work."""
    await eventually(machine, "/v1/health", lambda told: all(status(told, name) == READY for name in names))


def status(health: Any, device: str) -> str:
    """Read how a device is from the answer about the station's health; "none" for one that it does not have."""
    return next((str(each["status"]) for each in health["status"]["devices"] if each["device"] == device), "none")


def _state(health: Any) -> str:
    return str((health.get("enrolment") or {}).get("state", ""))


async def slots(
    machine: Machine, until: Callable[[Any], bool] = lambda told: True, timeout_s: float = BOOT_S
) -> dict[str, Any]:
    """Ask how the slots stand, until the answer is as it should be. Raises `AssertionError` with the last one."""
    give_up_s = time.monotonic() + timeout_s
    while True:
        ran = await machine.guest.run("shelfwire", "image", "slots", "show", "--json")
        told: dict[str, Any] = json.loads(ran.out) if ran.code == 0 else {"trouble": ran.err}
        if ran.code == 0 and until(told):
            return told
        if time.monotonic() > give_up_s:
            raise AssertionError(f"the slots: {told}")
        await machine.guest.run("sleep", "2")


async def until_prints(machine: Machine, command: str, wanted: str, timeout_s: float = BOOT_S) -> None:
    """Run a line of shell until it prints what is wanted."""
    give_up_s = time.monotonic() + timeout_s
    while (said := (await machine.guest.run("/bin/sh", "-c", command)).out.strip()) != wanted:
        assert time.monotonic() < give_up_s, f"{command}: {said}"
        await machine.guest.run("sleep", "1")


async def heard(events: asyncio.Queue[str | None], what: str) -> str:
    """Wait for a line in which the pattern `what` is found, among those that `EVENTS` prints; give it."""
    others: list[str] = []
    try:
        async with asyncio.timeout(EVENT_S):
            while (line := await events.get()) is not None:
                if re.search(what, line):
                    return line
                others.append(line)
    except TimeoutError:
        pass  # what came instead is told below
    raise AssertionError("\n".join([f"no {what!r} among the events:", *others]))
