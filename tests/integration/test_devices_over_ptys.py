"""Drivers and simulated devices speak real bytes over real ptys, and survive what shops do to cables and processes."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.codecs.readings import Reading, Refused, Scan, Weight, WeightState
from edge.drivers.api import Device, Status, parse_table
from edge.drivers.scale_8217 import Scale8217, Scale8217Settings
from edge.drivers.serial_scanner import SerialScanner, SerialScannerSettings
from edge.errors import LinkLost
from edge.links.serial import SerialLine, SerialLink
from shelfwire.simulators.port import wait_until
from shelfwire.simulators.scale import SimulatedScale8217, Trouble
from shelfwire.simulators.scanner import SimulatedScanner

EAN, OTHER = "4006381333931", "96385074"
DEADLINE_S = 10

TROUBLES: dict[Trouble, WeightState] = {
    "motion": WeightState.MOTION,
    "over": WeightState.OVER,
    "under": WeightState.UNDER,
    "unready": WeightState.FAULT,
}

READER = """
import asyncio, sys
from edge.drivers.serial_scanner import SerialScanner, SerialScannerSettings

async def main(port, answers):
    async with SerialScanner(SerialScannerSettings(port=port, ack="honeywell")) as device:
        print("open", flush=True)
        async for reading in device.readings():
            print(type(reading).__name__, getattr(reading, "text", ""), flush=True)
            if answers:
                await device.acknowledge(True)

