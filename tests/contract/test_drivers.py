"""What holds for every driver that comes with the agent, and what the runner may rely on."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from edge.codecs.layouts import US
from edge.drivers.api import Device, Driver, Health, Settings, Status
from edge.drivers.builtin import DriverSpec, builtin_drivers
from edge.errors import BadSettings, ContractBroken, HardwareAbsent, LinkLost
from shelfwire.simulators.scale import SimulatedScale8217
from shelfwire.simulators.scanner import SimulatedScanner
from tests.contract.test_links import EvdevRig
from tests.unit.edge_codecs.keys import ENTER, press, typing

DEADLINE_S = 10


class Rig(NamedTuple):
    """A driver's device with something real at the other end."""

    make: Callable[[], Device]
    speak: Callable[[], object]
    vanish: Callable[[], None]
    kind: str


@pytest.fixture(params=["serial-scanner", "keyboard-wedge", "scale-8217"])
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    driver = builtin_drivers()[request.param].load()
    port = tmp_path / "device"
    if request.param == "serial-scanner":
        async with SimulatedScanner(port) as scanner:
            yield Rig(
                lambda: driver.make_from({"port": str(port)}),
                lambda: asyncio.ensure_future(scanner.scan("4006381333931")),
                scanner.port.unplug,
                "scan",
            )
    elif request.param == "keyboard-wedge":
        wedge = EvdevRig(tmp_path)
        strokes = typing(US, "4006381333931") + press(ENTER)
        yield Rig(
            lambda: driver.make_from({"path": str(wedge.path), "grab": False}),
            lambda: wedge.send(strokes),
            wedge.vanish,
            "scan",
        )
        wedge.vanish()
    else:
        async with SimulatedScale8217(port) as scale:
            yield Rig(
                lambda: driver.make_from({"port": str(port), "poll_ms": 50}),
                lambda: None,  # a scale speaks when it is asked
                scale.port.unplug,
                "weight",
            )


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
    assert "No such file" in health.note


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


TABLES: Mapping[str, dict[str, object]] = {
    "serial-scanner": {"port": "/dev/serial/by-id/x", "suffix": "crlf", "prefix": "%", "ack": "honeywell"},
    "keyboard-wedge": {"path": "/dev/input/by-id/x", "layout": "de", "idle_ms": 80},
    "scale-8217": {"port": "/dev/serial/by-id/y", "unit": "lb", "frame": "7E1", "poll_ms": 100},
}
every_driver = pytest.mark.parametrize("spec", builtin_drivers().values(), ids=builtin_drivers())


@every_driver
def test_a_table_becomes_typed_settings_and_a_device(spec: DriverSpec) -> None:
    driver = spec.load()
    assert isinstance(driver, Driver)
    assert driver.summary
    assert issubclass(driver.settings, Settings)
    assert driver.make_from(TABLES[spec.name]).health().status is Status.CLOSED


@every_driver
def test_a_typo_in_a_table_is_answered_with_the_key_that_was_meant(spec: DriverSpec) -> None:
    for key in TABLES[spec.name]:
        with pytest.raises(BadSettings) as caught:
            spec.load().make_from({**TABLES[spec.name], key + "x": 1})
        assert (caught.value.key, caught.value.suggestion) == (key + "x", key)


@every_driver
def test_a_table_without_its_path_is_refused(spec: DriverSpec) -> None:
    with pytest.raises(BadSettings, match="missing required field"):
        spec.load().make_from({})


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("serial-scanner", "suffix", "crcr"),
        ("serial-scanner", "baud", 9601),
        ("serial-scanner", "frame", "9N1"),
        ("serial-scanner", "idle_ms", 0),
        ("keyboard-wedge", "layout", "uk"),
        ("keyboard-wedge", "idle_ms", "fast"),
        ("scale-8217", "unit", "stone"),
        ("scale-8217", "poll_ms", 1),
    ],
)
def test_a_value_that_cannot_be_is_refused_under_its_key(name: str, key: str, value: object) -> None:
    with pytest.raises(BadSettings) as caught:
        builtin_drivers()[name].load().make_from({**TABLES[name], key: value})
    assert caught.value.key == key


def test_only_the_drivers_asked_for_are_imported() -> None:
    program = (
        "import sys; from edge.drivers.builtin import builtin_drivers; builtin_drivers()['scale-8217'].load(); "
        "print(*sorted(m for m in sys.modules if m.startswith(('edge.drivers.', 'edge.codecs.', 'serial', 'RPi'))))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert "edge.drivers.scale_8217" in loaded
    assert not {"edge.drivers.serial_scanner", "edge.drivers.keyboard_wedge", "serial", "RPi"} & set(loaded)


def test_a_module_without_the_driver_it_is_listed_for_is_our_bug() -> None:
    for spec in (DriverSpec("scale-8217", "edge.drivers.serial_scanner"), DriverSpec("scale-8217", "edge.errors")):
        with pytest.raises(ContractBroken):
            spec.load()
