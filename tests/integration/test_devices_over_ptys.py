"""Scanner driver and simulated scanner over real ptys, surviving what shops do to cables and processes."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.codecs.readings import Reading, Refused, Scan
from edge.drivers.api import Status, parse_table
from edge.drivers.serial_scanner import SerialScanner, SerialScannerSettings
from edge.errors import LinkLost
from edge.links.serial import SerialLine, SerialLink
from shelfwire.simulators.port import wait_until
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.readings import DEADLINE_S, collect

EAN, OTHER = "4006381333931", "96385074"

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


def reader_of(scanner: SimulatedScanner, **settings: object) -> SerialScanner:
    table = {"port": str(scanner.path), "idle_ms": 50, **settings}
    return SerialScanner(parse_table("serial-scanner", SerialScannerSettings, table))


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


async def hear(device: SerialScanner, heard: asyncio.Queue[Reading]) -> None:
    async for reading in device.readings():
        heard.put_nowait(reading)


async def test_the_scanner_learns_what_the_station_decided(asking: SimulatedScanner) -> None:
    """Refused, it sends the code again, which is answered and not given: nothing is decided twice."""
    heard: asyncio.Queue[Reading] = asyncio.Queue()
    async with reader_of(asking, ack="honeywell") as device:
        hearing = asyncio.create_task(hear(device, heard))
        for accepted in (True, False, False, True):
            scanning = asyncio.create_task(asking.scan(EAN))
            async with asyncio.timeout(DEADLINE_S):
                assert await heard.get() == Scan(EAN, b"]E0" + EAN.encode(), "]E0")
            await device.acknowledge(accepted)
            assert await scanning is accepted
        hearing.cancel()
        await asyncio.wait([hearing])
    assert heard.empty()
    assert (asking.sent, asking.accepted, asking.refused, asking.unanswered) == (4, 2, 2, 0)
    assert asking.again == 2


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
    heard: asyncio.Queue[Reading] = asyncio.Queue()
    async with reader_of(asking, ack="honeywell") as device:
        hearing = asyncio.create_task(hear(device, heard))
        assert await asking.scan(EAN, timeout_s=0.05) is None
        scanning = asyncio.create_task(asking.scan(OTHER))
        async with asyncio.timeout(DEADLINE_S):
            await heard.get()
            await heard.get()
        await device.acknowledge(True)
        await device.acknowledge(False)
        assert await scanning is False
        hearing.cancel()
        await asyncio.wait([hearing])
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
