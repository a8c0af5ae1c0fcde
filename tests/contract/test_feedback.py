"""What holds for every way to tell the person at the station: lights and tone on pins, and the one that remembers.

Beyond 300 lines because it is one suite, run whole on each way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

import msgspec
import pytest

from edge.drivers.api import Status, parse_table
from edge.drivers.feedback import (
    PATTERNS,
    REMEMBERED,
    Feedback,
    GpioFeedback,
    MemoryFeedback,
    Signal,
    Standing,
)
from edge.drivers.lights import FeedbackSettings, pins_of
from edge.errors import BadSettings
from edge.links.gpio import FakeGpio, Gpio
from edge.links.gpio_board import BoardGpio

SETTINGS = FeedbackSettings(green_pin=17, red_pin=27, buzzer_pin=22)


class Hand:
    """Time that passes when the test says so: what waits goes on in order of its deadline."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._waiting: list[tuple[float, asyncio.Future[None]]] = []

    def ns(self) -> int:
        return round(self.now_s * 1e9)

    async def wait(self, seconds: float) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((self.now_s + seconds, done))
        await done

    async def pass_s(self, seconds: float) -> None:
        end = self.now_s + seconds
        await settle()
        while due := sorted(
            (at, n) for n, (at, one) in enumerate(self._waiting) if at <= end + 1e-9 and not one.done()
        ):
            at, number = due[0]
            self.now_s = at
            self._waiting[number][1].set_result(None)
            await settle()
        self.now_s = end


async def settle() -> None:
    """Let every task that is ready run."""
    for _ in range(5):
        await asyncio.sleep(0)


class Lights(NamedTuple):
    feedback: GpioFeedback
    gpio: FakeGpio
    hand: Hand

    def shown(self) -> str:
        """The outputs that are on, by first letter: green, red, tone."""
        return "".join(name for pin, name in ((17, "g"), (27, "r"), (22, "t")) if self.gpio.level(pin))


@pytest.fixture
def lights() -> Lights:
    hand = Hand()
    gpio = FakeGpio(pins_of(SETTINGS), hand.ns)
    return Lights(GpioFeedback(SETTINGS, gpio, wait=hand.wait, clock=hand.ns), gpio, hand)


@pytest.fixture(params=["lights", "memory", "absent"])
def feedback(request: pytest.FixtureRequest, lights: Lights) -> Feedback:
    makers: dict[str, Callable[[], Feedback]] = {
        "lights": lambda: lights.feedback,
        "memory": MemoryFeedback,
        "absent": lambda: GpioFeedback(SETTINGS),
    }
    return makers[request.param]()


async def test_signals_are_counted_and_never_raise_open_or_not(feedback: Feedback) -> None:
    await feedback.accepted()
    async with feedback:
        await feedback.accepted()
        await feedback.refused()
        await feedback.attention()
        await feedback.stand(Standing(ready=True))
    await feedback.refused()
    await feedback.stand(Standing(behind=True))
    assert feedback.health().counters == {"accepted": 2, "refused": 2, "attention": 1}


async def test_a_signal_does_not_wait_for_the_light_to_go_out(feedback: Feedback) -> None:
    async with feedback, asyncio.timeout(1):
        for _ in range(100):
            await feedback.refused()


async def test_it_opens_and_closes_more_than_once(feedback: Feedback) -> None:
    for _ in range(2):
        async with feedback:
            await feedback.accepted()
        await feedback.__aexit__(None, None, None)


async def test_its_health_says_whether_anybody_can_see_it(feedback: Feedback) -> None:
    assert feedback.health().status is Status.CLOSED
    async with feedback:
        expected = Status.ABSENT if isinstance(feedback, GpioFeedback) and _is_real(feedback) else Status.READY
        assert feedback.health().status is expected
        assert (feedback.health().note != "") == (expected is Status.ABSENT)


def _is_real(feedback: GpioFeedback) -> bool:
    return isinstance(feedback._gpio, BoardGpio)


async def test_the_one_in_memory_remembers_what_was_shown_and_not_without_end() -> None:
    async with MemoryFeedback() as feedback:
        await feedback.accepted()
        await feedback.refused()
        assert feedback.signals == (Signal.ACCEPTED, Signal.REFUSED)
        for _ in range(REMEMBERED + 5):
            await feedback.accepted()
        assert len(feedback.signals) == REMEMBERED


async def test_accepted_is_green_with_one_short_tone_and_goes_out(lights: Lights) -> None:
    async with lights.feedback as feedback:
        await feedback.accepted()
        await settle()
        assert lights.shown() == "gt"
        await lights.hand.pass_s(0.1)
        assert lights.shown() == "g"
        await lights.hand.pass_s(0.3)
        assert lights.shown() == ""


async def test_refused_is_red_and_sounds_longer_than_accepted(lights: Lights) -> None:
    async with lights.feedback as feedback:
        await feedback.refused()
        await settle()
        assert lights.shown() == "rt"
        await lights.hand.pass_s(3)
        assert lights.shown() == ""
    tone = {signal: sum(step.duration_s for step in steps if step.tone) for signal, steps in PATTERNS.items()}
    assert tone[Signal.REFUSED] > 5 * tone[Signal.ACCEPTED]
    assert not any(change.pin == 17 for change in lights.gpio.changes)


async def test_the_newest_signal_replaces_the_one_that_shows(lights: Lights) -> None:
    async with lights.feedback as feedback:
        await feedback.accepted()
        await lights.hand.pass_s(0.2)
        await feedback.accepted()
        await settle()
        assert lights.shown() == "gt"
        await feedback.refused()
        await settle()
        assert lights.shown() == "rt"


