"""HID-POS scanners and HID scales on a node that is read as hidraw is: woken, checked, and silent ones noticed."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.codecs.readings import Reading, Refused, Scan, Weight, WeightState
from edge.drivers.api import Status, parse_table
from edge.drivers.hidpos_scanner import HidPosScanner, HidPosScannerSettings
from edge.drivers.scale_hid import ScaleHid, ScaleHidSettings
from edge.errors import HardwareAbsent
from edge.runner.supervisor import Peripheral
from protocol.identity import DeviceId
from shelfwire.simulators.hid import (
    KEYBOARD_DESCRIPTOR,
    SCANNER_DESCRIPTOR,
    SimulatedHid,
    SimulatedHidPos,
    SimulatedHidScale,
    scan_reports,
    weight_report,
)
from tests.integration.station_rig import MILK, StationRig, make_log, until

DEADLINE_S = 60


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


async def test_a_honeywell_that_knows_no_such_report_is_read_all_the_same_unless_its_table_insists(
    tmp_path: Path,
) -> None:
    async with SimulatedHidPos(tmp_path / "hidraw0", asleep=True, deaf=True) as device:
        device.wake_by_hand()
        async with scanner_on(device) as scanner:
            assert "takes no feature report: Broken pipe" in scanner.health().note
            device.scan("4006381333931")
            assert isinstance(await read(scanner.readings()), Scan)
        insisting = scanner_on(device, wake="always")
        with pytest.raises(HardwareAbsent, match="takes no feature report"):
            await insisting.__aenter__()
        assert insisting.health().status is Status.ABSENT


async def test_a_device_that_hangs_when_it_is_woken_holds_nobody_else_up(tmp_path: Path) -> None:
    hang = threading.Event()

    class Hanging(SimulatedHidPos):
        def take_feature(self, report: bytes) -> None:
            hang.wait(DEADLINE_S)
            super().take_feature(report)

    async with Hanging(tmp_path / "hidraw0", asleep=True) as device:
        scanner = scanner_on(device)
        opening = asyncio.create_task(scanner.__aenter__())
        for _ in range(100):
            await asyncio.sleep(0)
        assert not opening.done()
        hang.set()
        await opening
        device.scan("4006381333931")
        assert isinstance(await read(scanner.readings()), Scan)
        await scanner.__aexit__(None, None, None)


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


async def test_its_health_tells_how_long_it_has_moved_and_how_old_its_weight_is(tmp_path: Path) -> None:
    now = [10**9]
    async with SimulatedHidScale(tmp_path / "hidraw0") as device:
        scale = ScaleHid(ScaleHidSettings(path=str(device.path)), ioctl=device.ioctl, clock=lambda: now[0])
        async with scale:
            readings = scale.readings()
            device.put(1250)
            await read(readings)
            now[0] += 500 * 10**6
            device.status(3)
            await read(readings)
            now[0] += 31 * 10**9
            device.status(3)
            await read(readings)
            health = scale.health()
            assert health.figures["weight_age_ms"] == 31_500
            assert health.figures["in_motion_ms"] == 31_000
            assert "in motion for 31 s" in health.note


async def test_a_pause_of_our_own_does_not_split_the_code_that_came_meanwhile(tmp_path: Path) -> None:
    long = "https://id.gs1.org/01/04006381333931/10/" + "A" * 40
    async with SimulatedHidPos(tmp_path / "hidraw0") as device, scanner_on(device, idle_ms=50) as scanner:
        taking = asyncio.create_task(read(scanner.readings()))
        first, second = scan_reports(long.encode(), b"]Q1")
        await asyncio.sleep(0)
        device.send(first)
        await asyncio.sleep(0.01)
        device.send(second)
        time.sleep(0.1)  # noqa: ASYNC251 - the pause that is meant
        scan = await taking
        assert isinstance(scan, Scan)
        assert scan.text == long


@pytest.mark.alone
@pytest.mark.parametrize("kind", ["scanner", "scale"])
async def test_unplugged_and_back_it_reads_again_within_two_seconds_and_nothing_leaks(
    kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "hidraw0"
    scanner, scale = SimulatedHidPos(path, asleep=True), SimulatedHidScale(path)
    device: SimulatedHid = scanner if kind == "scanner" else scale
    driven = scanner_on(device) if kind == "scanner" else scale_on(device)
    rig = StationRig(make_log("memory", tmp_path), make_log("memory", tmp_path))
    rig.peripherals = [Peripheral(DeviceId(kind), kind, driven)]

    def readings() -> int:
        counters = driven.health().counters
        return counters.get("scan", 0) + counters.get("weight", 0)

    slowest_s, files, before = 0.0, set(), 0
    async with rig.at_work() as runner:
        for _ in range(20):
            device.plug_in()
            plugged = time.monotonic()
            await until(lambda: runner.ready)
            if kind == "scanner":
                scanner.scan(MILK)
            else:
                scale.put(1250)
            await until(lambda before=before: readings() > before)  # type: ignore[misc]
            slowest_s = max(slowest_s, time.monotonic() - plugged)
            files.add(len(os.listdir("/proc/self/fd")))
            device.unplug()
            await until(lambda: not runner.ready)
            before = readings()
    assert slowest_s < 2
    assert max(files) - min(files) <= 2
