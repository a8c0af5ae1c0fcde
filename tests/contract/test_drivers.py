"""What holds for every driver that comes with the agent, and what the runner may rely on."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from edge.drivers.api import Device, Driver, Health, Settings, Status
from edge.drivers.installed import GROUP, DriverSpec, installed_drivers
from edge.errors import BadDriver, BadSettings, ContractBroken, HardwareAbsent, LinkLost
from tests.rigs.rig import DriverCase, Rig, driver_cases

DEADLINE_S = 60


CASES = driver_cases()


@pytest.fixture(params=[pytest.param(case, id=name, marks=case.marks) for name, case in CASES.items()])
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    async with request.param.rig(tmp_path) as rig:
        yield rig


async def first_reading(device: Device) -> str:
    async with asyncio.timeout(DEADLINE_S):
        async for reading in device.readings():
            return type(reading).__name__.lower()
    raise AssertionError("no reading")


async def last_reading(device: Device) -> None:
    async with asyncio.timeout(DEADLINE_S):
        async for _ in device.readings():
            pass


async def test_making_a_device_does_no_io(rig: Rig) -> None:
    rig.vanish()
    assert rig.make().health() == Health(Status.CLOSED)


async def test_an_open_device_is_ready_and_gives_readings_with_their_age(rig: Rig) -> None:
    async with rig.make() as device:
        before = device.health()
        assert before.status is Status.READY
        assert before.opened_boot_ns is not None
        assert before.last_reading_boot_ns is None
        rig.speak()
        assert await first_reading(device) == rig.kind
        after = device.health()
        assert after.last_reading_boot_ns is not None
        assert after.last_reading_boot_ns >= before.opened_boot_ns
        assert after.counters[rig.kind] >= 1
        assert rig.kind not in before.counters
    assert device.health().status is Status.CLOSED


async def test_a_device_that_is_not_there_is_absent_and_says_why(rig: Rig) -> None:
    rig.vanish()
    device = rig.make()
    with pytest.raises(HardwareAbsent):
        await device.__aenter__()
    health = device.health()
    assert health.status is Status.ABSENT
    assert rig.absent_note in health.note


async def test_a_device_that_goes_away_ends_its_readings_and_is_lost(rig: Rig) -> None:
    async with rig.make() as device:
        rig.speak()
        await first_reading(device)
        rig.vanish()
        with pytest.raises(LinkLost):
            await last_reading(device)
        assert device.health().status is Status.LOST
        assert device.health().note
    assert device.health().status is Status.LOST


async def test_reading_a_device_that_is_not_open_is_our_bug(rig: Rig) -> None:
    device = rig.make()
    with pytest.raises(ContractBroken):
        await first_reading(device)
    async with device:
        pass
    with pytest.raises(ContractBroken):
        await first_reading(device)


async def test_closing_twice_and_opening_again_are_harmless(rig: Rig) -> None:
    device = rig.make()
    for _ in range(2):
        async with device:
            rig.speak()
            assert await first_reading(device) == rig.kind
        await device.__aexit__(None, None, None)


async def test_acknowledging_never_raises(rig: Rig) -> None:
    device = rig.make()
    await device.acknowledge(True)
    async with device:
        await device.acknowledge(False)
        rig.vanish()
        await device.acknowledge(True)
    await device.acknowledge(True)


every_driver = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def test_every_driver_of_ours_is_tested_here() -> None:
    ours = {spec.name for spec in installed_drivers().values() if spec.entry.value.startswith("edge.drivers.")}
    assert set(CASES) == ours


def load(case: DriverCase) -> Driver[Any]:
    return installed_drivers()[case.name].load()


@every_driver
def test_a_table_becomes_typed_settings_and_a_device(case: DriverCase) -> None:
    driver = load(case)
    assert isinstance(driver, Driver)
    assert driver.summary
    assert issubclass(driver.settings, Settings)
    assert driver.make_from(case.table).health().status is Status.CLOSED


@every_driver
def test_a_typo_in_a_table_is_answered_with_the_key_that_was_meant(case: DriverCase) -> None:
    for key in case.table:
        with pytest.raises(BadSettings) as caught:
            load(case).make_from({**case.table, key + "x": 1})
        assert (caught.value.key, caught.value.suggestion) == (key + "x", key)


@every_driver
def test_a_table_without_its_path_is_refused(case: DriverCase) -> None:
    with pytest.raises(BadSettings, match="missing required field"):
        load(case).make_from({})


@every_driver
def test_a_value_that_cannot_be_is_refused_under_its_key(case: DriverCase) -> None:
    assert case.wrong
    for key, value in case.wrong:
        with pytest.raises(BadSettings) as caught:
            load(case).make_from({**case.table, key: value})
        assert caught.value.key == key


def test_only_the_drivers_asked_for_are_imported() -> None:
    program = (
        "import sys; from edge.drivers.installed import installed_drivers; installed_drivers()['scale-8217'].load(); "
        "print(*sorted(m for m in sys.modules if m.startswith(('edge.drivers.', 'edge.codecs.', 'serial', 'RPi'))))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert "edge.drivers.scale_8217" in loaded
    assert not {"edge.drivers.serial_scanner", "edge.drivers.keyboard_wedge", "serial", "RPi"} & set(loaded)


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("edge.drivers.serial_scanner:DRIVER", "calls itself 'serial-scanner'"),
        ("edge.errors:EdgeError", "no Driver"),
        ("edge.drivers.scale_8217:DRIVERS", "AttributeError"),
        ("edge.drivers.gone:DRIVER", "ModuleNotFoundError"),
    ],
)
def test_what_is_no_driver_of_that_name_is_named_and_never_crashes_the_station(place: str, why: str) -> None:
    with pytest.raises(BadDriver, match=why):
        DriverSpec("scale-8217", EntryPoint("scale-8217", place, GROUP)).load()
