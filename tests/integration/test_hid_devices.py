"""HID-POS scanners and HID scales on a node that is read as hidraw is: woken, checked, and silent ones noticed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.codecs.readings import Reading, Refused, Scan, Weight, WeightState
from edge.drivers.api import Status, parse_table
from edge.drivers.hidpos_scanner import HidPosScanner, HidPosScannerSettings
from edge.drivers.scale_hid import ScaleHid, ScaleHidSettings
from edge.errors import HardwareAbsent
from shelfwire.simulators.hid import (
    KEYBOARD_DESCRIPTOR,
    SCANNER_DESCRIPTOR,
    SimulatedHid,
    SimulatedHidPos,
    SimulatedHidScale,
    weight_report,
)

DEADLINE_S = 10


def scanner_on(device: SimulatedHid, **keys: object) -> HidPosScanner:
    settings = parse_table("hidpos-scanner", HidPosScannerSettings, {"path": str(device.path), **keys})
    return HidPosScanner(settings, ioctl=device.ioctl)


async def read(readings: AsyncIterator[Reading]) -> Reading:
    async with asyncio.timeout(DEADLINE_S):
        return await anext(readings)


async def test_a_honeywell_is_woken_on_opening_and_its_first_code_is_read(tmp_path: Path) -> None:
    async with SimulatedHidPos(tmp_path / "hidraw0", asleep=True) as device:
        device.scan("96385074")
        async with scanner_on(device) as scanner:
            assert device.features == [b"\xfe\x01"]
            device.scan("4006381333931")
            assert await read(scanner.readings()) == Scan("4006381333931", b"]E04006381333931", "]E0")
        assert device.swallowed == 1


async def test_others_are_sent_nothing_unless_their_table_says_so(tmp_path: Path) -> None:
    async with SimulatedHidPos(tmp_path / "hidraw0") as device:
        async with scanner_on(device):
            assert device.features == []
        async with scanner_on(device, wake="always"):
            assert device.features == [b"\xfe\x01"]
    async with SimulatedHidPos(tmp_path / "hidraw0", asleep=True) as device, scanner_on(device, wake="never"):
        assert device.features == []


async def test_a_scanner_set_to_be_a_keyboard_is_absent_and_says_so(tmp_path: Path) -> None:
    async with SimulatedHid(tmp_path / "h", vendor=0x0C2E, product=1, descriptor=KEYBOARD_DESCRIPTOR) as device:
        scanner = scanner_on(device)
        with pytest.raises(HardwareAbsent, match="not in HID-POS mode"):
            await scanner.__aenter__()
        assert scanner.health().status is Status.ABSENT
        assert "01/06" in scanner.health().note
        assert device.features == []


async def test_a_code_whose_end_is_lost_is_refused_once_the_scanner_is_silent(tmp_path: Path) -> None:
    long = "https://id.gs1.org/01/04006381333931/10/" + "A" * 200
    async with SimulatedHidPos(tmp_path / "hidraw0", shifted=True) as device, scanner_on(device, idle_ms=30) as scanner:
        readings = scanner.readings()
        device.scan_losing(long, "]Q1", lost=4)
        refused = await read(readings)
        assert isinstance(refused, Refused)
        assert refused.name == "cut-short"
        device.scan(long, "]Q1")
        scan = await read(readings)
        assert isinstance(scan, Scan)
        assert scan.text == long


async def test_a_thousand_codes_sent_at_once_are_a_thousand_scans(tmp_path: Path) -> None:
    async with SimulatedHidPos(tmp_path / "hidraw0") as device, scanner_on(device) as scanner:
        readings, codes = scanner.readings(), [f"{number:013d}" + "x" * 50 for number in range(1000)]
        taken: list[str] = []
        for start in range(0, 1000, 5):
            for code in codes[start : start + 5]:
                device.scan(code, "]C0")
            for _ in range(5):
                scan = await read(readings)
                assert isinstance(scan, Scan)
                taken.append(scan.text)
        assert taken == codes


def scale_on(device: SimulatedHid, silent_ms: int = 2000) -> ScaleHid:
    return ScaleHid(ScaleHidSettings(path=str(device.path), silent_ms=silent_ms), ioctl=device.ioctl)


async def test_the_weight_from_before_opening_is_never_given(tmp_path: Path) -> None:
    async with SimulatedHidScale(tmp_path / "hidraw0") as device, scale_on(device) as scale:
        device.put(1250)
        weight = await read(scale.readings())
        assert isinstance(weight, Weight)
        assert weight.grams == 1250


async def test_a_scale_that_falls_silent_is_at_fault_until_it_speaks_again(tmp_path: Path) -> None:
    async with SimulatedHidScale(tmp_path / "hidraw0") as device, scale_on(device, silent_ms=50) as scale:
        readings = scale.readings()
        device.put(1250)
        assert await read(readings) == Weight(1250, WeightState.STABLE, net=False, raw=weight_report(4, 2, 0, 1250))
        assert await read(readings) == Weight(None, WeightState.FAULT, net=False, raw=b"")
        assert scale.health().counters["silent"] >= 1
        assert "no report" in scale.health().note
        device.put(500)
        while (weight := await read(readings)) == Weight(None, WeightState.FAULT, net=False, raw=b""):
            pass
        assert isinstance(weight, Weight)
        assert weight.grams == 500
        assert scale.health().note == ""


async def test_of_weights_that_came_while_nobody_looked_the_newest_is_given(tmp_path: Path) -> None:
    async with SimulatedHidScale(tmp_path / "hidraw0") as device, scale_on(device) as scale:
        for grams in (100, 200, 300):
            device.put(grams)
        device.status(3)
        assert await read(scale.readings()) == Weight(
            None, WeightState.MOTION, net=False, raw=weight_report(3, 2, 0, 1250)
        )
        assert scale.health().counters["late"] == 6


async def test_what_is_no_scale_is_absent_and_says_so(tmp_path: Path) -> None:
    async with SimulatedHid(tmp_path / "h", vendor=1, product=1, descriptor=SCANNER_DESCRIPTOR) as device:
        scale = scale_on(device)
        with pytest.raises(HardwareAbsent, match="no HID scale"):
            await scale.__aenter__()
        assert scale.health().status is Status.ABSENT
