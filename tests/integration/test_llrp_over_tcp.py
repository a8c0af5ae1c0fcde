"""The LLRP driver and a simulated reader speak over real TCP: it reads, it comes back, and it leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from edge.codecs.readings import AntennaState, Reading, TagRead
from edge.drivers.api import Status, parse_table
from edge.drivers.rfid_llrp import RfidLlrp, RfidLlrpSettings
from edge.errors import HardwareAbsent, LinkLost
from edge.runner.supervisor import Peripheral, Supervisor
from edge.station.happenings import DeviceCondition
from protocol.identity import DeviceId
from shelfwire.simulators import llrp_speech as speech
from shelfwire.simulators.llrp import SimulatedLlrpReader
from shelfwire.simulators.port import wait_until
from tests.integration.readings import DEADLINE_S, collect

EPC = bytes.fromhex("3034257bf7194e4000001a85")


@pytest.fixture
async def reader() -> AsyncIterator[SimulatedLlrpReader]:
    async with SimulatedLlrpReader() as reader:
        yield reader


def driver_of(reader: SimulatedLlrpReader, **settings: object) -> RfidLlrp:
    table = {"host": "127.0.0.1", "port": reader.port, "keepalive_ms": 100, **settings}
    return RfidLlrp(parse_table("rfid-llrp", RfidLlrpSettings, table))


async def tags(device: RfidLlrp, count: int) -> list[TagRead]:
    found: list[TagRead] = []
    async with asyncio.timeout(DEADLINE_S):
        async for reading in device.readings():
            if isinstance(reading, TagRead):
                found.append(reading)
            if len(found) == count:
                break
    return found


async def lost(device: RfidLlrp) -> str:
    with pytest.raises(LinkLost) as caught:
        await collect(device, 1_000_000)
    assert device.health().status is Status.LOST
    return str(caught.value)


async def test_open_means_reading_and_closed_leaves_nothing_behind(reader: SimulatedLlrpReader) -> None:
    async with driver_of(reader) as device:
        assert reader.rospecs == {1: "active"}
        states = await collect(device, 4)
        assert states == [AntennaState(n, up, None) for n, up in ((1, True), (2, True), (3, False), (4, False))]
        await reader.see(speech.tag(EPC, 1, -50, 17), speech.tag(EPC[::-1], 2, -51, 18))
        assert [(one.epc, one.antenna) for one in await tags(device, 2)] == [(EPC, 1), (EPC[::-1], 2)]
    assert reader.rospecs == {}
    assert await wait_until(lambda: not reader.connected, DEADLINE_S)
    assert reader.requests[-2:] == ["DELETE_ROSPEC", "CLOSE_CONNECTION"]


async def test_keepalives_are_answered(reader: SimulatedLlrpReader) -> None:
    async with driver_of(reader) as device:
        listening = asyncio.create_task(collect(device, 5))
        assert await wait_until(lambda: reader.acknowledged >= 3, DEADLINE_S)
        await reader.set_antenna(2, False)
        assert (await listening)[-1] == AntennaState(2, False, 1_700_000_000_000_000)


async def test_a_reader_that_falls_silent_is_lost_after_three_keepalives(reader: SimulatedLlrpReader) -> None:
    async with driver_of(reader) as device:
        reader.fall_silent()
        assert "no keepalive for 0.3 s" in await lost(device)


async def test_a_silent_reader_does_not_keep_the_station_from_closing(reader: SimulatedLlrpReader) -> None:
    async with asyncio.timeout(DEADLINE_S):
        async with driver_of(reader):
            reader.fall_silent()
    assert reader.requests[-1] == "CLOSE_CONNECTION"


async def test_a_second_client_is_refused_and_says_so_and_harms_nobody(reader: SimulatedLlrpReader) -> None:
    async with driver_of(reader) as first:
        second = driver_of(reader)
        with pytest.raises(HardwareAbsent, match="the reader has another client"):
            await second.__aenter__()
        assert second.health().status is Status.ABSENT
        assert "another client" in second.health().note
        await reader.see(speech.tag(EPC, 1))
        assert len(await tags(first, 1)) == 1


@pytest.mark.parametrize(
    ("request_name", "said"),
    [("ADD_ROSPEC", "no session 3"), ("SET_READER_CONFIG", ""), ("START_ROSPEC", "region not set")],
)
async def test_a_reader_that_refuses_what_it_is_asked_is_absent_and_says_why(
    reader: SimulatedLlrpReader, request_name: str, said: str
) -> None:
    reader.refuse(request_name, 101, said)
    device = driver_of(reader)
    with pytest.raises(HardwareAbsent, match=f"refuses {request_name}: .*{said}.*101"):
        await device.__aenter__()
    assert await wait_until(lambda: not reader.connected, DEADLINE_S)
    reader.refuse(request_name, 0)
    async with device:
        assert device.health().status is Status.READY


async def test_a_reader_that_never_greets_is_absent_in_time(reader: SimulatedLlrpReader) -> None:
    reader.fall_silent()
    with pytest.raises(HardwareAbsent, match="silent: waiting for the reader's greeting"):
        await driver_of(reader, answer_ms=200).__aenter__()


async def test_messages_in_halves_are_whole(reader: SimulatedLlrpReader) -> None:
    reader.halve()
    async with driver_of(reader) as device:
        await reader.see(*(speech.tag(EPC, 1 + index % 2, seen_us=index) for index in range(50)))
        assert [one.seen_us for one in await tags(device, 50)] == list(range(50))


async def test_an_impossible_length_ends_the_connection_and_not_the_memory(reader: SimulatedLlrpReader) -> None:
    async with driver_of(reader) as device:
        await reader.say(bytes.fromhex("043dffffffff00000001"))
        assert "not LLRP" in await lost(device)
        assert device.health().counters["refused.not-llrp"] == 1


async def test_what_a_killed_station_left_behind_is_deleted_first(reader: SimulatedLlrpReader) -> None:
    async with driver_of(reader) as device:
        reader.drop()
        assert "went away" in await lost(device)
    assert reader.rospecs == {1: "active"}
    reader.rospecs[7] = "enabled"
    reader.requests.clear()
    async with driver_of(reader):
        assert reader.rospecs == {1: "active"}
        assert reader.requests[0] == "DELETE_ROSPEC"


async def test_a_hundred_connections_leave_nothing_open(reader: SimulatedLlrpReader) -> None:
    device, before = driver_of(reader), 0
    for turn in range(100):
        async with device:
            assert reader.reading
        assert await wait_until(lambda: not reader.connected, DEADLINE_S)
        if turn == 10:
            before = len(os.listdir("/proc/self/fd"))
    # The last one may still be closing.
    assert await wait_until(lambda: len(os.listdir("/proc/self/fd")) <= before, DEADLINE_S)
    assert await wait_until(lambda: len(asyncio.all_tasks()) < 10, DEADLINE_S)


class Watched:
    """A supervised reader, and what came of it."""

    def __init__(self, reader: SimulatedLlrpReader) -> None:
        self.tags: list[TagRead] = []
        self.notes: list[str] = []
        peripheral = Peripheral(DeviceId("portal"), "rfid-llrp", driver_of(reader))
        self.supervisor = Supervisor(peripheral, self._read, self._changed, lambda _: None)

    async def _read(self, _: Peripheral, reading: Reading) -> None:
        if isinstance(reading, TagRead):
            self.tags.append(reading)

    def _changed(self, condition: DeviceCondition) -> None:
        self.notes.append(f"{condition.status}: {condition.note}")


@pytest.fixture
async def watched(reader: SimulatedLlrpReader) -> AsyncIterator[Watched]:
    watched = Watched(reader)
    watched.supervisor.start()
    yield watched
    await watched.supervisor.stop()


async def test_a_reader_that_restarts_reads_again_within_2_s(reader: SimulatedLlrpReader, watched: Watched) -> None:
    for _ in range(3):
        assert await wait_until(lambda: reader.reading, DEADLINE_S)
        reader.switch_off()
        assert await wait_until(lambda: watched.notes[-1].startswith(("lost", "absent")), DEADLINE_S)
        await reader.switch_on()
        assert await wait_until(lambda: reader.reading, DEADLINE_S)
        await reader.see(speech.tag(EPC, 1))
    assert await wait_until(lambda: len(watched.tags) == 3, DEADLINE_S)


async def test_a_reader_that_believes_its_old_client_is_there_is_tried_until_it_knows(
    reader: SimulatedLlrpReader, watched: Watched
) -> None:
    assert await wait_until(lambda: reader.reading, DEADLINE_S)
    reader.ghost()
    reader.drop()
    assert await wait_until(lambda: reader.refused_clients >= 2, DEADLINE_S)
    assert "does not know yet that the last one went" in watched.notes[-1]
    reader.forget()
    assert await wait_until(lambda: reader.reading, DEADLINE_S)


async def test_a_reader_that_stops_by_itself_is_started_again(reader: SimulatedLlrpReader, watched: Watched) -> None:
    assert await wait_until(lambda: reader.reading, DEADLINE_S)
    reader.requests.clear()
    await reader.say(speech.rospec_ended(1))
    assert await wait_until(lambda: reader.requests.count("START_ROSPEC") == 1 and reader.reading, DEADLINE_S)
