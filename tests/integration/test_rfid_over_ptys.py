"""Serial RFID readers over real ptys: set up, read, started again when they tire, and back after a replug."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from edge.codecs.readings import Reading, Refused, TagRead
from edge.drivers import rfid_chainway, rfid_m6e, rfid_r200
from edge.drivers.api import Driver, Status
from edge.drivers.serial_reader import SerialReader
from edge.errors import HardwareAbsent, LinkLost
from edge.runner.supervisor import Peripheral, Supervisor
from protocol.identity import DeviceId
from shelfwire.simulators.port import wait_until
from shelfwire.simulators.rfid_serial import SimulatedChainway, SimulatedM6e, SimulatedR200, SimulatedSerialReader
from tests.integration.readings import DEADLINE_S, collect
from tests.integration.side_by_side import side_by_side

EPC = bytes.fromhex("3034257bf7194e4000001a85")
STOP = {"rfid-r200": 0x28, "rfid-chainway": 0x8C, "rfid-m6e": 0x2F}


class Pair(NamedTuple):
    """A reader and the driver for it."""

    reader: SimulatedSerialReader
    driver: Driver[Any]

    def device(self, **settings: object) -> SerialReader:
        table: Mapping[str, object] = {"port": str(self.reader.path), "answer_ms": 1500, **settings}
        device = self.driver.make_from(table)
        assert isinstance(device, SerialReader)
        return device


Kind = tuple[Callable[[Path], SimulatedSerialReader], Driver[Any]]
KINDS: dict[str, Kind] = {
    driver.name: (simulator, driver)
    for simulator, driver in (
        (SimulatedR200, rfid_r200.DRIVER),
        (SimulatedChainway, rfid_chainway.DRIVER),
        (SimulatedM6e, rfid_m6e.DRIVER),
    )
}


@asynccontextmanager
async def pair_of(folder: Path, kind: Kind) -> AsyncIterator[Pair]:
    simulator, driver = kind
    async with simulator(folder / "reader") as reader:
        yield Pair(reader, driver)


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Pair]:
    async with pair_of(tmp_path, request.param) as pair:
        yield pair


async def tags(device: SerialReader, count: int) -> list[TagRead]:
    found: list[TagRead] = []
    async with asyncio.timeout(DEADLINE_S):
        async for reading in device.readings():
            if isinstance(reading, TagRead):
                found.append(reading)
            if len(found) == count:
                break
    return found


async def test_it_reads_while_open_and_is_stopped_on_closing(pair: Pair) -> None:
    async with pair.device() as device:
        assert await wait_until(lambda: pair.reader.reading, DEADLINE_S)
        for number in range(20):
            await pair.reader.see(EPC, rssi_dbm=-40 - number)
        assert [one.rssi_cdbm for one in await tags(device, 20)] == [-4000 - 100 * number for number in range(20)]
    assert await wait_until(lambda: not pair.reader.reading, DEADLINE_S)


async def test_a_frame_with_a_wrong_bit_is_refused_and_costs_no_other_tag(pair: Pair) -> None:
    async with pair.device() as device:
        assert await wait_until(lambda: pair.reader.reading, DEADLINE_S)
        pair.reader.spoil()
        for tag in (EPC, EPC[::-1], EPC):
            await pair.reader.see(tag)
        assert [one.epc for one in await tags(device, 2)] == [EPC[::-1], EPC]
        assert device.health().counters["refused.checksum"] == 1


async def test_a_reader_that_stops_without_a_word_is_started_again(pair: Pair) -> None:
    async with pair.device(idle_ms=200) as device:
        assert await wait_until(lambda: pair.reader.reading, DEADLINE_S)
        listening = asyncio.create_task(tags(device, 1))
        pair.reader.tire()
        assert await wait_until(lambda: pair.reader.reading, DEADLINE_S)
        await pair.reader.see(EPC)
        await listening
        assert device.health().counters["silent"] >= 1


async def test_a_reader_that_answers_no_more_is_lost(tmp_path: Path) -> None:
    async def check(folder: Path, kind: Kind) -> None:
        async with pair_of(folder, kind) as pair, pair.device(idle_ms=100) as device:
            pair.reader.fall_silent()
            with pytest.raises(LinkLost, match="no answer within 1500 ms"):
                await collect(device, 1_000_000)
            assert device.health().status is Status.LOST

    await side_by_side(tmp_path, KINDS, check)


async def test_a_port_with_nothing_of_the_kind_behind_it_is_absent(tmp_path: Path) -> None:
    async def check(folder: Path, kind: Kind) -> None:
        async with pair_of(folder, kind) as pair:
            pair.reader.fall_silent()
            device = pair.device(answer_ms=700)
            with pytest.raises(HardwareAbsent, match="no such reader answers within 700 ms"):
                await device.__aenter__()
            assert device.health().status is Status.ABSENT
            assert pair.reader.asked[STOP[pair.driver.name]] >= 1
            pair.reader.fall_silent(False)
            async with device:
                assert device.health().status is Status.READY

    await side_by_side(tmp_path, KINDS, check)


async def test_an_m6e_without_its_region_says_what_it_lacks(tmp_path: Path) -> None:
    async with SimulatedM6e(tmp_path / "reader") as reader:
        reader.refuse(0x97)
        pair = Pair(reader, rfid_m6e.DRIVER)
        with pytest.raises(HardwareAbsent, match=r"parameter out of range \(97: 0105\)"):
            await pair.device(region="jp").__aenter__()


async def test_unplugged_and_back_it_reads_again_within_2_s(pair: Pair) -> None:
    found: list[Reading] = []

    async def take(_: Peripheral, reading: Reading) -> None:
        assert not isinstance(reading, Refused), reading
        if isinstance(reading, TagRead):
            found.append(reading)

    peripheral = Peripheral(DeviceId("desk"), pair.driver.name, pair.device())
    supervisor = Supervisor(peripheral, take, lambda _: None, lambda _: None)
    supervisor.start()
    for turn in range(3):
        assert await wait_until(lambda: pair.reader.reading, 2)
        await pair.reader.see(EPC)
        assert await wait_until(lambda seen=turn: len(found) == seen + 1, DEADLINE_S)  # type: ignore[misc]
        pair.reader.unplug()
        pair.reader.plug_in()
    await supervisor.stop()
