"""Lights and tone: what the person at the station sees and hears for each scan, and how the station stands."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Protocol, Self

from edge.drivers.api import Health
from edge.drivers.condition import Clock, Condition, boot_ns
from edge.drivers.lights import FeedbackSettings, pins_of
from edge.errors import HardwareAbsent
from edge.links.gpio import Board, Gpio
from edge.links.gpio_board import BoardGpio

REMEMBERED = 1000


class Signal(Enum):
    """What can be said to the person."""

    ACCEPTED = "accepted"
    """The scan is on disk: green, one short tone."""
    REFUSED = "refused"
    """It is not, and will not be: red, two long tones."""
    ATTENTION = "attention"
    """Look at the screen: both lights and the tone, three times."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the station stands, for the steady lights of a stack light.

    `ready`: it takes scans, with all its devices. `busy`: an item waits for its weight, or a count is open. `behind`:
    the hub cannot be reached, or has not got everything yet; selling goes on. `nobody`: the station is not enrolled and
    refuses every scan: red, all the time.
    """

    ready: bool = False
    busy: bool = False
    behind: bool = False
    nobody: bool = False


class Feedback(Protocol):
    """Tells the person. Signals return at once, never raise, and never hold a scan up; the newest is shown.

    Absent hardware is a status (`health`), not an error: opening succeeds and signals are counted only.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def accepted(self) -> None: ...
    async def refused(self) -> None: ...
    async def attention(self) -> None: ...

    async def stand(self, standing: Standing) -> None:
        """Show how the station stands, until it is told otherwise."""
        ...

    def health(self) -> Health: ...


@dataclass(frozen=True, slots=True)
class Step:
    """Some of the outputs on, for a time."""

    duration_s: float
    green: bool = False
    red: bool = False
    tone: bool = False


PATTERNS: dict[Signal, tuple[Step, ...]] = {
    Signal.ACCEPTED: (Step(0.08, green=True, tone=True), Step(0.27, green=True)),
    Signal.REFUSED: (
        Step(0.5, red=True, tone=True),
        Step(0.15, red=True),
        Step(0.5, red=True, tone=True),
        Step(0.85, red=True),
    ),
    Signal.ATTENTION: (Step(0.12, green=True, red=True, tone=True), Step(0.12)) * 3,
}


class GpioFeedback:
    """Lights and buzzer on GPIO pins, and a stack light.

    A refusal shows its first tone in full, also when the next scan is accepted meanwhile; otherwise the newest signal
    replaces the one that is showing. `gpio` must have the pins of the settings; without one, the board's are used.
    """

    def __init__(
        self,
        settings: FeedbackSettings,
        gpio: Gpio | None = None,
        *,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Clock = boot_ns,
    ) -> None:
        """Raises `BadSettings` for pins that cannot be, or if two outputs have one."""
        pins = pins_of(settings)
        self._settings = settings
        self._gpio = BoardGpio(pins, Board(settings.backend, settings.chip)) if gpio is None else gpio
        self._wait = wait
        self._condition = Condition(clock)
        self._playing: asyncio.Task[None] | None = None
        self._must_show = False
        self._next: Signal | None = None
        self._standing = Standing()
        self._was_refused = False

    async def __aenter__(self) -> Self:
        try:
            await self._gpio.__aenter__()
        except HardwareAbsent as error:
            self._condition.absent(str(error))
        else:
            self._condition.opened()
            self._all_off()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.wait([self._playing])
            self._playing = None
        if self._condition.ready:
            self._all_off()
        self._gpio.close()
        self._condition.closed()

    async def accepted(self) -> None:
        self._signal(Signal.ACCEPTED)
        self._stand(self._standing, was_refused=False)

    async def refused(self) -> None:
        self._signal(Signal.REFUSED)
        self._stand(self._standing, was_refused=True)

    async def attention(self) -> None:
        self._signal(Signal.ATTENTION)

    async def stand(self, standing: Standing) -> None:
        self._stand(standing, was_refused=self._was_refused)

    def health(self) -> Health:
        return self._condition.health()

    def _stand(self, standing: Standing, *, was_refused: bool) -> None:
        if not self._condition.ready or (standing, was_refused) == (self._standing, self._was_refused):
            return
        self._standing, self._was_refused = standing, was_refused
        try:
            self._drive_stack()
        except (RuntimeError, OSError) as error:
            self._condition.lost(f"GPIO failed: {error}")

    def _signal(self, signal: Signal) -> None:
        self._condition.count(signal.value)
        if not self._condition.ready:
            return
        if self._must_show and signal is not Signal.REFUSED:
            self._next = signal
            return
        if self._playing is not None:
            self._playing.cancel()
        self._next = None
        self._must_show = signal is Signal.REFUSED
        self._playing = asyncio.get_running_loop().create_task(self._play(signal), name="feedback")

    async def _play(self, signal: Signal) -> None:
        try:
            await self._show(signal)
        except (RuntimeError, OSError) as error:
            self._condition.lost(f"GPIO failed: {error}")

    async def _show(self, signal: Signal) -> None:
        showing: Signal | None = signal
        while showing is not None:
            for step in PATTERNS[showing]:
                self._drive(step)
                await self._wait(step.duration_s)
                self._must_show = False
                if self._next is not None:
                    break
            showing, self._next = self._next, None
        self._drive(Step(0))

    def _all_off(self) -> None:
        self._standing, self._was_refused = Standing(), False
        try:
            self._drive(Step(0))
            self._drive_stack()
        except (RuntimeError, OSError) as error:
            self._condition.lost(f"GPIO failed: {error}")

    def _drive(self, step: Step) -> None:
        settings = self._settings
        self._write((settings.green_pin, step.green), (settings.red_pin, step.red), (settings.buzzer_pin, step.tone))

    def _drive_stack(self) -> None:
        settings, standing = self._settings, self._standing
        self._write(
            (settings.ready_pin, standing.ready),
            (settings.busy_pin, standing.busy),
            (settings.offline_pin, standing.behind),
            (settings.refused_pin, self._was_refused or standing.nobody),
        )

    def _write(self, *outputs: tuple[int | None, bool]) -> None:
        for pin, on in outputs:
            if pin is not None:
                self._gpio.write(pin, on != self._settings.active_low)


class MemoryFeedback:
    """Feedback that only remembers what it was told: for tests, and for stations without lights."""

    def __init__(self, *, clock: Clock = boot_ns) -> None:
        self._condition = Condition(clock)
        self._signals: deque[Signal] = deque(maxlen=REMEMBERED)
        self._standing: Standing | None = None

    @property
    def standing(self) -> Standing | None:
        """How the station stood when it was told last; None if it never was."""
        return self._standing

    @property
    def signals(self) -> tuple[Signal, ...]:
        """The signals given while open, oldest first, the last `REMEMBERED` of them."""
        return tuple(self._signals)

    async def __aenter__(self) -> Self:
        self._condition.opened()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._condition.closed()

    async def accepted(self) -> None:
        self._signal(Signal.ACCEPTED)

    async def refused(self) -> None:
        self._signal(Signal.REFUSED)

    async def attention(self) -> None:
        self._signal(Signal.ATTENTION)

    async def stand(self, standing: Standing) -> None:
        self._standing = standing

    def health(self) -> Health:
        return self._condition.health()

    def _signal(self, signal: Signal) -> None:
        self._condition.count(signal.value)
        if self._condition.ready:
            self._signals.append(signal)
