"""Updates under a real kernel: a good one is kept, a sick or dead one undoes itself, and a power cut harms none.

slot a, committed | install, `slots try` | slot b on trial | healthy: committed | sick, dead: slot a again, and why
"""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from image.layout import TWO_SLOTS
from tests.lab.bundles import SICK, Workshop, let_take, size_of, spoil
from tests.lab.conftest import Record
from tests.lab.crashed import checked, touched
from tests.lab.disk import copied, copied_without, partitions, taken_out
from tests.lab.firmware import Firmware, boot_partition
from tests.lab.machine import BOOT_S, Machine
from tests.lab.station import CARD_BYTES, CONFIG, Station, ready, slots
from tests.lab.write_log import Replay, entries_logged, flushed_before, left_of

pytestmark = pytest.mark.lab

TIMES = int(os.environ.get("SHELFWIRE_LAB_TIMES", "5"))
"""How often each update that is not to be kept is tried."""
CUTS = 20
STATES = 20
"""What a cut may leave of what was not flushed, drawn so often for each."""
BOOTED = 4
INSTALL_S = 600.0
SETTLE_S = 600.0
HEALTH_S = 45
LAID_DOWN = "/data/lab.raucb"
_UNTIL_CLOSED = "until grep -q ' /boot/config [^ ]* ro' /proc/mounts; do sleep 1; done"
DATA = TWO_SLOTS.partition("data").number
SLOT_A = {TWO_SLOTS.boot("a").number, TWO_SLOTS.root("a").number}
SLOT_B = {TWO_SLOTS.boot("b").number, TWO_SLOTS.root("b").number}


async def test_a_good_update_is_kept(station: Station, workshop: Workshop, record: Record) -> None:
    bundle = workshop.bundle("9001")
    await _installed_and_tried(station, workshop, bundle)
    async with station.on() as machine:
        told = await _settled(machine)
    assert station.boots[-1] == TWO_SLOTS.boot("b").number
    assert (told["booted"], told["primary"], told["standing"]) == ("b", "b", "committed"), told
    async with station.on() as machine:
        await ready(machine)
        assert (await slots(machine))["booted"] == "b"
    record("good update", "1 of 1 kept, and started again after the power went")


async def test_a_sick_update_undoes_itself(station: Station, workshop: Workshop, record: Record) -> None:
    bundle = workshop.bundle("9002", SICK)
    await _falls_back(station, workshop, bundle, "unhealthy", record, "update whose agent does not start")


async def test_a_dead_update_undoes_itself(station: Station, workshop: Workshop, record: Record) -> None:
    bundle = workshop.bundle("9003")  # its kernel panics, and the machine starts again
    await _falls_back(station, workshop, bundle, "silent", record, "update whose root is gone", is_spoilt=True)


