"""A shop floor of RFID tags for killing: what is truly where at each moment, told to a tag desk over a real log.

python -m tests.unit.presence.world FOLDER START_S UNTIL_S

Tags come and go and change zones by a fixed timetable; the reader is off for a while now and then. From `QUIET_S` on
nothing changes. The process says what time it is after each step whose changes are durable, as "at SECONDS".
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

from edge.buffer.api import BLOCK_ENTRIES, READ_BYTES
from edge.buffer.sqlite_log import SqliteLog
from edge.clock import FakeClock
from edge.codecs.readings import AntennaState, TagRead
from edge.presence.rules import Antenna, Rules, Zone
from edge.runner.tag_desk import TagDesk
from protocol.events import TagChange, decode_station_entry
from protocol.identity import DeviceId

READER = DeviceId("reader")
TAGS = 40
STEP_S = 20
QUIET_S = 30_000
END_S = QUIET_S + 2_000
BEGUN_US = 1_750_000_000_000_000
ZONES = ("shelf", "stockroom")
RULES = Rules((Zone("shelf", (Antenna(READER, 1),)), Zone("stockroom", (Antenna(READER, 2),))))


def epc_of(tag: int) -> bytes:
    return bytes.fromhex("3034") + tag.to_bytes(10, "big")


def zone_at(tag: int, at_s: int) -> int | None:
    """Say in which zone (its number) a tag is; None if it is not in the shop."""
    at_s = min(at_s, QUIET_S)
    if (at_s + 137 * tag) // 2_500 % 3 == 2:
        return None
    return (at_s + 313 * tag) // 3_100 % 2


def is_reader_off(at_s: int) -> bool:
    """Say whether the reader is without power."""
    return at_s < QUIET_S and at_s % 9_000 > 7_500


def truth_at_the_end() -> dict[bytes, str]:
    """Say where each tag is when it is all over."""
    where = ((epc_of(tag), zone_at(tag, END_S)) for tag in range(TAGS))
    return {epc: ZONES[zone] for epc, zone in where if zone is not None}


def open_log(folder: Path) -> SqliteLog:
    """Make the stock log of the folder."""
    return SqliteLog(folder / "stock.db", clock=lambda: time.time_ns() // 1000, nonce=lambda: secrets.randbits(64))


async def changes_in(log: SqliteLog) -> list[TagChange]:
    """Read every change from the log."""
    found: list[TagChange] = []
    at = 1
    while lines := (await log.read(log.view.head.epoch, at, BLOCK_ENTRIES, READ_BYTES)).lines:
        at += len(lines)
        for line in lines:
            entry = decode_station_entry(line)
            assert isinstance(entry, TagChange)
            found.append(entry)
    return found


async def live(folder: Path, start_s: int, until_s: int) -> None:
    """Let the shop's time pass in steps, as fast as the disk allows."""
    async with open_log(folder) as log:
        print("open", flush=True)
        async for at_s in steps(log, start_s, until_s):
            print("at", at_s, flush=True)
    print("done", flush=True)


async def steps(log: SqliteLog, start_s: int, until_s: int) -> AsyncIterator[int]:
    """Let time pass for a tag desk that writes to `log`; give the time whenever all up to it is durable."""
    clock = FakeClock(boot=secrets.token_hex(6), up=start_s * 1_000_000, wall=BEGUN_US + start_s * 1_000_000)
    desk = TagDesk(RULES, log, clock, lambda _: True)
    desk.open()
    for at_s in range(start_s, until_s, STEP_S):
        if is_reader_off(at_s):
            desk.closed(READER)
        else:
            for antenna in (1, 2):
                desk.heard(READER, AntennaState(antenna, True, None))
            for second in range(STEP_S):
                for tag in range(TAGS):
                    zone = zone_at(tag, at_s + second)
                    if zone is not None and (second + tag) % 4 == 0:
                        seen_us = BEGUN_US + (at_s + second) * 1_000_000
                        desk.heard(READER, TagRead(epc_of(tag), zone + 1, -6000 + 37 * tag, seen_us))
        clock.advance(STEP_S)
        desk.look()
        await desk.write_waiting()
        yield at_s + STEP_S


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
