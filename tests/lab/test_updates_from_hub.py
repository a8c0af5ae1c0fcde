"""An update's whole way: offered at the hub, fetched by a station that sells, tried, kept or left, and told at the hub.

slot a sells | download, power cut | goes on, installed, restart | slot b: log and device well, committed, sells
               a sick one: downloaded, installed, restart | slot a on trial | slot b sells, the hub knows why
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from image.layout import TWO_SLOTS
from tests.integration.store.waiting import until
from tests.lab.bundles import SICK, Workshop, let_take
from tests.lab.conftest import Record
from tests.lab.machine import Machine
from tests.lab.outside import MILK, Outside, shop
from tests.lab.plugged import USB, WEDGE, boot_file, wedge_table
from tests.lab.station import Station, devices_ok, enrolled, ready, slots, until_prints

pytestmark = pytest.mark.lab

HEALTH_S = 240
"""As the product has it: a mark of the log comes within its first minute."""
TOLD_S = 600.0
FETCHED_S = 1800.0
UPDATED_S = 3600.0
PART_BYTES = 32 << 20
"""Of some 400 MB, so much is there when the power goes: eight pieces, so that beginning again would be seen."""
UPDATE = "shelfwire-update.service"
_PART = "stat -c %s /data/slots/*.part 2>/dev/null || echo 0"
PLUGGED = (*USB, *WEDGE)


async def test_an_update_is_fetched_from_the_hub_and_kept_and_a_sick_one_is_told_there(
    station: Station, workshop: Workshop, record: Record, tmp_path: Path
) -> None:
    async with shop(tmp_path / "shop") as outside:
        told = await outside.invite("till-1")
        station.lay("shelfwire.toml", boot_file(told["digits"], wedge_table()))
        async with station.on(extra=PLUGGED) as machine:
            identity = await _selling(machine, outside, 1)
            await let_take(machine, workshop.keyring, HEALTH_S)
            await outside.offer(workshop.bundle("9101"), workshop.keys / "keyring.pem")
            await machine.guest.tell("systemctl", "start", "--no-block", UPDATE)
            await until_prints(machine, f"[ $({_PART}) -ge {PART_BYTES} ] && echo there", "there", FETCHED_S)
        async with station.on(extra=PLUGGED) as machine:
            await _selling(machine, outside, 2)
            had = int(await machine.guest.tell("/bin/sh", "-c", _PART))
            assert had >= PART_BYTES, "what had come was lost with the power"
            await let_take(machine, workshop.keyring, HEALTH_S)
            grown = await _goes_on(machine, had)
            await _updates(machine)
        async with station.on(extra=PLUGGED) as machine:
            kept = await slots(machine, lambda each: each["standing"] == "committed", UPDATED_S)
            assert (kept["booted"], kept["primary"]) == ("b", "b"), kept
            assert station.boots[-1] == TWO_SLOTS.boot("b").number
            assert await _selling(machine, outside, 3) == identity
            seen = await _told(outside, identity, lambda each: (each["version"], _slot(each)) == ("9101", "b"))
            record(
                "update fetched from the hub",
                f"kept, {seen['version']} in slot b at the hub too; the power went at {had >> 20} MiB, "
                f"{grown >> 20} were seen next",
            )
            await outside.offer(workshop.bundle("9102", SICK), workshop.keys / "keyring.pem")
            await let_take(machine, workshop.keyring, HEALTH_S)
            await _updates(machine)
        async with station.on(extra=PLUGGED) as machine:
            assert await machine.ended(UPDATED_S) == "guest-reset"
        async with station.on(extra=PLUGGED) as machine:
            await _selling(machine, outside, 4)
            seen = await _told(outside, identity, lambda each: bool((each["machine"] or {}).get("update_failed")))
            assert (seen["version"], _slot(seen)) == ("9101", "b"), seen
            why = seen["machine"]["update_failed"]
            record("a sick update from the hub", f"falls back, and the hub says why: {why[:80]}")


async def _selling(machine: Machine, outside: Outside, sold: int) -> str:
    """Wait until it is who it is and its scanner sells; give who."""
    await ready(machine)
    identity = await enrolled(machine)
    await devices_ok(machine, "wedge")
    await machine.type(MILK)
    await outside.booked(identity, sold)
    return identity


async def _goes_on(machine: Machine, had: int) -> int:
    """Have it do a round, and watch what has come until that is more than it had, or less; give how much it is."""
    await machine.guest.tell("systemctl", "start", "--no-block", UPDATE)
    look = f"while s=$({_PART}); [ $s -eq {had} ]; do sleep 0.2; done; echo $s"
    grown = int(await machine.guest.tell("/bin/sh", "-c", look, timeout_s=FETCHED_S))
    assert grown > had, f"it had {had} bytes, and began again"
    return grown


async def _updates(machine: Machine) -> None:
    """Have it do a round, as its timer would, which ends with a restart."""
    machine.guest.start("systemctl", "start", UPDATE)
    assert await machine.ended(UPDATED_S) == "guest-reset"


def _slot(told: dict[str, Any]) -> str:
    """Read which slot a station says is committed; "" before it said anything."""
    return str((told["machine"] or {}).get("slot", ""))


async def _told(outside: Outside, station: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Wait until what the hub tells of a station is as it should be; give it."""
    seen: dict[str, Any] = {}

    async def is_so() -> str | None:
        seen.clear()
        seen.update(await outside.told_of(station))
        return None if seen and holds(seen) else str(seen)

    await until(f"the hub to know of {station}'s update", is_so, TOLD_S, outside.hub.process.tail)
    return seen
