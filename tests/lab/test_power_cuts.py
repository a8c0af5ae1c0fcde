"""Two hundred power cuts, made of one machine's log of writes: what was acknowledged is there, and the card is sound.

    the card before | boot, enrolment, scan by scan: each ACK is noted with how much had been written by then
                    |   ^ cut anywhere: all that was flushed, and any of the rest, is laid onto the card before

Of each such card: the file system is clean or mends itself, the station's log opens and holds every scan acknowledged
before the cut, the identity is who it was, the boot configuration and both slots are as they were. A few are booted.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge.enrol.record import decode_record
from image.layout import TWO_SLOTS
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.station_rig import entries, until
from tests.lab.conftest import Record
from tests.lab.crashed import checked, touched
from tests.lab.disk import copied, copied_without, taken_out
from tests.lab.firmware import Firmware
from tests.lab.outside import WATER, shop
from tests.lab.plugged import USB, adapter, boot_file, cable, scanner_table
from tests.lab.station import CARD_BYTES, CONFIG, Station, devices_ok, enrolled, ready
from tests.lab.write_log import Replay, entries_logged, flushed_before, left_of
from tests.power.stores.station_log import open_log

pytestmark = pytest.mark.lab

CUTS = 200
BOOTED = 2
SCANS = 60
SCAN_S = 120.0
SEED = 7
DATA = TWO_SLOTS.partition("data")
STATION = "/shelfwire/station"
SLOTS = {TWO_SLOTS.partition(name).number for name in ("boot-a", "boot-b", "root-a", "root-b")}


@dataclass(slots=True)
class Noted:
    """What was known when so many writes had been logged: who the station is, and how many scans had an ACK."""

    enrolled_at: int = 0
    identity: str = ""
    acks: list[int] = field(default_factory=list)

    def by(self, cut: int) -> int:
        return sum(1 for at in self.acks if at <= cut)


async def test_random_power_cuts(station: Station, image: Path, record: Record, tmp_path: Path) -> None:
    log, noted = tmp_path / "writes", Noted()
    async with shop(tmp_path / "shop") as outside, SimulatedScanner(tmp_path / "scanner", ack=True) as scanner:
        told = await outside.invite("till-1")
        station.lay("shelfwire.toml", boot_file(told["digits"], scanner_table("SCAN001")))
        before = copied(station.card, tmp_path / "before.img")
        plugged = [*USB, *cable("scanner", scanner.path), *adapter("scanner", "SCAN001")]
        async with station.on(extra=plugged, write_log=log) as machine:
            await ready(machine)
            noted.identity = await enrolled(machine)
            noted.enrolled_at = entries_logged(log)
            await devices_ok(machine, "scanner")
            for _ in range(SCANS):
                if await scanner.scan(WATER, timeout_s=SCAN_S) is True:
                    noted.acks.append(entries_logged(log))
            written = entries_logged(log)
            scanning = asyncio.create_task(scanner.scan(WATER, timeout_s=SCAN_S))
            await until(lambda: entries_logged(log) > written)
            await machine.cut()  # in mid-scan
            await asyncio.gather(scanning, return_exceptions=True)
        assert len(noted.acks) >= SCANS * 9 // 10, "the scanner was hardly heard"
        began = time.monotonic()
        faults, mended, cards = await _cut(before, log, noted, tmp_path)
        took_s = time.monotonic() - began
        record(
            "random power cuts",
            f"{CUTS - len(faults)} of {CUTS} sound ({mended} with something for fsck to mend, none needed a person); "
            f"{len(noted.acks)} scans acknowledged, {entries_logged(log)} writes and flushes; in {took_s:.0f} s",
        )
        assert faults == []
        for number, (card, acked) in enumerate(cards):
            shutil.move(card, station.card)
            async with station.on(extra=plugged) as machine:
                await ready(machine)
                assert await enrolled(machine) == noted.identity
                await devices_ok(machine, "scanner")
                assert await scanner.scan(WATER, timeout_s=SCAN_S) is True
                await outside.booked(noted.identity, acked + 1)
            record("of these booted", f"{number + 1} of {BOOTED}, enrolled as before and scanning")


async def _cut(before: Path, log: Path, noted: Noted, folder: Path) -> tuple[list[str], int, list[tuple[Path, int]]]:
    """Make the cards and look at each; give what was wrong, and how often fsck had to mend.

    Then the last cards, whole, each with the scans that were acknowledged before its cut.
    """
    dice = random.Random(SEED)
    replay = Replay(log, copied(before, folder / "forward.img", CARD_BYTES))
    early = sorted(dice.sample(range(1, noted.enrolled_at), CUTS // 4))
    late = sorted(dice.choices(range(noted.enrolled_at, len(replay.writes) + 1), k=CUTS - len(early)))
    autoboot = Firmware(before, folder).read(CONFIG, "autoboot.txt")
    faults, mended, cards = list[str](), 0, list[tuple[Path, int]]()
    for number, cut in enumerate([*early, *late]):
        replay.forward(flushed_before(replay.writes, cut))
        left = list(left_of(replay.writes, cut, dice))
        card = copied_without(folder / "forward.img", SLOTS, folder / "cut.img")
        replay.lay(card, left)
        wrong, code = await asyncio.to_thread(_wrong_with, card, folder / f"cut-{number}")
        if not wrong:
            wrong = await _missing(folder / f"cut-{number}", cut, noted)
        mended += code == 1
        if Firmware(card, folder).read(CONFIG, "autoboot.txt") != autoboot:
            wrong.append("autoboot.txt is another")
        faults += [f"cut {number} after {cut} entries: {each}" for each in wrong]
        if not wrong:
            shutil.rmtree(folder / f"cut-{number}")
        if number >= CUTS - BOOTED:
            whole = copied(folder / "forward.img", folder / f"boot-{number}.img")
            replay.lay(whole, left)
            cards.append((whole, noted.by(cut)))
    faults += [f"slot {number} was written to" for number in sorted(touched(before, replay) & SLOTS)]
    return faults, mended, cards


def _wrong_with(card: Path, folder: Path) -> tuple[list[str], int]:
    """Look at the data partition, as a starting machine does: what is wrong, and what fsck said (0: clean, 1: mended).

    What the station keeps is laid into `folder`.
    """
    folder.mkdir()
    data = taken_out(card, DATA.number, folder / "data.ext4")
    code = checked(data)
    wrong = [] if code <= 1 else [f"e2fsck says {code}"]
    subprocess.run(["debugfs", "-R", f"rdump {STATION} {folder}", str(data)], capture_output=True, check=True)
    data.unlink()
    return wrong, code


async def _missing(folder: Path, cut: int, noted: Noted) -> list[str]:
    """Open the log as the agent does, and the identity: what is not as it was acknowledged."""
    wrong, expected = list[str](), noted.by(cut)
    stock, asides, identity = (folder / each for each in ("station/stock.db", "asides", "station/identity/record.json"))
    if await asyncio.to_thread(stock.exists):
        async with open_log(stock, asides=asides) as opened:
            scans = sum(1 for each in await entries(opened) if getattr(each, "code", None) == WATER)
        if scans < expected:
            wrong.append(f"{scans} scans of {expected} acknowledged")
        if await asyncio.to_thread(asides.exists):
            wrong.append("the log was taken for damaged")
    elif expected:
        wrong.append(f"no log, and {expected} scans acknowledged")
    if cut >= noted.enrolled_at:
        kept = decode_record(await asyncio.to_thread(identity.read_bytes))
        if kept is None or kept.held is None or kept.held.identity != noted.identity:
            wrong.append(f"the identity is {kept}")
    return wrong
