"""The pins of this board, by whichever library is there: libgpiod first, which knows every board, then RPi.GPIO."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self, TypeVar

from edge.errors import ContractBroken, HardwareAbsent
from edge.links.gpio import Board, Gpio, GpioInput, Pull, checked
from edge.links.gpio_lines import GpiodGpio, GpiodInput
from edge.links.gpio_rpi import RpiGpio, RpiInput


class BoardGpio:
    """Outputs."""

    def __init__(self, pins: Sequence[int], board: Board) -> None:
        self._pins = checked(pins)
        self._board = board
        self._gpio: Gpio | None = None

    async def __aenter__(self) -> Self:
        makers: dict[str, Callable[[], Gpio]] = {
            "gpiod": lambda: GpiodGpio(self._pins, self._board.chip),
            "rpi": lambda: RpiGpio(self._pins),
        }
        self._gpio = await _first_that_opens(makers, self._board)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, pin: int, level: bool) -> None:
        if self._gpio is None:
            raise ContractBroken(f"pin {pin} is not open")
        self._gpio.write(pin, level)

    def close(self) -> None:
        if self._gpio is not None:
            gpio, self._gpio = self._gpio, None
            gpio.close()


class BoardInput:
    """One input."""

    def __init__(self, pin: int, pull: Pull, board: Board) -> None:
        checked([pin])
        self._pin = pin
        self._pull: Pull = pull
        self._board = board
        self._input: GpioInput | None = None

    async def __aenter__(self) -> Self:
        if self._input is not None:
            raise ContractBroken(f"pin {self._pin} is open already")
        makers: dict[str, Callable[[], GpioInput]] = {
            "gpiod": lambda: GpiodInput(self._pin, self._pull, self._board.chip),
            "rpi": lambda: RpiInput(self._pin, self._pull),
        }
        self._input = await _first_that_opens(makers, self._board)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def level(self) -> bool:
        return self._open_input().level()

    async def read(self) -> bytes:
        return await self._open_input().read()

    def close(self) -> None:
        if self._input is not None:
            one, self._input = self._input, None
            one.close()

    def _open_input(self) -> GpioInput:
        if self._input is None:
            raise ContractBroken(f"pin {self._pin} is not open")
        return self._input


class _Openable(Protocol):
    async def __aenter__(self) -> Self: ...


P = TypeVar("P", bound=_Openable)


async def _first_that_opens(makers: Mapping[str, Callable[[], P]], board: Board) -> P:
    """Open by the backend that is set, else by the first that can. Raises `HardwareAbsent` with each one's reason."""
    reasons: list[str] = []
    for backend, make in makers.items():
        if board.backend not in ("auto", backend) or (backend == "rpi" and board.chip):
            continue
        try:
            return await make().__aenter__()
        except HardwareAbsent as error:
            reasons.append(str(error))
    raise HardwareAbsent("; ".join(reasons) or f"{board.chip} needs libgpiod")
