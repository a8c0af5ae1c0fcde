"""A scanner scale on one cable: codes and weights from one device, and the station sells by weight with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.codecs.readings import Reading, Refused, Scan, Weight, WeightState
from edge.drivers.api import parse_table
from edge.drivers.feedback import Signal
from edge.drivers.magellan import Magellan, MagellanSettings
from edge.runner.supervisor import Peripheral
from protocol.events import Delta
from protocol.identity import DeviceId
from shelfwire.simulators.magellan import SimulatedMagellan, Trouble
from tests.integration.readings import DEADLINE_S, collect, next_of
from tests.integration.station_rig import BAD, BANANAS, MILK, StationRig, entries, make_log, until

EAN = "4006381333931"
TROUBLES: dict[Trouble, WeightState] = {
    "motion": WeightState.MOTION,
    "over": WeightState.OVER,
    "under": WeightState.UNDER,
    "unready": WeightState.FAULT,
}


@pytest.fixture
async def magellan(tmp_path: Path) -> AsyncIterator[SimulatedMagellan]:
    async with SimulatedMagellan(tmp_path / "magellan") as magellan:
        yield magellan


def device_of(magellan: SimulatedMagellan, **settings: object) -> Magellan:
    table = {"port": str(magellan.path), "poll_ms": 50, "answer_ms": 5000, **settings}
    return Magellan(parse_table("magellan", MagellanSettings, table))


async def weigh(device: Magellan) -> Weight:
    (reading,) = await collect(device, 1)
    assert isinstance(reading, Weight)
    return reading


async def collect_scans(device: Magellan, count: int) -> list[Reading]:
    """Read until so many scans have come; give all there was."""
    found: list[Reading] = []
    async with asyncio.timeout(DEADLINE_S):
        async for reading in device.readings():
            found.append(reading)
            if sum(isinstance(one, Scan) for one in found) == count:
                break
    return found


async def test_the_scale_says_what_lies_on_it_and_when_it_cannot(magellan: SimulatedMagellan) -> None:
    async with device_of(magellan) as device:
        for grams, state in ((0, WeightState.ZERO), (1250, WeightState.STABLE), (15_000, WeightState.STABLE)):
            magellan.put(grams)
            reading = await weigh(device)
            assert (reading.grams, reading.state) == (grams, state)
        for trouble, state in TROUBLES.items():
            magellan.trouble(trouble)
            reading = await weigh(device)
            assert (reading.grams, reading.state) == (None, state)
    assert (magellan.asked, magellan.ignored) == (7, 0)


@pytest.mark.parametrize(("grams", "state"), [(15_001, WeightState.OVER), (-5, WeightState.UNDER)])
async def test_what_the_scale_cannot_weigh_is_no_weight(
    magellan: SimulatedMagellan, grams: int, state: WeightState
) -> None:
    magellan.put(grams)
    async with device_of(magellan) as device:
        reading = await weigh(device)
    assert (reading.grams, reading.state) == (None, state)


async def test_scans_come_unasked_between_weights(magellan: SimulatedMagellan) -> None:
    magellan.put(1250)
    async with device_of(magellan) as device:
        readings, found = device.readings(), list[Reading]()

        async def comes(kind: type[Scan | Weight]) -> None:
            while True:
                found.append(await next_of(readings))
                if isinstance(found[-1], kind):
                    return

        for number in range(20):
            await magellan.scan(f"40063813{number:05}")
            await comes(Scan)
            if number in (9, 19):
                await comes(Weight)
    assert [one.text for one in found if isinstance(one, Scan)] == [f"40063813{number:05}" for number in range(20)]
    assert {(one.grams, one.state) for one in found if isinstance(one, Weight)} == {(1250, WeightState.STABLE)}


async def test_a_code_between_question_and_answer_is_given_and_the_weight_measured_after_it(
    magellan: SimulatedMagellan,
) -> None:
    magellan.put(1250)
    async with device_of(magellan) as device:
        readings = device.readings()
        magellan.scan_before_answering(EAN)
        scan = await anext(readings)
        assert isinstance(scan, Scan)
        # The answer on the cable is of before the reader took the code; the reader gets one of after.
        magellan.put(730)
        weight = await anext(readings)
        assert isinstance(weight, Weight)
        assert weight.grams == 730
        assert device.health().counters["late"] == 1


async def test_a_code_in_the_middle_of_an_answer_is_not_lost(magellan: SimulatedMagellan) -> None:
    magellan.put(1250)
    async with device_of(magellan, answer_ms=200) as device:
        magellan.scan_inside_answer(EAN)
        found = await collect(device, 4)
    assert [one.name for one in found if isinstance(one, Refused)] == ["cut-short", "garbage"]
    assert [one.text for one in found if isinstance(one, Scan)] == [EAN]


async def test_a_silent_scale_is_a_fault_while_codes_are_read_on(magellan: SimulatedMagellan) -> None:
    magellan.put(1250)
    async with device_of(magellan, answer_ms=100) as device:
        await weigh(device)
        magellan.fall_silent()
        assert await collect(device, 2) == [Weight(None, WeightState.FAULT, net=False, raw=b"")] * 2
        assert device.health().note == "the scale does not answer within 100 ms"
        await magellan.scan(EAN)
        assert (await collect_scans(device, 1))[-1] == Scan(EAN, b"S08F" + EAN.encode(), "]E0")
        magellan.fall_silent(False)
        assert (await weigh(device)).state in (WeightState.FAULT, WeightState.STABLE)


async def test_a_scale_set_to_another_unit_is_a_fault_with_a_note_and_refuses_no_scan(tmp_path: Path) -> None:
    async with SimulatedMagellan(tmp_path / "m", unit="lb") as magellan, device_of(magellan) as device:
        magellan.put(100)
        assert await weigh(device) == Weight(None, WeightState.FAULT, net=False, raw=b"S1440100")
        assert device.health().note == "unit-mismatch: 4 digits from a scale set to kg"
        assert device.health().counters["refused.unit-mismatch"] == 1


async def test_with_check_bytes_both_ways(tmp_path: Path) -> None:
    async with SimulatedMagellan(tmp_path / "m", unit="lb", bcc=True) as magellan:
        magellan.put(100)
        async with device_of(magellan, bcc=True, unit="lb") as device:
            assert (await weigh(device)).grams == 454
            await magellan.scan("SHELF-7", "B1")
            found = await collect_scans(device, 1)
            assert isinstance(found[-1], Scan)
            assert found[-1].text == "SHELF-7"
            await device.acknowledge(True)
            await until(lambda: magellan.tones == 1)
    assert magellan.ignored == 0


async def test_one_without_a_scale_is_never_asked(magellan: SimulatedMagellan) -> None:
    async with device_of(magellan, weigh=False) as device:
        reading = asyncio.create_task(collect(device, 2))
        for _ in range(2):
            await magellan.scan(EAN)
            await asyncio.sleep(0.1)
        assert [one.text for one in await reading if isinstance(one, Scan)] == [EAN, EAN]
    assert magellan.asked == 0


def station(tmp_path: Path, device: Magellan) -> StationRig:
    rig = StationRig(make_log("disk", tmp_path / "stock.db"), make_log("disk", tmp_path / "chatter.db"))
    rig.peripherals = [Peripheral(DeviceId("checkout"), "magellan", device)]
    return rig


async def test_a_station_sells_by_piece_and_by_weight_and_the_tone_follows_the_disk(
    magellan: SimulatedMagellan, tmp_path: Path
) -> None:
    rig = station(tmp_path, device_of(magellan))
    async with rig.at_work() as runner:
        await magellan.scan(MILK)
        await until(lambda: magellan.tones == 1)
        magellan.trouble("motion")
        await magellan.scan(BANANAS)
        await until(lambda: runner._station.next_deadline_us is not None)
        assert magellan.tones == 1
        magellan.put(730)
        await until(lambda: magellan.tones == 2)
        magellan.put(0)
        await magellan.scan(BAD)
        await until(lambda: runner.status.rejected)
        sold = [entry for entry in await entries(rig.stock) if isinstance(entry, Delta)]
    assert [(entry.code, entry.qty_milli) for entry in sold] == [(MILK, -1000), (BANANAS, -730)]
    assert (magellan.tones, runner.status.accepted, runner.status.rejected) == (2, 2, 1)


async def test_a_code_that_cannot_be_read_is_shown_to_the_person_and_a_broken_scale_is_not(
    magellan: SimulatedMagellan, tmp_path: Path
) -> None:
    rig = station(tmp_path, device_of(magellan, unit="lb"))
    magellan.put(1250)
    async with rig.at_work() as runner:
        await until(lambda: magellan.asked >= 3)
        assert len(rig.feedback.signals) == 0
        await magellan.scan(MILK)
        await until(lambda: runner.status.accepted == 1)
        await magellan.scan("who knows", "?")
        await until(lambda: runner.status.rejected == 1)
        assert runner.status.rejections == (("unknown-label", 1),)
        assert list(rig.feedback.signals) == [Signal.ACCEPTED, Signal.REFUSED]
