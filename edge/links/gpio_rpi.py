"""The Raspberry Pi's pins through RPi.GPIO, up to the Pi 4; on a Pi 5 `rpi-lgpio` has its name and its API."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self, cast

from edge.errors import ContractBroken, HardwareAbsent
from edge.links.gpio import LAST_HEADER_PIN, Edges, Pull, checked
from edge.links.gpio_watched import WatchedInput


class RpiGpio:
    """Outputs. RPi.GPIO raises on import off a Pi.

    Writing a pin is one store to mapped memory, so nothing here needs a thread.
    """

    def __init__(self, pins: Sequence[int]) -> None:
        self._pins = checked(pins, LAST_HEADER_PIN)
        self._driver: _RpiModule | None = None

    async def __aenter__(self) -> Self:
        driver = _module()
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


class RpiInput(WatchedInput["_RpiModule"]):
    """One input. RPi.GPIO watches for edges in a thread of its own.

    Since Linux 6.6 its edges fail on the kernel's renumbered pins ("Failed to add edge detection"); libgpiod has them.
    """

    def __init__(self, pin: int, pull: Pull = "up") -> None:
        checked([pin], LAST_HEADER_PIN)
        super().__init__(f"GPIO{pin}")
        self._pin = pin
        self._pull = pull

    def _claim(self, edges: Edges) -> _RpiModule:
        driver = _module()
        pulls = {"up": driver.PUD_UP, "down": driver.PUD_DOWN, "none": driver.PUD_OFF}
        loop = asyncio.get_running_loop()

        def told(_pin: int) -> None:
            try:
                loop.call_soon_threadsafe(edges.tell)
            except RuntimeError:
                pass  # the loop was closed before the pin was: nobody is left to tell

        try:
            driver.setwarnings(False)
            driver.setmode(driver.BCM)
            driver.setup(self._pin, driver.IN, pull_up_down=pulls[self._pull])
        except (RuntimeError, ValueError, OSError) as error:
            raise HardwareAbsent(f"GPIO cannot be set: {error}") from error
        try:
            driver.add_event_detect(self._pin, driver.BOTH, callback=told)
        except (RuntimeError, ValueError, OSError) as error:
            driver.cleanup([self._pin])
            raise HardwareAbsent(f"GPIO{self._pin} cannot be watched: {error}") from error
        return driver

    def _high(self, held: _RpiModule) -> bool:
        return bool(held.input(self._pin))

    def _give_back(self, held: _RpiModule) -> None:
        held.remove_event_detect(self._pin)
        held.cleanup([self._pin])


def _module() -> _RpiModule:
    try:
        return cast("_RpiModule", importlib.import_module("RPi.GPIO"))
    except (ImportError, RuntimeError) as error:
        raise HardwareAbsent(f"no GPIO here: {error}") from error


class _RpiModule(Protocol):
    """The part of RPi.GPIO that is used; the package publishes no types."""

    BCM: int
    OUT: int
    IN: int
    HIGH: int
    LOW: int
    BOTH: int
    PUD_UP: int
    PUD_DOWN: int
    PUD_OFF: int

    def setwarnings(self, shown: bool, /) -> None: ...
    def setmode(self, mode: int, /) -> None: ...
    def setup(self, pin: int, direction: int, /, *, initial: int = ..., pull_up_down: int = ...) -> None: ...
    def output(self, pin: int, level: int, /) -> None: ...
    def input(self, pin: int, /) -> int: ...
    def add_event_detect(self, pin: int, edge: int, /, *, callback: Callable[[int], None]) -> None: ...
    def remove_event_detect(self, pin: int, /) -> None: ...
    def cleanup(self, pins: list[int], /) -> None: ...
