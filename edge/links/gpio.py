"""Pins of a board: what every way to drive and watch them has, and pins in memory that behave like real ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, Self

from edge.errors import ContractBroken

LAST_HEADER_PIN = 27
"""GPIO0 to GPIO27 are on the Raspberry Pi's 40-pin header, by Broadcom's numbering."""
LAST_PIN = 511
"""Highest line of a GPIO chip that a setting may name."""

Pull = Literal["up", "down", "none"]
"""Which resistor of the board holds an input while nothing drives it."""
HIGH, LOW = b"\x01", b"\x00"
"""What reading an input gives."""


@dataclass(frozen=True, slots=True)
class Board:
    """Where the pins are. `chip` is a device such as /dev/gpiochip0, "" for the chip behind a Raspberry Pi's header."""

    backend: Literal["auto", "rpi", "gpiod"] = "auto"
    chip: str = ""


class Gpio(Protocol):
    """A set of pins by number, all outputs while open; low when opened, inputs again when closed."""

    async def __aenter__(self) -> Self:
        """Claim the pins and drive them low. Raises `HardwareAbsent`."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def write(self, pin: int, level: bool) -> None:
        """Drive a pin high (True) or low, at once.

        Raises `ContractBroken`: not open, or a pin not claimed; `OSError` or `RuntimeError` if the hardware fails.
        """
        ...

    def close(self) -> None:
        """Give the pins back. Twice is harmless."""
        ...


class GpioInput(Protocol):
    """One pin that is an input while open, held by a resistor. Its edges wake the reader; nothing polls it."""

    async def __aenter__(self) -> Self:
        """Claim the pin. Raises `HardwareAbsent`."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def level(self) -> bool:
        """Tell whether the pin is high now. Raises `ContractBroken` if not open."""
        ...

    async def read(self) -> bytes:
        """Wait until the level may have changed, and give it: `HIGH` or `LOW`; b"" when the pin is gone or closed.

        Edges that come while nobody waits are one edge. Raises `ContractBroken` if it was never opened.
        """
        ...

    def close(self) -> None:
        """Give the pin back; a `read` that waits gets b"". Twice is harmless."""
        ...


class Edges:
    """The waiting part of an input: somebody tells of edges, one reader waits for them."""

    def __init__(self) -> None:
        self._some = asyncio.Event()
        self._gone = False

    def tell(self) -> None:
        """Wake the reader."""
        self._some.set()

    def end(self) -> None:
        """Wake the reader for the last time."""
        self._gone = True
        self._some.set()

    async def next(self, level: Callable[[], bool]) -> bytes:
        """Wait for an edge and give the level after it; b"" once it is over."""
        await self._some.wait()
        if self._gone:
            return b""
        self._some.clear()
        return HIGH if level() else LOW


@dataclass(frozen=True, slots=True)
class LevelChange:
    """A pin went high (True) or low at `at_ns` of the clock that was given."""

    at_ns: int
    pin: int
    level: bool


class FakeGpio:
    """Outputs in memory. Keeps the levels now and every change of level with the time it happened.

    `clock` gives nanoseconds. A pin that is not driven reads low, as with the Pi's pull-down.
    """

    def __init__(self, pins: Sequence[int], clock: Callable[[], int]) -> None:
        self._pins = checked(pins)
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


class FakeInput:
    """An input in memory: `drive` is what a button's contacts would do, and `let_go` leaves it to the resistor."""

    def __init__(self, pin: int, pull: Pull = "up") -> None:
        checked([pin])
        self._rest = pull == "up"
        self._level = self._rest
        self._edges: Edges | None = None
        self._open = False

    def drive(self, level: bool) -> None:
        """Connect the pin to the supply (True) or to ground."""
        if level != self._level:
            self._level = level
            if self._edges is not None and self._open:
                self._edges.tell()

    def let_go(self) -> None:
        """Connect it to nothing."""
        self.drive(self._rest)

    async def __aenter__(self) -> Self:
        if self._open:
            raise ContractBroken("the pin is open already")
        self._edges, self._open = Edges(), True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def level(self) -> bool:
        if not self._open:
            raise ContractBroken("the pin is not open")
        return self._level

    async def read(self) -> bytes:
        if self._edges is None:
            raise ContractBroken("the pin was never open")
        return await self._edges.next(self.level)

    def close(self) -> None:
        if self._open and self._edges is not None:
            self._open = False
            self._edges.end()


def checked(pins: Sequence[int], last: int = LAST_PIN) -> tuple[int, ...]:
    """Give the pins. Raises `ContractBroken` if one is named twice or cannot be."""
    wrong = [pin for pin in pins if not 0 <= pin <= last]
    if wrong or len(set(pins)) != len(pins):
        raise ContractBroken(f"pins must be different and 0 to {last}, not {list(pins)}")
    return tuple(pins)
