"""The tag desk: what the engine says is in the log once it is durable, and nothing is lost while the disk refuses."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.buffer.api import BLOCK_ENTRIES, READ_BYTES, LogLimits, StationLog
from edge.buffer.errors import LogFull
from edge.buffer.memory_log import MemoryLog
from edge.buffer.sqlite_log import SqliteLog
from edge.clock import FakeClock
from edge.codecs.readings import AntennaState, TagRead
from edge.presence.notes import NOTES, note_of, read_notes
from edge.runner.tag_desk import GROUP, TagDesk
from protocol.events import Presence, TagChange, decode_station_entry
from shelfwire.simulators.port import wait_until
from tests.unit.presence.tags import BEGUN_US, READER, SHELF, STOCKROOM, TAG, rules


def open_desk(log: StationLog, clock: FakeClock, ready: bool = True) -> TagDesk:
    desk = TagDesk(rules(max_tags=5000), log, clock, lambda _: ready)
    desk.open()
    return desk


def make(kind: str, path: Path, limits: LogLimits | None = None) -> StationLog:
    if kind == "memory":
        return MemoryLog(clock=lambda: BEGUN_US, nonce=lambda: secrets.randbits(64), limits=limits)
    return SqliteLog(path, clock=lambda: BEGUN_US, nonce=lambda: secrets.randbits(64), limits=limits)


@pytest.fixture(params=["memory", "disk"])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StationLog]:
    async with make(request.param, tmp_path / "stock.db") as log:
        yield log


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(wall=BEGUN_US)


async def changes(log: StationLog) -> list[TagChange]:
    found: list[TagChange] = []
    at = 1
    while lines := (await log.read(log.view.head.epoch, at, BLOCK_ENTRIES, READ_BYTES)).lines:
        at += len(lines)
        entries = [decode_station_entry(line) for line in lines]
        found += [one for one in entries if isinstance(one, TagChange)]
    return found


def hear(
    desk: TagDesk,
    clock: FakeClock,
    times: int,
    antenna: int = SHELF,
    epc: bytes = TAG,
    dbm: int = -60,
    every_s: float = 1,
) -> None:
    for _ in range(times):
        clock.advance(every_s)
        desk.heard(READER, TagRead(epc, antenna, dbm * 100, clock.wall))


async def test_a_change_is_an_entry_of_the_stock_log(log: StationLog, clock: FakeClock) -> None:
    desk = open_desk(log, clock)
    hear(desk, clock, 3)
    hear(desk, clock, 20, STOCKROOM, dbm=-40)
    assert await desk.write_waiting()
    arrived, moved = await changes(log)
    assert (arrived.change, arrived.zone, arrived.from_zone) == (Presence.ARRIVED, "shelf", None)
    assert (arrived.device, arrived.antenna, arrived.epc) == (READER, SHELF, "30340BB6884CB101A13BC744")
    assert (arrived.reads, arrived.rssi_cdbm, arrived.when.boot) == (2, -6000, clock.boot)
    assert arrived.seen_us == BEGUN_US + 2_000_000
    assert (moved.change, moved.zone, moved.from_zone) == (Presence.MOVED, "stockroom", "shelf")


async def test_a_tag_that_is_present_does_not_arrive_again_after_a_restart(log: StationLog, clock: FakeClock) -> None:
    desk = open_desk(log, clock)
    hear(desk, clock, 3)
    await desk.write_waiting()
    clock.advance(86_400)
    again = open_desk(log, clock)
    hear(again, clock, 3)
    assert await again.write_waiting()
    assert len(await changes(log)) == 1


async def test_what_was_not_durable_is_told_after_a_restart(log: StationLog, clock: FakeClock) -> None:
    desk = open_desk(log, clock)
    hear(desk, clock, 3)
    desk.take_heard()
    assert desk.waiting == 1
    again = open_desk(log, clock)
    hear(again, clock, 3)
    await again.write_waiting()
    assert [one.change for one in await changes(log)] == [Presence.ARRIVED]


async def test_a_departed_tag_is_gone_from_the_notes(log: StationLog, clock: FakeClock) -> None:
    desk = open_desk(log, clock)
    hear(desk, clock, 3)
    await desk.write_waiting()
    assert [one.epc for one in read_notes(log.notes())[0]] == [TAG]
    for _ in range(70):
        clock.advance(10)
        desk.heard(READER, AntennaState(SHELF, True, None))
        desk.look()
    await desk.write_waiting()
    assert [one.change for one in await changes(log)] == [Presence.ARRIVED, Presence.DEPARTED]
    assert not log.notes()


@pytest.mark.parametrize(("ready", "expected"), [(True, Presence.DEPARTED), (False, Presence.UNKNOWN)])
async def test_a_reader_that_works_vouches_for_its_antennas(
    log: StationLog, clock: FakeClock, ready: bool, expected: Presence
) -> None:
    desk = open_desk(log, clock, ready)
    desk.heard(READER, AntennaState(SHELF, True, None))
    hear(desk, clock, 3)
    for _ in range(70):
        clock.advance(10)
        desk.look()
    await desk.write_waiting()
    assert [one.change for one in await changes(log)] == [Presence.ARRIVED, expected]


async def test_a_reader_that_closed_is_dead_at_once(log: StationLog, clock: FakeClock) -> None:
    desk = open_desk(log, clock)
    desk.heard(READER, AntennaState(SHELF, True, None))
    hear(desk, clock, 3)
    desk.closed(READER)
    for _ in range(70):
        clock.advance(10)
        desk.look()
    await desk.write_waiting()
    assert [one.change for one in await changes(log)] == [Presence.ARRIVED, Presence.UNKNOWN]


async def test_a_clock_that_is_set_departs_nobody(log: StationLog, clock: FakeClock) -> None:
    desk = open_desk(log, clock)
    hear(desk, clock, 3)
    clock.wall += 3 * 86_400_000_000
    desk.look()
    hear(desk, clock, 30)
    desk.look()
    await desk.write_waiting()
    assert [one.change for one in await changes(log)] == [Presence.ARRIVED]


@pytest.mark.parametrize("wrong_s", [-1_700_000_000, -400, 3600])
async def test_a_reader_whose_clock_is_wrong_is_of_use_after_a_minute(
    log: StationLog, clock: FakeClock, wrong_s: int
) -> None:
    desk = open_desk(log, clock)
    for _ in range(90):
        clock.advance(1)
        desk.heard(READER, TagRead(TAG, SHELF, -6000, clock.wall + wrong_s * 1_000_000))
        desk.look()
    clock.advance(595)
    desk.heard(READER, AntennaState(SHELF, True, None))
    desk.look()
    assert [one.present for one in desk.standings()] == [True]
    await desk.write_waiting()
    assert [one.change for one in await changes(log)] == [Presence.ARRIVED]


@pytest.mark.parametrize("kind", ["memory", "disk"])
async def test_while_the_disk_refuses_changes_wait_and_then_all_are_told_once(
    kind: str, tmp_path: Path, clock: FakeClock
) -> None:
    limits = LogLimits(max_bytes=16 * 1024 * 1024, keep_bytes=1024)
    tags = [n.to_bytes(12, "big") for n in range(1, 601)]
    async with make(kind, tmp_path / "stock.db", limits) as log:
        desk = open_desk(log, clock)
        for size in (30_000, 20):
            await fill(log, size)
        writing = asyncio.create_task(desk.write())
        for epc in tags:
            hear(desk, clock, 2, epc=epc, every_s=0.1)
        assert not await desk.write_waiting()
        assert desk.waiting == len(tags)
        assert not await changes_of(log)
        await log.acked(log.view.head)
        await log.prune(None)
        assert await wait_until(lambda: not desk.waiting, 60)
        writing.cancel()
        told = await changes_of(log)
        assert sorted(one.epc for one in told) == [epc.hex().upper() for epc in tags]
        assert {one.epc for one in read_notes(log.notes())[0]} == set(tags)
        assert len(tags) > GROUP


async def fill(log: StationLog, size: int) -> None:
    """Append lines of about `size` bytes until no more of them fit."""
    line = b'["m",["0",0,0,false],false,"' + b"x" * size + b'"]'
    with contextlib.suppress(LogFull):
        while True:
            await log.append([line] * 10)


async def changes_of(log: StationLog) -> list[TagChange]:
    """Read the changes after what is pruned."""
    found: list[TagChange] = []
    at = log.view.first.seq + 1
    while lines := (await log.read(log.view.head.epoch, at, BLOCK_ENTRIES, READ_BYTES)).lines:
        at += len(lines)
        found += [entry for entry in (decode_station_entry(line) for line in lines) if isinstance(entry, TagChange)]
    return found


async def test_a_note_that_is_damaged_costs_its_own_tags_only(log: StationLog, clock: FakeClock) -> None:
    tags = [n.to_bytes(12, "big") for n in range(1, 200)]
    desk = open_desk(log, clock)
    for epc in tags:
        hear(desk, clock, 2, epc=epc)
    await desk.write_waiting()
    await log.put_note(note_of(tags[0]), b"\xc1 no message pack")
    again = open_desk(log, clock)
    lost = [epc for epc in tags if note_of(epc) == note_of(tags[0])]
    assert {one.epc for one in again.standings()} == set(tags) - set(lost)
    for epc in tags:
        hear(again, clock, 2, epc=epc)
    await again.write_waiting()
    assert len(await changes(log)) == len(tags) + len(lost)
    assert {one.epc for one in read_notes(log.notes())[0]} == set(tags)


def test_tags_are_spread_over_the_notes() -> None:
    held: dict[str, int] = {}
    for n in range(50_000):
        key = note_of((0x3034 << 80 | n).to_bytes(12, "big"))
        held[key] = held.get(key, 0) + 1
    assert len(held) == NOTES
    assert max(held.values()) < 100


async def test_whoever_asks_is_told_how_many_tags_are_where(log: StationLog, clock: FakeClock) -> None:
    desk = open_desk(log, clock)
    tags = [n.to_bytes(12, "big") for n in range(1, 1501)]
    for epc in tags:
        hear(desk, clock, 2, STOCKROOM if epc[-1] % 3 == 0 else SHELF, epc, every_s=0.01)
    hear(desk, clock, 1, epc=TAG)
    hear(desk, clock, 1, 99)
    told = await desk.inventory("stockroom", 7)
    there = sum(epc[-1] % 3 == 0 for epc in tags)
    assert told.zones == {"shelf": 1500 - there, "stockroom": there, "gate": 0}
    assert (told.unknown, told.pending, told.waiting, told.counts.no_zone) == (0, 1, 1500, 1)
    assert [one.zone for one in told.tags] == ["stockroom"] * 7
    assert not (await desk.inventory(None, 0)).tags