asyncio.run(main(sys.argv[1], sys.argv[2] == "answers"))
"""


class Reader:
    """Another process that reads the scanner, as the agent does, and can be killed as the agent can."""

    def __init__(self, port: Path, *, answers: bool) -> None:
        self._arguments = [sys.executable, "-c", READER, str(port), "answers" if answers else "mute"]

    async def __aenter__(self) -> Reader:
        self._process = await asyncio.create_subprocess_exec(*self._arguments, stdout=asyncio.subprocess.PIPE)
        assert await self.line() == "open"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def line(self) -> str:
        assert self._process.stdout is not None
        async with asyncio.timeout(DEADLINE_S):
            return (await self._process.stdout.readline()).decode().strip()

    async def kill(self) -> None:
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()


@pytest.fixture
async def scanner(tmp_path: Path) -> AsyncIterator[SimulatedScanner]:
    async with SimulatedScanner(tmp_path / "scanner") as scanner:
        yield scanner


@pytest.fixture
async def asking(tmp_path: Path) -> AsyncIterator[SimulatedScanner]:
    """A scanner that waits for ACK or NAK."""
    async with SimulatedScanner(tmp_path / "scanner", aim="]E0", ack=True) as scanner:
        yield scanner


@pytest.fixture
async def scale(tmp_path: Path) -> AsyncIterator[SimulatedScale8217]:
    async with SimulatedScale8217(tmp_path / "scale") as scale:
        yield scale


def reader_of(scanner: SimulatedScanner, **settings: object) -> SerialScanner:
    table = {"port": str(scanner.path), "idle_ms": 50, **settings}
    return SerialScanner(parse_table("serial-scanner", SerialScannerSettings, table))


def weigher_of(scale: SimulatedScale8217, **settings: object) -> Scale8217:
    table = {"port": str(scale.path), "poll_ms": 50, "answer_ms": 5000, **settings}
    return Scale8217(parse_table("scale-8217", Scale8217Settings, table))


async def collect(device: Device, count: int) -> list[Reading]:
    readings: list[Reading] = []
    async with asyncio.timeout(DEADLINE_S):
        async for reading in device.readings():
            readings.append(reading)
            if len(readings) == count:
                break
    return readings


async def test_a_scan_goes_through_the_cable_with_its_aim_prefix(tmp_path: Path) -> None:
    scanner = SimulatedScanner(tmp_path / "s", suffix=b"\r\n", prefix=b"%", aim="]E0")
    async with scanner, reader_of(scanner, suffix="crlf", prefix="%") as device:
        await scanner.scan(EAN)
        assert await collect(device, 1) == [Scan(EAN, b"%]E0" + EAN.encode(), "]E0")]
    assert scanner.sent == 1


async def test_pauses_longer_than_the_idle_time_do_not_split_a_scan(scanner: SimulatedScanner) -> None:
    async with reader_of(scanner) as device:
        reading = asyncio.create_task(collect(device, 1))
        await scanner.scan_in_pieces(EAN, cuts=(1, 5, 13), gap_s=0.12)
        assert await reading == [Scan(EAN, EAN.encode())]


async def test_a_trigger_held_too_long_is_two_scans_here(scanner: SimulatedScanner) -> None:
    async with reader_of(scanner) as device:
        await scanner.scan_twice(EAN)
        assert await collect(device, 2) == [Scan(EAN, EAN.encode())] * 2
    assert scanner.sent == 2


async def test_a_megabyte_line_and_noise_cost_no_good_scan(scanner: SimulatedScanner) -> None:
    async with reader_of(scanner) as device:
        reading = asyncio.create_task(collect(device, 4))
        await scanner.scan(EAN)
        await scanner.long_line(1_000_000)
        await scanner.garbage(b"\x00\xff\xfe\r")
        await scanner.scan(OTHER)
        first, long, noise, last = await reading
        assert (first, last) == (Scan(EAN, EAN.encode()), Scan(OTHER, OTHER.encode()))
        assert isinstance(long, Refused)
        assert (long.name, long.detail) == ("too-long", "1000000 bytes, at most 4096")
        assert isinstance(noise, Refused)
        assert noise.name == "not-text"
        assert device.health().counters["refused"] == 2


async def test_a_wrong_suffix_is_told_by_the_driver_once_the_line_is_quiet(tmp_path: Path) -> None:
    async with SimulatedScanner(tmp_path / "s", suffix=b"\t") as scanner, reader_of(scanner) as device:
        await scanner.scan(EAN)
        (reading,) = await collect(device, 1)
        assert isinstance(reading, Refused)
        assert reading.name == "wrong-suffix"


async def test_codes_scanned_with_nobody_there_wait_in_the_cable(scanner: SimulatedScanner) -> None:
    assert not scanner.port.has_reader()
    assert scanner.port.drained()
    await scanner.scan(EAN)
    await scanner.scan(OTHER)
    assert not scanner.port.drained()
    async with reader_of(scanner) as device:
        assert await scanner.port.wait_for_reader(DEADLINE_S)
        assert await collect(device, 2) == [Scan(EAN, EAN.encode()), Scan(OTHER, OTHER.encode())]
        assert scanner.port.drained()
    assert await wait_until(lambda: not scanner.port.has_reader(), DEADLINE_S)


async def test_a_killed_reader_is_noticed_and_its_successor_opens_the_same_path(scanner: SimulatedScanner) -> None:
    for code in (EAN, OTHER):
        await scanner.scan(code)
        async with Reader(scanner.path, answers=False) as reader:
            assert await reader.line() == f"Scan {code}"
            assert await scanner.port.wait_drained(DEADLINE_S)
            assert scanner.port.has_reader()
            await reader.kill()
            assert await wait_until(lambda: not scanner.port.has_reader(), DEADLINE_S)


async def test_the_scanner_learns_what_the_station_decided(asking: SimulatedScanner) -> None:
    async with reader_of(asking, ack="honeywell") as device:
        for accepted in (True, False, True):
            scanning = asyncio.create_task(asking.scan(EAN))
            assert await collect(device, 1) == [Scan(EAN, b"]E0" + EAN.encode(), "]E0")]
            await device.acknowledge(accepted)
            assert await scanning is accepted
    assert (asking.sent, asking.accepted, asking.refused, asking.unanswered) == (3, 2, 1, 0)


async def test_what_is_no_code_is_refused_to_the_scanner_by_the_driver_itself(asking: SimulatedScanner) -> None:
    async with reader_of(asking, ack="honeywell") as device:
        reading = asyncio.create_task(collect(device, 3))
        assert await asking.long_line(10_000) is False
        await asking.garbage(b"\xff\r")
        scanning = asyncio.create_task(asking.scan(EAN))
        await reading
        await device.acknowledge(True)
        assert await scanning is True
    assert (asking.sent, asking.accepted, asking.refused) == (1, 1, 0)


async def test_a_scan_that_a_killed_reader_had_taken_is_known_to_be_unanswered(asking: SimulatedScanner) -> None:
    async with Reader(asking.path, answers=False) as reader:
        scanning = asyncio.create_task(asking.scan(EAN))
        assert await reader.line() == f"Scan {EAN}"
        await reader.kill()
        assert await scanning is None
    assert (asking.sent, asking.unanswered, asking.withdrawn) == (1, 1, 0)
    async with Reader(asking.path, answers=True):
        assert await asking.scan(EAN) is True
    assert (asking.sent, asking.accepted) == (2, 1)


async def test_a_scan_that_nobody_had_read_is_withdrawn_and_does_not_turn_up_later(asking: SimulatedScanner) -> None:
    async with SerialLink(SerialLine(str(asking.path))):
        scanning = asyncio.create_task(asking.scan(EAN))
        assert await wait_until(lambda: not asking.port.drained(), DEADLINE_S)
    assert await scanning is None
    assert await asking.scan(EAN, timeout_s=0.05) is None
    assert (asking.sent, asking.unanswered, asking.withdrawn) == (0, 0, 2)
    async with Reader(asking.path, answers=True) as reader:
        assert await asking.scan(OTHER) is True
        assert await reader.line() == f"Scan {OTHER}"


async def test_a_scan_made_with_nobody_there_is_answered_by_whoever_comes_in_time(asking: SimulatedScanner) -> None:
    scanning = asyncio.create_task(asking.scan(EAN))
    async with Reader(asking.path, answers=True):
        assert await scanning is True


async def test_a_late_answer_is_not_taken_for_the_next_scans(asking: SimulatedScanner) -> None:
    async with reader_of(asking, ack="honeywell") as device:
        reading = asyncio.create_task(collect(device, 2))
        assert await asking.scan(EAN, timeout_s=0.05) is None
        scanning = asyncio.create_task(asking.scan(OTHER))
        await reading
        await device.acknowledge(True)
        await device.acknowledge(False)
        assert await scanning is False
    assert (asking.sent, asking.accepted, asking.refused, asking.unanswered) == (2, 0, 1, 1)


async def test_a_scanner_that_takes_no_answers_does_not_stop_the_scans(scanner: SimulatedScanner) -> None:
    async with reader_of(scanner, ack="honeywell") as device:
        for _ in range(3):
            await scanner.scan(EAN)
            assert await collect(device, 1) == [Scan(EAN, EAN.encode())]
            await device.acknowledge(True)
        assert device.health().status is Status.READY


async def test_an_unplugged_scanner_is_lost_and_plugged_in_again_it_reads_on(scanner: SimulatedScanner) -> None:
    device = reader_of(scanner)
    async with device:
        reading = asyncio.create_task(collect(device, 1))
        await asyncio.sleep(0)
        scanner.port.unplug()
        with pytest.raises(LinkLost):
            await reading
    assert not scanner.path.exists()
    scanner.port.plug_in()
    async with device:
        await scanner.scan(EAN)
        assert await collect(device, 1) == [Scan(EAN, EAN.encode())]


async def test_the_scale_says_what_lies_on_it_and_when_it_cannot(scale: SimulatedScale8217) -> None:
    async with weigher_of(scale) as device:
        for grams, state in ((0, WeightState.ZERO), (1250, WeightState.STABLE), (15_000, WeightState.STABLE)):
            scale.put(grams)
            (reading,) = await collect(device, 1)
            assert isinstance(reading, Weight)
            assert (reading.grams, reading.state) == (grams, state)
        for trouble, state in TROUBLES.items():
            scale.trouble(trouble)
            (reading,) = await collect(device, 1)
            assert isinstance(reading, Weight)
            assert (reading.grams, reading.state) == (None, state)
    assert scale.asked == scale.weights + scale.statuses == 7
    assert scale.ignored == 0


@pytest.mark.parametrize(("grams", "state"), [(15_001, WeightState.OVER), (-5, WeightState.UNDER)])
async def test_what_the_scale_cannot_weigh_is_no_weight(
    scale: SimulatedScale8217, grams: int, state: WeightState
) -> None:
    scale.put(grams)
    async with weigher_of(scale) as device:
        (reading,) = await collect(device, 1)
        assert isinstance(reading, Weight)
        assert (reading.grams, reading.state) == (None, state)


async def test_a_net_weight_is_marked(scale: SimulatedScale8217) -> None:
    scale.put(740, net=True)
    async with weigher_of(scale) as device:
        assert await collect(device, 1) == [Weight(740, WeightState.STABLE, net=True, raw=b"\x0200.740N\r")]


async def test_a_silent_scale_is_a_fault_and_the_last_weight_is_not_used_again(scale: SimulatedScale8217) -> None:
    scale.put(1250)
    async with weigher_of(scale, answer_ms=300) as device:
        await collect(device, 1)
        scale.fall_silent()
        assert await collect(device, 2) == [Weight(None, WeightState.FAULT, net=False, raw=b"")] * 2
        assert device.health().note == "no answer within 300 ms"
        assert device.health().counters["silent"] == 2


async def test_an_answer_that_lay_waiting_is_not_given_for_a_new_question(scale: SimulatedScale8217) -> None:
    scale.put(1250)
    async with weigher_of(scale) as device:
        await collect(device, 1)
        await scale.port.send(scale.answer())
        assert await wait_until(lambda: not scale.port.drained(), DEADLINE_S)
        scale.put(730)
        (reading,) = await collect(device, 1)
        assert isinstance(reading, Weight)
        assert reading.grams == 730
        assert device.health().counters["late"] == 1


async def test_the_scale_is_asked_only_when_somebody_wants_to_know(scale: SimulatedScale8217) -> None:
    scale.put(1250)
    async with weigher_of(scale) as device:
        assert await scale.port.wait_for_reader(DEADLINE_S)
        assert scale.asked == 0
        await collect(device, 3)
    assert scale.asked == 3


async def test_a_scale_that_sends_each_weight_once_is_confirmed_by_its_all_clear(tmp_path: Path) -> None:
    async with SimulatedScale8217(tmp_path / "s", unit="g", once=True) as scale:
        scale.put(1250)
        async with weigher_of(scale, unit="g", all_clear_repeats=True) as device:
            readings = await collect(device, 3)
        assert [(one.grams, one.confirmed) for one in readings if isinstance(one, Weight)] == [
            (1250, False),
            (1250, True),
            (1250, True),
        ]
        async with weigher_of(scale, unit="g", all_clear_repeats=True) as device:
            (reading,) = await collect(device, 1)
        assert isinstance(reading, Weight)
        assert (reading.grams, reading.state) == (None, WeightState.UNCHANGED)


async def test_after_a_silence_the_all_clear_confirms_nothing(tmp_path: Path) -> None:
    async with SimulatedScale8217(tmp_path / "s", once=True) as scale:
        scale.put(1250)
        async with weigher_of(scale, all_clear_repeats=True, answer_ms=300) as device:
            readings = device.readings()
            assert await anext(readings) == Weight(1250, WeightState.STABLE, net=False, raw=b"\x0201.250\r")
            scale.fall_silent()
            assert await anext(readings) == Weight(None, WeightState.FAULT, net=False, raw=b"")
            scale.fall_silent(False)
            assert await anext(readings) == Weight(None, WeightState.UNCHANGED, net=False, raw=b"\x02?@\r")
