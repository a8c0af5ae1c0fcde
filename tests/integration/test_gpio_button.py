"""A button: bouncing contacts are one press, a stuck one none, and a press does what its command card does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from edge.codecs.readings import Reading, Scan
from edge.drivers.gpio_button import GpioButton, GpioButtonSettings
from edge.links.gpio import FakeInput, Pull
from edge.runner.supervisor import Peripheral
from edge.station.actions import Accepted
from edge.station.happenings import Decided, Happening
from protocol.events import Delta, Reversal
from protocol.identity import DeviceId
from tests.integration.station_rig import MILK, StationRig, entries, make_log, until

DEADLINE_S = 60
PRESS = [Scan("SW1:UNDO", b"SW1:UNDO")]


def button(pin: FakeInput, *, pull: Pull = "up", active_low: bool = True) -> GpioButton:
    settings = GpioButtonSettings(pin=4, sends="SW1:UNDO", pull=pull, active_low=active_low, debounce_ms=20)
    return GpioButton(settings, pin)


async def heard(readings: AsyncIterator[Reading], for_s: float = 0.1) -> list[Reading]:
    """What is read until nothing has been for a while."""
    taken: list[Reading] = []
    while True:
        try:
            async with asyncio.timeout(for_s):
                taken.append(await anext(readings))
        except (TimeoutError, StopAsyncIteration):
            return taken


async def after(pin: FakeInput, device: GpioButton, levels: Sequence[bool]) -> list[Reading]:
    """What a button gives whose contacts do this at once, so that no busy machine makes it slow."""
    readings = device.readings()
    taking = asyncio.create_task(heard(readings))
    await asyncio.sleep(0)
    for level in levels:
        pin.drive(level)
        await asyncio.sleep(0)
    return await taking


@pytest.mark.parametrize(("pull", "active_low"), [("up", True), ("down", False)])
async def test_contacts_that_bounce_are_one_press(pull: Pull, active_low: bool) -> None:
    pin = FakeInput(4, pull)
    down, up = not active_low, active_low
    async with button(pin, pull=pull, active_low=active_low) as device:
        assert await after(pin, device, [down, up, down, up, down]) == PRESS
        assert await after(pin, device, [up, down, up, down, up]) == []
        assert device.health().counters["scan"] == 1


async def test_noise_that_is_over_at_once_is_no_press() -> None:
    pin = FakeInput(4)
    async with button(pin) as device:
        assert await after(pin, device, [False, True]) == []


async def test_a_button_held_down_is_one_press_and_one_stuck_from_the_start_is_none() -> None:
    pin = FakeInput(4)
    pin.drive(False)
    async with button(pin) as device:
        assert await after(pin, device, []) == []
        assert await after(pin, device, [True]) == []
        assert await after(pin, device, [False]) == PRESS


async def test_a_press_takes_the_last_scan_back_as_its_card_does(tmp_path: Path) -> None:
    rig = StationRig(make_log("memory", tmp_path), make_log("memory", tmp_path))
    pin = FakeInput(4)
    rig.peripherals = [Peripheral(DeviceId("undo"), "gpio-button", button(pin))]
    async with rig.at_work() as runner:
        assert not runner.ready
        await until(lambda: runner.ready)
        assert isinstance(await runner.scan(MILK), Accepted)
        with runner.listen() as happenings:
            pin.drive(False)
            decided = await next_decision(happenings)
        assert (decided.device, isinstance(decided.outcome, Accepted)) == ("undo", True)
        assert [type(entry) for entry in await entries(rig.stock)] == [Delta, Reversal]


async def next_decision(happenings: AsyncIterator[Happening]) -> Decided:
    async with asyncio.timeout(DEADLINE_S):
        async for happening in happenings:
            if isinstance(happening, Decided):
                return happening
    raise AssertionError("nothing was decided")
