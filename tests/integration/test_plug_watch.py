"""A device that appears is tried at once, and one that is not there costs nothing."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType

import pytest

from edge.codecs.readings import Reading, Scan
from edge.drivers.api import Health, Status
from edge.drivers.serial_scanner import SerialScanner, SerialScannerSettings
from edge.errors import HardwareAbsent
from edge.hardware.watch import Plug, PlugWatch
from edge.runner.supervisor import Peripheral, Supervisor
from edge.station.happenings import DeviceCondition
from protocol.identity import DeviceId
from shelfwire.simulators.port import wait_until
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.agent_process import AgentProcess

DEADLINE_S = 60
AT_ONCE_S = 0.05
"""Far less than the shortest back-off, 0.1 s."""
EAN = "4006381333931"


@pytest.fixture
async def watch() -> AsyncIterator[PlugWatch]:
    async with PlugWatch() as watch:
        yield watch


async def told(plug: Plug) -> bool:
    """Whether the plug is told of something now; forgets it then."""
    try:
        async with asyncio.timeout(0.5):
            await plug.appeared()
    except TimeoutError:
        return False
    plug.forget()
    return True


async def test_a_path_that_is_made_linked_moved_or_opened_to_us_is_told(watch: PlugWatch, tmp_path: Path) -> None:
    path = tmp_path / "scanner"
    plug = watch.plug([str(path)])
    assert plug.gone()
    path.touch(mode=0o600)
    assert await told(plug)
    assert not plug.gone()
    path.chmod(0o660)
    assert await told(plug)
    path.unlink()
    assert plug.gone()
    path.symlink_to(tmp_path)
    assert await told(plug)
    path.unlink()
    (tmp_path / "other").touch()
    (tmp_path / "other").rename(path)
    assert await told(plug)


async def test_what_is_there_already_is_told_once(watch: PlugWatch, tmp_path: Path) -> None:
    assert await told(watch.plug([str(tmp_path)]))


async def test_neighbours_and_leaving_are_not_told(watch: PlugWatch, tmp_path: Path) -> None:
    path = tmp_path / "scanner"
    path.touch()
    plug = watch.plug([str(path)])
    plug.forget()
    (tmp_path / "scanner2").touch()
    path.unlink()
    assert not await told(plug)


async def test_folders_that_come_and_go_with_the_device_are_followed(watch: PlugWatch, tmp_path: Path) -> None:
    path = tmp_path / "serial" / "by-id" / "usb-x"
    plug = watch.plug([str(path)])
    for _ in range(50):
        plug.forget()
        path.parent.mkdir(parents=True)
        path.symlink_to("/dev/null")
        async with asyncio.timeout(DEADLINE_S):
            while plug.gone():
                await plug.appeared()
                plug.forget()
        shutil.rmtree(tmp_path / "serial")
        assert plug.gone()


async def test_two_devices_in_one_folder_are_told_each_for_itself(watch: PlugWatch, tmp_path: Path) -> None:
    one, other = watch.plug([str(tmp_path / "one")]), watch.plug([str(tmp_path / "link" / ".." / "other")])
    (tmp_path / "other").touch()
    assert await told(other)
    assert not await told(one)


async def test_the_kernel_says_nothing_while_nothing_changes(watch: PlugWatch, tmp_path: Path) -> None:
    plug = watch.plug([str(tmp_path / "serial" / "by-id" / "x")])
    await asyncio.sleep(1)
    assert watch.wakes == 0
    assert plug.gone()


async def test_a_watch_that_was_closed_leaves_the_back_off(tmp_path: Path) -> None:
    async with PlugWatch() as watch:
        plug = watch.plug([str(tmp_path / "x")])
        assert plug.gone()
    watch.close()
    assert not plug.gone()
    with pytest.raises(HardwareAbsent):
        watch.plug([str(tmp_path / "x")])


class Counted:
    """A device that is never there, and counts how often it is tried."""

    def __init__(self) -> None:
        self.tries = 0

    async def __aenter__(self) -> Counted:
        self.tries += 1
        raise HardwareAbsent("no")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def readings(self) -> AsyncIterator[Reading]:
        raise AssertionError("never open")

    async def acknowledge(self, accepted: bool) -> None: ...

    def health(self) -> Health:
        return Health(Status.ABSENT, note="no")


class Listening:
    """What a supervisor is given to tell."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.conditions: list[DeviceCondition] = []

    async def reading(self, _: Peripheral, reading: Reading) -> None:
        self.readings.append(reading)

    def supervise(self, peripheral: Peripheral, plug: Plug | None) -> Supervisor:
        return Supervisor(peripheral, self.reading, self.conditions.append, lambda _: None, plug)