async def test_power_cuts_while_it_installs(
    station: Station, workshop: Workshop, record: Record, tmp_path: Path
) -> None:
    bundle = workshop.bundle("9004")
    async with station.on(extra=_carried(bundle)) as machine:
        await ready(machine)
    before = copied(station.card, tmp_path / "before.img")
    log = tmp_path / "writes"
    async with station.on(extra=_carried(bundle), write_log=log) as machine:
        await _carry_in(machine, workshop, bundle)
        begun = entries_logged(log)
        await machine.guest.tell("rauc", "install", LAID_DOWN, timeout_s=INSTALL_S)
        ended = entries_logged(log)
        await machine.cut()
    replay, dice = Replay(log, copied(before, tmp_path / "forward.img", CARD_BYTES)), random.Random(3)
    autoboot = Firmware(before, tmp_path).read(CONFIG, "autoboot.txt")
    assert not touched(before, replay) & SLOT_A, "the slot that works was written to"
    sound = 0
    for number in range(1, CUTS + 1):
        cut = begun + (ended - begun) * number // CUTS
        replay.forward(flushed_before(replay.writes, cut))
        left = list(left_of(replay.writes, cut, dice))
        card = copied_without(tmp_path / "forward.img", SLOT_A | SLOT_B, tmp_path / "cut.img")
        replay.lay(card, left)
        assert Firmware(card, tmp_path).read(CONFIG, "autoboot.txt") == autoboot
        assert checked(taken_out(card, DATA, tmp_path / "data.ext4")) <= 1
        sound += 1
        if number % (CUTS // BOOTED) == 0:
            copied(tmp_path / "forward.img", station.card)
            replay.lay(station.card, left)
            async with station.on() as machine:
                await ready(machine)
                assert (await slots(machine))["booted"] == "a"
    record(
        "power cut while an update installs",
        f"{sound} of {CUTS}, in the {ended - begun} writes of the installation: the firmware takes slot a, untouched, "
        f"and the data mends itself; {BOOTED} of them booted",
    )


async def test_power_cuts_while_it_commits(
    station: Station, workshop: Workshop, record: Record, tmp_path: Path
) -> None:
    """The card never says nothing: whichever writes a cut leaves, the firmware finds one slot or the other."""
    await _installed_and_tried(station, workshop, workshop.bundle("9005"))
    before = copied(station.card, tmp_path / "before.img")
    log = tmp_path / "writes"
    async with station.on(write_log=log) as machine:
        await _settled(machine)
        await machine.guest.tell(
            "/bin/sh", "-c", "until grep -q ' /boot/config [^ ]* ro' /proc/mounts; do sleep 1; done"
        )
        await machine.cut()
    replay, dice = Replay(log, copied(before, tmp_path / "forward.img", CARD_BYTES)), random.Random(4)
    (part,) = (each for each in partitions(before) if each.number == CONFIG)
    moments = [
        number
        for number, write in enumerate(replay.writes, 1)
        if write.sectors and part.start <= write.sector < part.start + part.length
    ]
    assert moments, "nothing was written where the firmware looks"
    found = Counter[int]()
    for cut in sorted(
        {moment + after for moment in moments for after in range(2) if moment + after <= len(replay.writes)}
    ):
        replay.forward(flushed_before(replay.writes, cut))
        for _ in range(STATES):
            card = copied_without(tmp_path / "forward.img", SLOT_A | SLOT_B | {DATA}, tmp_path / "cut.img")
            replay.lay(card, list(left_of(replay.writes, cut, dice)))
            said = Firmware(card, tmp_path).read(CONFIG, "autoboot.txt")
            assert said is not None, f"no autoboot.txt after write {cut}"
            found[boot_partition(said.decode(), tryboot=False)] += 1
    assert set(found) == {TWO_SLOTS.boot("a").number, TWO_SLOTS.boot("b").number}, found
    record(
        "power cut while an update is committed",
        f"{found.total()} of {found.total()} name a slot: {found[TWO_SLOTS.boot('a').number]} the old, "
        f"{found[TWO_SLOTS.boot('b').number]} the new; {len(moments)} writes",
    )


def _carried(bundle: Path) -> list[str]:
    """Put a bundle into the machine as a disk to be read."""
    node = f"driver=raw,node-name=bundle,read-only=on,file.driver=file,file.filename={bundle}"
    return ["-blockdev", node, "-device", "virtio-blk-pci,drive=bundle,serial=BUNDLE"]


async def _install(machine: Machine, workshop: Workshop, bundle: Path) -> None:
    await _carry_in(machine, workshop, bundle)
    await machine.guest.tell("rauc", "install", LAID_DOWN, timeout_s=INSTALL_S)
    await machine.guest.tell("rm", LAID_DOWN)


async def _carry_in(machine: Machine, workshop: Workshop, bundle: Path) -> None:
    """Have all there that an installation needs."""
    await ready(machine)
    await let_take(machine, workshop.keyring, HEALTH_S)
    take = f"head -c {size_of(bundle)} /dev/disk/by-id/virtio-BUNDLE > {LAID_DOWN}"
    await machine.guest.tell("/bin/sh", "-c", take, timeout_s=INSTALL_S)


async def _installed_and_tried(station: Station, workshop: Workshop, bundle: Path) -> None:
    """Install it on a station that works, and have it restart to try it."""
    async with station.on(extra=_carried(bundle)) as machine:
        await _install(machine, workshop, bundle)
        await _try(machine)


async def _try(machine: Machine) -> None:
    machine.guest.start("shelfwire", "image", "slots", "try")
    assert await machine.ended(BOOT_S) == "guest-reset"


async def _falls_back(
    station: Station,
    workshop: Workshop,
    bundle: Path,
    why: str,
    record: Record,
    what: str,
    *,
    is_spoilt: bool = False,
) -> None:
    """Try an update that is not to be kept, `TIMES` over: each time it ends by itself, and slot a tells `why`."""
    await _installed_and_tried(station, workshop, bundle)
    for number in range(1, TIMES + 1):
        if is_spoilt:
            spoil(station.card, TWO_SLOTS.root("b").number)
        async with station.on() as machine:
            assert await machine.ended(SETTLE_S) == "guest-reset"
        assert station.boots[-1] == TWO_SLOTS.boot("b").number
        async with station.on(extra=_carried(bundle)) as machine:
            told = await _settled(machine)
            assert (told["booted"], told["primary"]) == ("a", "a"), told
            falls: list[dict[str, Any]] = told["record"]["falls"]
            assert (len(falls), falls[-1]["why"]) == (number, why), falls
            record(what, f"falls back {number} of {TIMES}, told why: {falls[-1]['detail'][:60]}")
            if number < TIMES:
                await _install(machine, workshop, bundle)
                await _try(machine)


async def _settled(machine: Machine) -> dict[str, Any]:
    """Wait until the health check has said what it says."""
    await ready(machine)
    return await slots(machine, until=lambda told: told["standing"] == "committed", timeout_s=SETTLE_S)
