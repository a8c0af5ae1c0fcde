"""RFID during a count: tags of the place that is counted, told in the log before the shelf's END."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import pytest

from edge.buffer.memory_log import MemoryLog
from edge.clock import FakeClock
from edge.codecs.readings import TagRead
from edge.presence.rules import Antenna, Rules, Zone
from edge.runner.sweep_desk import SweepDesk
from edge.station.actions import GivenCount
from protocol.events import MAX_SWEEP_BYTES, ShelfCounted, Sweep, decode_station_entry, encode_entry
from protocol.identity import DeviceId, PlaceId
from tests.integration.station_rig import entries, make_log

DOOR = DeviceId("door")
SHELF = GivenCount("autumn-26", PlaceId("shelf-3"))
ZONES = Rules((Zone("shelf-3", (Antenna(DOOR, 1),)), Zone("door", (Antenna(DOOR, 2),))))


class Counting:
    """A sweep desk at a station that counts what a test says."""

    def __init__(self, log: MemoryLog, rules: Rules = Rules(())) -> None:  # noqa: B008 - a value
        self.log = log
        self.clock = FakeClock()
        self.given: GivenCount | None = SHELF
        self.desk = SweepDesk(rules, log, self.clock, lambda: self.given, lambda: "anna", write_every_s=0.01)

    def see(self, tags: Iterable[int], antenna: int = 1, length: int = 12) -> None:
        for tag in tags:
            self.clock.advance(0.001)
            self.desk.heard(DOOR, TagRead(tag.to_bytes(length, "big"), antenna, None, None))

    def counted(self) -> ShelfCounted:
        return self.desk.told(ShelfCounted(self.clock.now(), 0, "scanner", SHELF.place, SHELF.session, 1, "", 0, 0))

    async def swept(self) -> Sequence[Sweep]:
        return [entry for entry in await entries(self.log) if isinstance(entry, Sweep)]


@pytest.fixture
async def log() -> MemoryLog:
    made = make_log("memory", None)  # type: ignore[arg-type]
    assert isinstance(made, MemoryLog)
    await made.__aenter__()
    return made


async def test_tags_are_told_once_with_where_when_and_by_whom(log: MemoryLog) -> None:
    counting = Counting(log)
    counting.see([1, 2, 1, 2, 3])
    assert await counting.desk.write_waiting()
    counting.see([3, 4])
    assert await counting.desk.write_waiting()
    first, second = await counting.swept()
    assert [int(epc, 16) for epc in (*first.epcs, *second.epcs)] == [1, 2, 3, 4]
    assert (first.place, first.session, first.pass_, first.person, first.device) == (
        "shelf-3", "autumn-26", 1, "anna", "door",
    )  # fmt: skip
    assert first.from_up_us < first.when.up_us < second.from_up_us <= second.when.up_us
    assert counting.counted().tags == 4


async def test_only_the_zone_of_that_name_speaks_for_a_place(log: MemoryLog) -> None:
    counting = Counting(log, ZONES)
    counting.see([1], antenna=1)
    counting.see([2, 3], antenna=2)
    await counting.desk.write_waiting()
    assert [sweep.epcs for sweep in await counting.swept()] == [((1).to_bytes(12, "big").hex().upper(),)]
    counting.given = GivenCount("autumn-26", PlaceId("shelf-4"))
    counting.see([4], antenna=1)
    assert counting.counted().tags is None
    await counting.desk.write_waiting()
    assert len(await counting.swept()) == 1


async def test_a_zone_that_saw_nothing_took_part_and_a_station_without_readers_did_not(log: MemoryLog) -> None:
    assert Counting(log, ZONES).counted().tags == 0
    assert Counting(log).counted().tags is None


async def test_nothing_is_taken_while_nothing_is_counted(log: MemoryLog) -> None:
    counting = Counting(log)
    counting.given = None
    counting.see([1])
    await counting.desk.write_waiting()
    assert await counting.swept() == []


async def test_many_tags_go_in_parts_of_one_transaction(log: MemoryLog) -> None:
    counting = Counting(log)
    counting.see(range(1, 6001), length=62)
    await counting.desk.write_waiting()
    parts = await counting.swept()
    assert [(sweep.part, sweep.parts) for sweep in parts] == [(n, len(parts)) for n in range(1, len(parts) + 1)]
    assert len(parts) > 1
    assert sorted(int(epc, 16) for sweep in parts for epc in sweep.epcs) == list(range(1, 6001))
    lines = [encode_entry(sweep) for sweep in parts]
    assert max(map(len, lines)) <= MAX_SWEEP_BYTES
    assert [decode_station_entry(line) for line in lines] == list(parts)


async def test_what_a_shelf_left_over_is_told_after_the_next_began(log: MemoryLog) -> None:
    counting = Counting(log)
    counting.see([1])
    counting.given = GivenCount("autumn-26", PlaceId("shelf-4"))
    counting.see([1])
    await counting.desk.write_waiting()
    assert [sweep.place for sweep in await counting.swept()] == ["shelf-3", "shelf-4"]


async def test_tags_are_told_now_and_then_while_it_goes_on(log: MemoryLog) -> None:
    counting = Counting(log)
    writing = asyncio.create_task(counting.desk.write())
    counting.see([1])
    async with asyncio.timeout(60):
        await log.wait_grown(log.view.first)
    writing.cancel()
    assert len(await counting.swept()) == 1
