"""The SSI driver and a simulated Zebra scanner on a bad cable: each code is given once, and the scanner is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.codecs.readings import Reading, Refused, Scan
from edge.drivers.api import parse_table
from edge.drivers.ssi_scanner import SsiScanner, SsiScannerSettings
from edge.runner.supervisor import Peripheral
from protocol.events import Delta
from protocol.identity import DeviceId
from shelfwire.simulators.ssi import GS1_DATAMATRIX, Fault, SimulatedSsiScanner
from tests.integration.readings import collect
from tests.integration.side_by_side import side_by_side
from tests.integration.station_rig import BAD, MILK, TEA, StationRig, entries, make_log

EAN = b"4006381333931"


@pytest.fixture
async def scanner(tmp_path: Path) -> AsyncIterator[SimulatedSsiScanner]:
    async with SimulatedSsiScanner(tmp_path / "scanner", patience_s=0.3) as scanner:
        yield scanner


def reader_of(scanner: SimulatedSsiScanner, **settings: object) -> SsiScanner:
    return SsiScanner(
        parse_table("ssi-scanner", SsiScannerSettings, {"port": str(scanner.path), "idle_ms": 100, **settings})
    )


async def accept(device: SsiScanner, found: list[Reading]) -> None:
    async for reading in device.readings():
        found.append(reading)
        if isinstance(reading, Scan):
            await device.acknowledge(True)


async def test_the_scanner_learns_what_the_station_decided(scanner: SimulatedSsiScanner) -> None:
    async with reader_of(scanner) as device:
        for accepted in (True, False, True):
            scanning = asyncio.create_task(scanner.scan(EAN))
            assert await collect(device, 1) == [Scan("4006381333931", EAN, "]E0")]
            await device.acknowledge(accepted)
            assert await scanning is accepted
    assert (scanner.sent, scanner.accepted, scanner.refused, scanner.resent) == (3, 2, 1, 0)


async def test_a_missing_answer_brings_two_resends_and_one_scan(scanner: SimulatedSsiScanner) -> None:
    async with reader_of(scanner) as device:
        scanning = asyncio.create_task(scanner.scan(EAN))
        assert await collect(device, 1) == [Scan("4006381333931", EAN, "]E0")]
        assert await scanning is None
        assert (scanner.resent, scanner.unanswered) == (2, 1)
        # The answer that comes too late is not sent once the scanner has gone on.
        scanning = asyncio.create_task(scanner.scan(b"96385074", 0x0A))
        assert await collect(device, 1) == [Scan("96385074", b"96385074", "]E4")]
        await device.acknowledge(True)
        await device.acknowledge(False)
        assert await scanning is False


FAULTS = {
    "the ACK is lost": [Fault.DEAF],
    "two ACKs are lost": [Fault.DEAF, Fault.DEAF],
    "a packet is damaged": [Fault.DAMAGED],
    "a packet and its resend are damaged": [Fault.DAMAGED, Fault.DAMAGED],
    "half a packet arrives": [Fault.CUT],
    "noise before it": [Fault.NOISE],
    "a packet is lost": [Fault.LOST],
    "damaged, then the ACK is lost": [Fault.DAMAGED, Fault.DEAF],
}


@pytest.mark.parametrize("each_packet", [True, False], ids=["option 1", "option 2"])
async def test_whatever_happens_on_the_cable_each_code_is_given_once(tmp_path: Path, each_packet: bool) -> None:
    """The gap is shorter than the scanner's patience here, which is the harder case."""

    async def check(folder: Path, faults: list[Fault]) -> None:
        long = b"https://id.gs1.org/01/04006381333931/21/" + b"S" * 600
        if Fault.LOST in faults and not each_packet:
            long = b"short"  # nothing betrays that a packet of a long code is missing, which its page says
        codes = [(EAN, 0x0B), (b"96385074", 0x0A), (long, 0x1C), (b"0104006381333931\x1d21S", GS1_DATAMATRIX)]
        found: list[Reading] = []
        scanner = SimulatedSsiScanner(folder / "s", patience_s=0.2, each_packet=each_packet)
        async with scanner, reader_of(scanner, multipacket="each" if each_packet else "end") as device:
            accepting = asyncio.create_task(accept(device, found))
            assert await scanner.scan(b"2000000000008") is True
            for code, kind in codes:
                scanner.suffer(*faults)
                assert await scanner.scan(code, kind) is True
            accepting.cancel()
            await asyncio.wait([accepting])
        scans = [one.raw for one in found if isinstance(one, Scan)]
        assert scans == [b"2000000000008", *(code for code, _ in codes)]
        assert {one.name for one in found if isinstance(one, Refused)} <= {"garbage", "cut-short", "checksum"}
        assert scanner.accepted == len(codes) + 1

    await side_by_side(tmp_path, FAULTS, check)


async def test_a_station_answers_once_the_sale_is_on_disk(scanner: SimulatedSsiScanner, tmp_path: Path) -> None:
    rig = StationRig(make_log("disk", tmp_path / "stock.db"), make_log("disk", tmp_path / "chatter.db"))
    rig.peripherals = [Peripheral(DeviceId("scanner"), "ssi-scanner", reader_of(scanner))]
    async with rig.at_work() as runner:
        assert await scanner.scan(MILK.encode()) is True
        assert [entry.code for entry in await entries(rig.stock) if isinstance(entry, Delta)] == [MILK]
        scanner.suffer(Fault.DEAF)
        assert await scanner.scan(TEA.encode()) is True
        assert await scanner.scan(BAD.encode()) is False
        assert [entry.code for entry in await entries(rig.stock) if isinstance(entry, Delta)] == [MILK, TEA]
        assert (runner.status.accepted, runner.status.rejected) == (2, 1)
