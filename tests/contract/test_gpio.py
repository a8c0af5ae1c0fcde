"""What holds for every set of output pins: those in memory, and RPi.GPIO's behind its own API."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from edge.errors import ContractBroken, HardwareAbsent
from edge.links.gpio import FakeGpio, Gpio, LevelChange, RpiGpio

PINS = (17, 27, 22)


class StandInModule(ModuleType):
    """RPi.GPIO as its documentation has it: a pin must be set up before it is driven, and cleanup makes it an input."""

    BCM, OUT, HIGH, LOW = 11, 0, 1, 0

    def __init__(self, broken_pin: int | None = None) -> None:
        super().__init__("RPi.GPIO")
        self.levels: dict[int, int] = {}
        self.mode: int | None = None
        self._broken_pin = broken_pin

    def setwarnings(self, _shown: bool) -> None:
        pass

    def setmode(self, mode: int) -> None:
        self.mode = mode

    def setup(self, pin: int, direction: int, *, initial: int) -> None:
        if self.mode != self.BCM or direction != self.OUT or pin == self._broken_pin:
            raise RuntimeError("No access to /dev/mem. Try running as root!")
        self.levels[pin] = initial

    def output(self, pin: int, level: int) -> None:
        if pin not in self.levels:
            raise RuntimeError("The GPIO channel has not been set up as an OUTPUT")
        self.levels[pin] = level

    def cleanup(self, pins: list[int]) -> None:
        for pin in pins:
            del self.levels[pin]


class Bench(NamedTuple):
    gpio: Gpio
    level: Callable[[int], bool]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> StandInModule:
    return install(monkeypatch, StandInModule())


def install(monkeypatch: pytest.MonkeyPatch, module: StandInModule) -> StandInModule:
    package = ModuleType("RPi")
    monkeypatch.setitem(sys.modules, "RPi", package)
    monkeypatch.setitem(sys.modules, "RPi.GPIO", module)
    return module


@pytest.fixture(params=["memory", "RPi.GPIO"])
def bench(request: pytest.FixtureRequest, module: StandInModule) -> Bench:
    if request.param == "memory":
        fake = FakeGpio(PINS, clock=lambda: 0)
        return Bench(fake, fake.level)
    return Bench(RpiGpio(PINS), lambda pin: bool(module.levels.get(pin, 0)))


async def test_pins_are_low_when_opened_and_take_the_level_written(bench: Bench) -> None:
    async with bench.gpio as gpio:
        assert [bench.level(pin) for pin in PINS] == [False, False, False]
        gpio.write(27, True)
        assert [bench.level(pin) for pin in PINS] == [False, True, False]
        gpio.write(27, False)
        assert not bench.level(27)


async def test_pins_are_given_back_when_closed_and_twice_is_harmless(bench: Bench) -> None:
    async with bench.gpio as gpio:
        gpio.write(17, True)
        gpio.close()
        assert not bench.level(17)
    bench.gpio.close()


async def test_pins_can_be_opened_again(bench: Bench) -> None:
    for _ in range(2):
        async with bench.gpio as gpio:
            gpio.write(22, True)
            assert bench.level(22)


async def test_driving_a_pin_that_is_not_open_or_not_ours_is_our_bug(bench: Bench) -> None:
    with pytest.raises(ContractBroken):
        bench.gpio.write(17, True)
    async with bench.gpio as gpio:
        with pytest.raises(ContractBroken):
            gpio.write(4, True)
    with pytest.raises(ContractBroken):
        bench.gpio.write(17, True)


@pytest.mark.parametrize("pins", [(17, 17), (28,), (-1,)])
def test_pins_that_cannot_be_are_our_bug(pins: tuple[int, ...]) -> None:
    for make in (RpiGpio, lambda pins: FakeGpio(pins, clock=lambda: 0)):
        with pytest.raises(ContractBroken):
            make(pins)


async def test_pins_in_memory_tell_each_change_of_level_and_its_time() -> None:
    times = count(10, 10)
    async with FakeGpio(PINS, clock=lambda: next(times)) as gpio:
        gpio.write(17, True)
        gpio.write(17, True)
        gpio.write(17, False)
        gpio.write(22, True)
    assert gpio.changes[:3] == (LevelChange(10, 17, True), LevelChange(20, 17, False), LevelChange(30, 22, True))


async def test_pins_that_were_on_go_off_when_closed_and_tell_it() -> None:
    async with FakeGpio(PINS, clock=lambda: 7) as gpio:
        gpio.write(17, True)
    assert gpio.changes == (LevelChange(7, 17, True), LevelChange(7, 17, False))


@pytest.fixture
def off_a_pi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What `import RPi.GPIO` does anywhere but on a Pi, once the package is installed."""
    package = tmp_path / "RPi"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "GPIO.py").write_text("raise RuntimeError('This module can only be run on a Raspberry Pi!')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("RPi", "RPi.GPIO"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield
    for name in ("RPi", "RPi.GPIO"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("off_a_pi")
async def test_off_a_pi_the_hardware_is_absent() -> None:
    with pytest.raises(HardwareAbsent, match="only be run on a Raspberry Pi"):
        await RpiGpio(PINS).__aenter__()


async def test_without_the_package_the_hardware_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "RPi.GPIO", None)
    with pytest.raises(HardwareAbsent, match="no GPIO here"):
        await RpiGpio(PINS).__aenter__()


async def test_pins_that_may_not_be_set_up_are_absent_and_none_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    module = install(monkeypatch, StandInModule(broken_pin=22))
    with pytest.raises(HardwareAbsent, match="No access"):
        await RpiGpio(PINS).__aenter__()
    assert module.levels == {}
