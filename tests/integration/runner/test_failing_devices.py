"""A device that is absent, goes away or breaks is a status, and is tried again; the others carry on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from types import TracebackType

import pytest

from edge.codecs.readings import Reading, Scan
from edge.drivers.api import Health, Status
from edge.errors import HardwareAbsent
from edge.runner.supervisor import Peripheral
from protocol.events import (
    Delta,
)
from protocol.identity import DeviceId
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.runner.devices import scanner_at
from tests.integration.station_rig import (
    MILK,
    TEA,
    StationRig,
    entries,
    until,
)


async def test_an_absent_device_is_a_status_and_the_others_carry_on(
    rig: StationRig, scanner: SimulatedScanner, tmp_path: Path
) -> None:
    rig.peripherals = [scanner_at(tmp_path / "nothing", "gone"), scanner_at(scanner.path)]
    async with rig.at_work() as runner:
        assert await scanner.scan(MILK) is True
        gone, here, lights = runner.status.devices
        assert (gone.device, gone.status) == ("gone", "absent")
        assert gone.note
        assert (here.device, here.status) == ("scanner", "ready")
        assert lights.device == "lights"


@pytest.mark.alone
async def test_a_device_plugged_in_again_reads_within_two_seconds(rig: StationRig, scanner: SimulatedScanner) -> None:
    rig.peripherals = [scanner_at(scanner.path)]
    async with rig.at_work() as runner:
        assert await scanner.scan(MILK) is True
        for _ in range(3):
            scanner.port.unplug()
            await until(lambda: runner.status.devices[0].status == "absent")
            scanner.port.plug_in()
            plugged = time.monotonic()
            assert await scanner.scan(MILK) is True
            assert time.monotonic() - plugged < 2
        assert len(await entries(rig.stock)) == 4


async def test_a_driver_that_breaks_is_a_status_and_tried_again(rig: StationRig, scanner: SimulatedScanner) -> None:
    class Broken:
        opened = 0

        async def __aenter__(self) -> Broken:
            self.opened += 1
            return self

        async def __aexit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            pass

        async def readings(self) -> AsyncIterator[Reading]:
            yield Scan(MILK, MILK.encode())
            raise ZeroDivisionError("a bug")

        async def acknowledge(self, accepted: bool) -> None:
            raise ZeroDivisionError("another bug")

        def health(self) -> Health:
            return Health(Status.READY)

    broken = Broken()
    rig.peripherals = [Peripheral(DeviceId("broken"), "third-party", broken), scanner_at(scanner.path)]
    async with rig.at_work() as runner:
        await until(lambda: broken.opened >= 2)
        await until(lambda: runner.status.devices[0].status == "failed")
        assert runner.status.devices[0].note == "ZeroDivisionError: a bug"
        assert await scanner.scan(TEA) is True
        codes = [entry.code for entry in await entries(rig.stock) if isinstance(entry, Delta)]
        assert codes.count(TEA) == 1
        assert codes.count(MILK) >= 2


async def test_waits_grow_while_a_device_stays_away(rig: StationRig) -> None:
    opened: list[float] = []

    class Absent:
        async def __aenter__(self) -> Absent:
            opened.append(time.monotonic())
            raise HardwareAbsent("nothing there")

        async def __aexit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            pass

        def readings(self) -> AsyncIterator[Reading]:
            raise AssertionError

        async def acknowledge(self, accepted: bool) -> None:
            pass

        def health(self) -> Health:
            return Health(Status.ABSENT, note="nothing there")

    rig.peripherals = [Peripheral(DeviceId("absent"), "third-party", Absent())]
    async with rig.at_work():
        await until(lambda: len(opened) == 4)
    waits = [later - earlier for earlier, later in pairwise(opened)]
    # A busy machine makes any of them longer; none may be shorter than it should.
    assert all(wait > 0.99 * least for wait, least in zip(waits, (0.1, 0.2, 0.4), strict=True)), waits
