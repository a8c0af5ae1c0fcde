"""When chatter gives way, what the pace of writing is, and for how long there is room."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.buffer.api import LogLimits, LogStats
from edge.buffer.memory_log import MemoryLog
from edge.buffer.wear import Pace, Wear
from edge.runner.chatter import ChatterWriter
from edge.station.chatter import ChatterGate, Room
from edge.storage import StorageDesk, room_hours, room_left
from protocol.events import Weighing, When

MIB = 1024 * 1024
HOUR_US = 3600 * 1_000_000


def stats(*, used: int = 0, cap: int = 100 * MIB, missing: int = 0, reserve: int = 0) -> LogStats:
    return LogStats(
        entries=0,
        unacked=0,
        bytes_on_disk=0,
        appended=0,
        commits=0,
        refused=0,
        sync_p50_us=0,
        sync_p99_us=0,
        oldest_unacked_us=None,
        stored_bytes=0,
        written_bytes=0,
        room_bytes=cap - used,
        max_bytes=cap,
        reserve_bytes=reserve,
        reserve_missing_bytes=missing,
    )


@pytest.mark.parametrize(
    ("stock", "chatter", "free", "room"),
    [
        (stats(used=40 * MIB), stats(used=40 * MIB), 1000 * MIB, Room.AMPLE),
        (stats(used=60 * MIB), stats(), 1000 * MIB, Room.SHORT),
        (stats(), stats(used=60 * MIB), 1000 * MIB, Room.SHORT),
        (stats(), stats(), 200 * MIB, Room.SHORT),
        (stats(), stats(used=81 * MIB), 1000 * MIB, Room.SCARCE),
        (stats(used=81 * MIB), stats(), 1000 * MIB, Room.SCARCE),
        (stats(), stats(), 60 * MIB, Room.SCARCE),
        (stats(missing=1), stats(), 1000 * MIB, Room.SCARCE),
    ],
)
def test_chatter_gives_way_in_two_steps(stock: LogStats, chatter: LogStats, free: int, room: Room) -> None:
    assert room_left(stock, chatter, free) is room


def test_room_in_hours_is_what_the_cap_or_the_disk_leaves_whichever_is_less() -> None:
    pace = Pace(over_s=3600, written_day_bytes=None, stored_hour_bytes=MIB)
    assert room_hours(stats(used=40 * MIB), 1000 * MIB, pace) == 60
    assert room_hours(stats(reserve=32 * MIB), 10 * MIB, pace) == 42
    assert room_hours(stats(), 1000 * MIB, None) is None
    assert room_hours(stats(), 1000 * MIB, Pace(3600, None, 0)) is None


def test_a_pace_is_not_told_before_ten_minutes_and_says_over_what_it_was_measured() -> None:
    wear = Wear()
    for minute in range(10):
        wear.note(minute * 60_000_000, 1000 * minute, 100 * minute)
        assert wear.pace is None
    wear.note(600_000_000, 10_000, 1000)
    assert wear.pace == Pace(over_s=600, written_day_bytes=1_440_000, stored_hour_bytes=6_000)


def test_the_pace_is_that_of_the_last_day() -> None:
    wear = Wear()
    for minute in range(3 * 24 * 60):
        per_minute = 1000 if minute < 24 * 60 else 10
        wear.note(minute * 60_000_000, minute * per_minute, minute * per_minute)
        if minute == 24 * 60 - 1:
            wear = Wear()
    pace = wear.pace
    assert pace is not None
    assert 24 * 3600 <= pace.over_s <= 24 * 3600 + 600
    assert pace.written_day_bytes == 14_400
    assert pace.stored_hour_bytes == 600


def test_what_nobody_counts_is_not_told() -> None:
    wear = Wear()
    wear.note(0, None, 0)
    wear.note(HOUR_US, None, 500)
    assert wear.pace == Pace(3600, None, 500)


async def test_it_prunes_and_thins_and_lets_chatter_come_back(tmp_path: Path) -> None:
    gate, up_us = ChatterGate(per_s=1000), 0
    limits = LogLimits(max_bytes=10_000, keep_bytes=0)
    stock = MemoryLog(clock=lambda: 1, nonce=lambda: 2)
    async with stock, MemoryLog(clock=lambda: 1, nonce=lambda: 2, limits=limits) as chatter:
        desk = StorageDesk(tmp_path, stock, chatter, lambda: up_us, lambda: None, gate, free=lambda _: 2**40)
        writer = ChatterWriter(chatter, gate)

        async def weigh(count: int) -> None:
            for grams in range(count):
                writer.say(Weighing(When("0123456789ab", 0, 0, False), "scale", "stable", grams), up_us)
                await writer.write_waiting()
                await desk.look()

        await weigh(200)
        # Well before its cap: no append was refused.
        assert desk.room.value == "short"
        assert chatter.stats.refused == 0
        assert writer.thinned == 200 - chatter.stats.entries > 100
        await stock.append([b"a scan"])

        await chatter.acked(chatter.view.head)
        await desk.look()
        assert desk.room.value == "ample"
        await weigh(10)
        assert chatter.stats.entries == 10
