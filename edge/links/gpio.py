"""Output pins of the Raspberry Pi: the real ones through RPi.GPIO, and pins in memory that behave like them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, cast

from edge.errors import ContractBroken, HardwareAbsent

LAST_PIN = 27
"""GPIO0 to GPIO27 are on the 40-pin header, by Broadcom's numbering."""


class Gpio(Protocol):
    """A set of pins by Broadcom number, all outputs while open; low when opened, inputs again when closed."""

    async def __aenter__(self) -> Self:
        """Claim the pins and drive them low. Raises `HardwareAbsent`."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def write(self, pin: int, level: bool) -> None:
        """Drive a pin high (True) or low, at once. Raises `ContractBroken`: not open, or a pin not claimed."""
        ...

    def close(self) -> None:
        """Give the pins back. Twice is harmless."""
        ...


@dataclass(frozen=True, slots=True)
class LevelChange:
    """A pin went high (True) or low at `at_ns` of the clock that was given."""

    at_ns: int
    pin: int
    level: bool


class RpiGpio:
    """The Pi's own pins. RPi.GPIO raises on import off a Pi; `rpi-lgpio` has the same name and API on a Pi 5.

    Writing a pin is one store to mapped memory, so nothing here needs a thread.
    """

    def __init__(self, pins: Sequence[int]) -> None:
        self._pins = _checked(pins)
        self._driver: _RpiModule | None = None

    async def __aenter__(self) -> Self:
        try:
            driver = cast("_RpiModule", importlib.import_module("RPi.GPIO"))
        except (ImportError, RuntimeError) as error:
            raise HardwareAbsent(f"no GPIO here: {error}") from error
        claimed: list[int] = []
        try:
            driver.setwarnings(False)
            driver.setmode(driver.BCM)
            for pin in self._pins:
                driver.setup(pin, driver.OUT, initial=driver.LOW)
                claimed.append(pin)
        except (RuntimeError, ValueError, OSError) as error:
            if claimed:
                driver.cleanup(claimed)
            raise HardwareAbsent(f"GPIO cannot be set: {error}") from error
        self._driver = driver
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, pin: int, level: bool) -> None:
        if self._driver is None or pin not in self._pins:
            raise ContractBroken(f"GPIO{pin} is not open")
        self._driver.output(pin, self._driver.HIGH if level else self._driver.LOW)

    def close(self) -> None:
        if self._driver is not None:
            driver, self._driver = self._driver, None
            driver.cleanup(list(self._pins))


class FakeGpio:
    """Pins in memory. Keeps the levels now and every change of level with the time it happened.

    `clock` gives nanoseconds. A pin that is not driven reads low, as with the Pi's pull-down.
    """

    def __init__(self, pins: Sequence[int], clock: Callable[[], int]) -> None:
        self._pins = _checked(pins)
        self._clock = clock
        self._open = False
        self._levels = dict.fromkeys(self._pins, False)
        self._changes: list[LevelChange] = []

    @property
    def changes(self) -> tuple[LevelChange, ...]:
        """All changes of level so far, oldest first. Driving a pin to the level it has is none."""
        return tuple(self._changes)

    def level(self, pin: int) -> bool:
        """What a lamp on this pin would see now."""
        return self._levels[pin]

    async def __aenter__(self) -> Self:
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, pin: int, level: bool) -> None:
        if not self._open or pin not in self._pins:
            raise ContractBroken(f"GPIO{pin} is not open")
        self._drive(pin, level)

    def close(self) -> None:
        if self._open:
            self._open = False
            for pin in self._pins:
                self._drive(pin, False)

    def _drive(self, pin: int, level: bool) -> None:
        if self._levels[pin] != level:
            self._levels[pin] = level
            self._changes.append(LevelChange(self._clock(), pin, level))


class _RpiModule(Protocol):
    """The part of RPi.GPIO that is used; the package publishes no types."""

    BCM: int
    OUT: int
    HIGH: int
    LOW: int

    def setwarnings(self, shown: bool, /) -> None: ...
    def setmode(self, mode: int, /) -> None: ...
    def setup(self, pin: int, direction: int, /, *, initial: int) -> None: ...
    def output(self, pin: int, level: int, /) -> None: ...
    def cleanup(self, pins: list[int], /) -> None: ...


def _checked(pins: Sequence[int]) -> tuple[int, ...]:
    wrong = [pin for pin in pins if not 0 <= pin <= LAST_PIN]
    if wrong or len(set(pins)) != len(pins):
        raise ContractBroken(f"pins must be different and 0 to {LAST_PIN}, not {list(pins)}")
    return tuple(pins)