@pytest.mark.alone
async def test_an_absent_device_is_not_tried_again_until_it_appears(watch: PlugWatch, tmp_path: Path) -> None:
    device, path = Counted(), tmp_path / "x"
    supervisor = Listening().supervise(Peripheral(DeviceId("x"), "counted", device), watch.plug([str(path)]))
    supervisor.start()
    await asyncio.sleep(2)
    assert device.tries == 1
    path.touch()
    assert await wait_until(lambda: device.tries > 1, AT_ONCE_S)
    await supervisor.stop()


async def test_a_device_that_is_there_and_cannot_be_opened_is_still_tried(watch: PlugWatch, tmp_path: Path) -> None:
    device, path = Counted(), tmp_path / "x"
    path.touch()
    supervisor = Listening().supervise(Peripheral(DeviceId("x"), "counted", device), watch.plug([str(path)]))
    supervisor.start()
    assert await wait_until(lambda: device.tries >= 3, DEADLINE_S)
    await supervisor.stop()


@pytest.mark.alone
async def test_a_scanner_plugged_back_in_reads_at_once(watch: PlugWatch, tmp_path: Path) -> None:
    path = tmp_path / "serial" / "by-id" / "scanner"
    path.parent.mkdir(parents=True)
    told, took = Listening(), []
    device = SerialScanner(SerialScannerSettings(port=str(path)))
    supervisor = told.supervise(
        Peripheral(DeviceId("s"), "serial-scanner", device, experimental="built from a page"), watch.plug([str(path)])
    )
    async with SimulatedScanner(path) as scanner:
        supervisor.start()
        for number in range(1, 21):
            assert await scanner.port.wait_for_reader(DEADLINE_S)
            await scanner.scan(EAN)
            assert await wait_until(lambda number=number: len(told.readings) == number, DEADLINE_S)  # type: ignore[misc]
            scanner.port.unplug()
            assert await wait_until(lambda: supervisor.condition.status == "lost", DEADLINE_S)
            plugged = time.monotonic()
            scanner.port.plug_in()
            assert await scanner.port.wait_for_reader(DEADLINE_S)
            took.append(time.monotonic() - plugged)
        await supervisor.stop()
    assert told.readings == [Scan(EAN, EAN.encode())] * 20
    assert max(took) < 2
    assert sorted(took)[len(took) // 2] < AT_ONCE_S
    print(f"plugged in to open: median {sorted(took)[10] * 1000:.1f} ms, at most {max(took) * 1000:.1f} ms")
    assert {condition.note for condition in told.conditions} == {"experimental", f"{path} went away; experimental"}


@pytest.mark.alone
async def test_an_agent_reads_a_scanner_that_was_not_there_when_it_started(tmp_path: Path) -> None:
    """By then the back-off would be at its longest, 1.5 s."""
    path = tmp_path / "serial" / "by-id" / "scanner"
    agent = AgentProcess(tmp_path, {"scanner": {"driver": "serial-scanner", "port": str(path), "ack": "honeywell"}})
    took = []
    async with agent:
        for _ in range(2):
            await asyncio.sleep(2)
            path.parent.mkdir(parents=True)
            plugged = time.monotonic()
            async with SimulatedScanner(path, ack=True) as scanner:
                assert await scanner.port.wait_for_reader(DEADLINE_S)
                took.append(time.monotonic() - plugged)
                assert await scanner.scan(EAN) is True
            path.parent.rmdir()
            path.parent.parent.rmdir()
    assert min(took) < 0.5
    assert max(took) < 2
    print(f"plugged in to open by the agent: {', '.join(f'{s * 1000:.0f} ms' for s in took)}")