async def test_a_refusal_is_seen_and_heard_before_the_next_acceptance_shows(lights: Lights) -> None:
    async with lights.feedback as feedback:
        await feedback.refused()
        await lights.hand.pass_s(0.1)
        await feedback.accepted()
        await lights.hand.pass_s(0.3)
        assert lights.shown() == "rt"
        await lights.hand.pass_s(0.15)
        assert lights.shown() == "gt"
        await lights.hand.pass_s(1)
        assert lights.shown() == ""


async def test_closing_turns_everything_off(lights: Lights) -> None:
    async with lights.feedback as feedback:
        await feedback.attention()
        await settle()
        assert lights.shown() == "grt"
    assert lights.shown() == ""


STACK = FeedbackSettings(green_pin=17, red_pin=27, ready_pin=5, busy_pin=6, offline_pin=13, refused_pin=19)
COLOURS = ((5, "ready"), (6, "busy"), (13, "offline"), (19, "refused"))


def stack_light(active_low: bool = False) -> tuple[GpioFeedback, Callable[[], list[str]]]:
    """A stack light, and what it shows."""
    settings = msgspec.structs.replace(STACK, active_low=active_low)
    gpio, hand = FakeGpio(pins_of(settings), lambda: 0), Hand()
    feedback = GpioFeedback(settings, gpio, wait=hand.wait)
    return feedback, lambda: [name for pin, name in COLOURS if gpio.level(pin) is not active_low]


@pytest.mark.parametrize("active_low", [False, True])
async def test_a_stack_light_shows_how_the_station_stands_until_it_stands_otherwise(active_low: bool) -> None:
    feedback, shown = stack_light(active_low)
    async with feedback:
        assert shown() == []
        await feedback.stand(Standing(ready=True))
        assert shown() == ["ready"]
        await feedback.stand(Standing(ready=True, busy=True, behind=True))
        assert shown() == ["ready", "busy", "offline"]
        await feedback.accepted()
        await settle()
        assert shown() == ["ready", "busy", "offline"]
        await feedback.stand(Standing())
        assert shown() == []


async def test_a_refusal_stands_on_the_stack_light_until_a_scan_is_accepted() -> None:
    feedback, shown = stack_light()
    async with feedback:
        await feedback.stand(Standing(ready=True))
        await feedback.refused()
        await feedback.attention()
        await feedback.stand(Standing(ready=True, behind=True))
        assert shown() == ["ready", "offline", "refused"]
        await feedback.accepted()
        assert shown() == ["ready", "offline"]


async def test_a_stack_light_begins_dark_each_time_and_closing_leaves_it_dark() -> None:
    feedback, shown = stack_light()
    for _ in range(2):
        async with feedback:
            assert shown() == []
            await feedback.stand(Standing(ready=True))
            await feedback.refused()
            assert shown() == ["ready", "refused"]
        assert shown() == []


async def test_the_one_in_memory_remembers_how_the_station_stood() -> None:
    async with MemoryFeedback() as feedback:
        assert feedback.standing is None
        await feedback.stand(Standing(busy=True))
        assert feedback.standing == Standing(busy=True)


async def test_lamps_that_are_on_when_low_are_off_at_rest() -> None:
    settings = FeedbackSettings(green_pin=5, red_pin=6, active_low=True)
    gpio, hand = FakeGpio(pins_of(settings), lambda: 0), Hand()
    async with GpioFeedback(settings, gpio, wait=hand.wait) as feedback:
        assert (gpio.level(5), gpio.level(6)) == (True, True)
        await feedback.accepted()
        await settle()
        assert (gpio.level(5), gpio.level(6)) == (False, True)


async def test_pins_that_fail_while_open_are_a_status() -> None:
    class Failing(FakeGpio):
        def write(self, pin: int, level: bool) -> None:
            if level:
                raise OSError("bus error")
            super().write(pin, level)

    gpio: Gpio = Failing(pins_of(SETTINGS), lambda: 0)
    async with GpioFeedback(SETTINGS, gpio) as feedback:
        await feedback.accepted()
        await settle()
        assert feedback.health().status is Status.LOST
        assert "bus error" in feedback.health().note
        await feedback.accepted()


@pytest.mark.parametrize("breaks_at", ["opening", "closing"])
async def test_pins_that_fail_when_all_goes_off_are_a_status_too(breaks_at: str) -> None:
    class Breaking(FakeGpio):
        broken = breaks_at == "opening"

        def write(self, pin: int, level: bool) -> None:
            if self.broken:
                raise OSError("No such device")
            super().write(pin, level)

    gpio = Breaking(pins_of(STACK), lambda: 0)
    feedback = GpioFeedback(STACK, gpio)
    async with feedback:
        assert (feedback.health().status is Status.LOST) == gpio.broken
        await feedback.stand(Standing(ready=True))
        gpio.broken = True
        await feedback.refused()
    assert feedback.health().status is Status.LOST
    assert "No such device" in feedback.health().note


def test_settings_name_typos_and_pins_used_twice() -> None:
    with pytest.raises(BadSettings, match="green_pin"):
        parse_table("lights", FeedbackSettings, {"gren_pin": 4})
    with pytest.raises(BadSettings, match="GPIO0 to GPIO27, no 40"):
        GpioFeedback(FeedbackSettings(red_pin=40))
    assert pins_of(FeedbackSettings(red_pin=40, chip="/dev/gpiochip1")) == (40,)
    with pytest.raises(BadSettings, match="<= 511"):
        parse_table("lights", FeedbackSettings, {"red_pin": 512, "chip": "/dev/gpiochip1"})
    with pytest.raises(BadSettings, match="different pins"):
        GpioFeedback(FeedbackSettings(green_pin=5, red_pin=5))
