"""What holds for pins, whichever library drives and watches them: none, RPi.GPIO, libgpiod, or what is there.

Beyond 300 lines because it is one suite, run whole on each library.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import gpiod
import gpiod.line
import pytest

from edge.errors import ContractBroken, HardwareAbsent
from edge.links import gpio_lines
from edge.links.gpio import HIGH, LAST_PIN, LOW, Board, FakeGpio, FakeInput, Gpio, GpioInput, LevelChange, Pull
from edge.links.gpio_board import BoardGpio, BoardInput
from edge.links.gpio_lines import GpiodGpio, GpiodInput
from edge.links.gpio_rpi import RpiGpio, RpiInput
from tests.stand_ins.gpio import Lines, StandInGpiod, StandInRpi, install_gpiod, install_rpi

PINS = (17, 27, 22)
BUTTON = 4
DEADLINE_S = 60
PI_4 = "pinctrl-bcm2711"


class Bench(NamedTuple):
    gpio: Gpio
    level: Callable[[int], bool]


@pytest.fixture
def rpi(monkeypatch: pytest.MonkeyPatch) -> StandInRpi:
    return install_rpi(monkeypatch, StandInRpi())


@pytest.fixture
def lines() -> Lines:
    return Lines(PI_4)


@pytest.fixture
def libgpiod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lines: Lines) -> StandInGpiod:
    return install_gpiod(monkeypatch, {tmp_path / "gpiochip1": lines, tmp_path / "gpiochip0": Lines("brcmvirt-gpio")})


@pytest.fixture(params=["memory", "RPi.GPIO", "libgpiod", "either"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    if request.param == "memory":
        fake = FakeGpio(PINS, clock=lambda: 0)
        return Bench(fake, fake.level)
    if request.param == "RPi.GPIO":
        module: StandInRpi = request.getfixturevalue("rpi")
        return Bench(RpiGpio(PINS), lambda pin: bool(module.levels.get(pin, 0)))
    request.getfixturevalue("libgpiod")
    lines: Lines = request.getfixturevalue("lines")
    if request.param == "libgpiod":
        return Bench(GpiodGpio(PINS, devices=tmp_path), lambda pin: lines.levels.get(pin, False))
    chip = str(tmp_path / "gpiochip1")
    return Bench(BoardGpio(PINS, Board(chip=chip)), lambda pin: lines.levels.get(pin, False))


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


@pytest.mark.parametrize("pins", [(17, 17), (LAST_PIN + 1,), (-1,)])
def test_pins_that_cannot_be_are_our_bug(pins: tuple[int, ...]) -> None:
    for make in (RpiGpio, GpiodGpio, lambda pins: FakeGpio(pins, clock=lambda: 0), lambda p: BoardGpio(p, Board())):
        with pytest.raises(ContractBroken):
            make(pins)
    with pytest.raises(ContractBroken):
        RpiGpio((28,))


class Button(NamedTuple):
    make: Callable[[Pull], GpioInput]
    drive: Callable[[bool], None]


@pytest.fixture(params=["memory", "RPi.GPIO", "libgpiod", "either"])
def button(request: pytest.FixtureRequest, tmp_path: Path) -> Button:
    if request.param == "memory":
        pins: dict[Pull, FakeInput] = {"up": FakeInput(BUTTON, "up"), "down": FakeInput(BUTTON, "down")}

        def drive(level: bool) -> None:
            for pin in pins.values():
                pin.drive(level)

        return Button(pins.__getitem__, drive)
    if request.param == "RPi.GPIO":
        module: StandInRpi = request.getfixturevalue("rpi")
        return Button(lambda pull: RpiInput(BUTTON, pull), lambda level: module.drive(BUTTON, level))
    request.getfixturevalue("libgpiod")
    lines: Lines = request.getfixturevalue("lines")
    chip = str(tmp_path / "gpiochip1")
    if request.param == "libgpiod":
        return Button(lambda pull: GpiodInput(BUTTON, pull, devices=tmp_path), lambda level: lines.drive(BUTTON, level))
    return Button(lambda pull: BoardInput(BUTTON, pull, Board(chip=chip)), lambda level: lines.drive(BUTTON, level))


async def read(pin: GpioInput) -> bytes:
    async with asyncio.timeout(DEADLINE_S):
        return await pin.read()


@pytest.mark.parametrize(("pull", "at_rest"), [("up", True), ("down", False)])
async def test_an_input_rests_where_its_resistor_holds_it(button: Button, pull: Pull, at_rest: bool) -> None:
    async with button.make(pull) as pin:
        assert pin.level() is at_rest
        button.drive(not at_rest)
        assert pin.level() is not at_rest


async def test_an_edge_wakes_the_reader_with_the_level_after_it(button: Button) -> None:
    async with button.make("up") as pin:
        waiting = asyncio.create_task(read(pin))
        await asyncio.sleep(0)
        assert not waiting.done()
        button.drive(False)
        assert await waiting == LOW
        button.drive(True)
        assert await read(pin) == HIGH


async def test_edges_while_nobody_waits_are_one(button: Button) -> None:
    async with button.make("up") as pin:
        for level in (False, True, False, True, False):
            button.drive(level)
        assert await read(pin) == LOW
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await pin.read()


async def test_closing_wakes_a_waiting_reader_and_twice_is_harmless(button: Button) -> None:
    pin = button.make("up")
    async with pin:
        waiting = asyncio.create_task(read(pin))
        await asyncio.sleep(0)
        pin.close()
        assert await waiting == b""
        pin.close()


async def test_an_input_opens_again_and_then_hears_only_what_comes_then(button: Button) -> None:
    pin = button.make("up")
    for _ in range(2):
        async with pin:
            button.drive(False)
            assert await read(pin) == LOW
            button.drive(True)
    async with pin:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await pin.read()


async def test_an_input_that_is_not_open_or_open_already_is_our_bug(button: Button) -> None:
    pin = button.make("up")
    with pytest.raises(ContractBroken):
        pin.level()
    with pytest.raises(ContractBroken):
        await pin.read()
    async with pin:
        with pytest.raises(ContractBroken):
            await pin.__aenter__()
    with pytest.raises(ContractBroken):
        pin.level()


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
    for pins in (RpiGpio(PINS), RpiInput(BUTTON)):
        with pytest.raises(HardwareAbsent, match="only be run on a Raspberry Pi"):
            await pins.__aenter__()


async def test_without_the_package_the_hardware_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "RPi.GPIO", None)
    monkeypatch.setitem(sys.modules, "gpiod", None)
    with pytest.raises(HardwareAbsent, match="no GPIO here"):
        await RpiGpio(PINS).__aenter__()
    with pytest.raises(HardwareAbsent, match="no libgpiod here"):
        await GpiodGpio(PINS).__aenter__()
    with pytest.raises(HardwareAbsent, match=r"no libgpiod here.*; no GPIO here"):
        await BoardInput(BUTTON, "up", Board()).__aenter__()


async def test_with_version_1_of_libgpiod_the_hardware_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpiod", ModuleType("gpiod"))
    with pytest.raises(HardwareAbsent, match="version 1"):
        await GpiodGpio(PINS).__aenter__()


async def test_pins_that_may_not_be_set_up_are_absent_and_none_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    module = install_rpi(monkeypatch, StandInRpi(broken_pin=22))
    with pytest.raises(HardwareAbsent, match="No access"):
        await RpiGpio(PINS).__aenter__()
    assert module.claimed == set()


async def test_a_pin_whose_edges_rpi_gpio_cannot_have_is_absent_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    module = install_rpi(monkeypatch, StandInRpi(edges_fail=True))
    with pytest.raises(HardwareAbsent, match="GPIO4 cannot be watched: Failed to add edge detection"):
        await RpiInput(BUTTON).__aenter__()
    assert module.claimed == set()


async def test_the_chip_behind_the_header_is_found_by_what_it_is_and_not_by_its_number(
    libgpiod: StandInGpiod, lines: Lines, tmp_path: Path
) -> None:
    async with GpiodGpio(PINS, devices=tmp_path):
        assert set(lines.held) == set(PINS)
    del libgpiod.chips[str(tmp_path / "gpiochip1")]
    with pytest.raises(HardwareAbsent, match=r"gpiochip0 is brcmvirt-gpio, .*gpiochip1: No such file"):
        await GpiodGpio(PINS, devices=tmp_path).__aenter__()


async def test_lines_that_another_holds_or_that_are_not_there_are_absent(
    libgpiod: StandInGpiod, tmp_path: Path
) -> None:
    del libgpiod
    async with GpiodInput(27, devices=tmp_path):
        with pytest.raises(HardwareAbsent, match="lines 17, 27, 22 cannot be had: Device or resource busy"):
            await GpiodGpio(PINS, devices=tmp_path).__aenter__()
    with pytest.raises(HardwareAbsent, match="lines 99 cannot be had: line offset out of range"):
        await GpiodGpio((99,), devices=tmp_path).__aenter__()


async def test_a_chip_that_is_unplugged_ends_the_reads_of_its_inputs(
    libgpiod: StandInGpiod, lines: Lines, tmp_path: Path
) -> None:
    del libgpiod
    async with GpiodInput(BUTTON, devices=tmp_path) as pin:
        waiting = asyncio.create_task(read(pin))
        await asyncio.sleep(0)
        lines.unplug()
        assert await waiting == b""
        assert await read(pin) == b""


@pytest.mark.usefixtures("libgpiod")
async def test_of_two_libraries_the_one_that_is_set_is_taken_and_else_the_one_that_can(
    rpi: StandInRpi, lines: Lines, tmp_path: Path
) -> None:
    chip = str(tmp_path / "gpiochip1")
    async with BoardGpio(PINS, Board("auto", chip)):
        assert (set(lines.held), rpi.claimed) == (set(PINS), set())
    async with BoardGpio(PINS, Board("rpi")):
        assert (set(lines.held), rpi.claimed) == (set(), set(PINS))
    # No chip of a Pi is among the devices of this machine.
    async with BoardGpio(PINS, Board("auto")):
        assert (set(lines.held), rpi.claimed) == (set(), set(PINS))
    with pytest.raises(HardwareAbsent, match="no GPIO chip of a Raspberry Pi"):
        await BoardGpio(PINS, Board("gpiod")).__aenter__()
    with pytest.raises(HardwareAbsent, match="needs libgpiod"):
        await BoardGpio(PINS, Board("rpi", chip)).__aenter__()


async def test_the_real_libgpiod_without_a_chip_is_hardware_that_is_absent(tmp_path: Path) -> None:
    with pytest.raises(HardwareAbsent, match="no chip at all"):
        await GpiodGpio(PINS, devices=tmp_path).__aenter__()
    with pytest.raises(HardwareAbsent, match=r"gpiochip9: lines 4 cannot be had: No such file"):
        await GpiodInput(BUTTON, chip=str(tmp_path / "gpiochip9")).__aenter__()
    (tmp_path / "gpiochip0").touch()
    with pytest.raises(HardwareAbsent, match="gpiochip0"):
        await GpiodGpio(PINS, devices=tmp_path).__aenter__()


def test_what_stands_in_for_libgpiod_has_nothing_that_libgpiod_has_not() -> None:
    for ours, theirs in (
        (gpio_lines._Gpiod, gpiod),
        (gpio_lines._Request, gpiod.LineRequest),
        (gpio_lines._Line, gpiod.line),
    ):
        for name in {*vars(ours), *getattr(ours, "__annotations__", {})}:
            assert name.startswith("_") or hasattr(theirs, name), name
