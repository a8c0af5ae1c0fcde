"""Lines of a GPIO chip through libgpiod 2, which works on every board with a kernel from 5.10 on, the Pi 5 included."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, cast

from edge.errors import ContractBroken, HardwareAbsent
from edge.links.gpio import Edges, Pull, checked
from edge.links.gpio_watched import WatchedInput

HEADER_LABELS = ("pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1")
"""Chips behind the 40-pin header: up to the Pi 3, Pi 4, Pi 5. The number in /dev/gpiochipN differs between kernels."""
CONSUMER = "shelfwire"
"""Who holds the lines, as `gpioinfo` shows it."""


class GpiodGpio:
    """Outputs. `chip` is a device, "" for the one behind a Raspberry Pi's header.

    Setting a line is one ioctl, so nothing here needs a thread.
    """

    def __init__(self, pins: Sequence[int], chip: str = "", devices: Path = Path("/dev")) -> None:
        self._pins = checked(pins)
        self._chip = chip
        self._devices = devices
        self._request: _Request | None = None
        self._levels: tuple[object, object] = (None, None)

    async def __aenter__(self) -> Self:
        gpiod, line = _modules()
        settings = gpiod.LineSettings(direction=line.Direction.OUTPUT, output_value=line.Value.INACTIVE)
        self._request = _claim(gpiod, _chip(gpiod, self._chip, self._devices), dict.fromkeys(self._pins, settings))
        self._levels = line.Value.INACTIVE, line.Value.ACTIVE
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, pin: int, level: bool) -> None:
        if self._request is None or pin not in self._pins:
            raise ContractBroken(f"line {pin} is not open")
        self._request.set_value(pin, self._levels[level])

    def close(self) -> None:
        """Give the lines back, low: the kernel leaves them as they were last."""
        if self._request is not None:
            request, self._request = self._request, None
            try:
                for pin in self._pins:
                    request.set_value(pin, self._levels[False])
            except OSError:
                pass  # the chip is gone, and its lamps with it
            request.release()


class GpiodInput(WatchedInput["_Request"]):
    """One input, woken by the kernel's edges."""

    def __init__(self, pin: int, pull: Pull = "up", chip: str = "", devices: Path = Path("/dev")) -> None:
        checked([pin])
        super().__init__(f"line {pin}")
        self._pin = pin
        self._pull = pull
        self._chip = chip
        self._devices = devices

    def _claim(self, edges: Edges) -> _Request:
        gpiod, line = _modules()
        bias = {"up": line.Bias.PULL_UP, "down": line.Bias.PULL_DOWN, "none": line.Bias.DISABLED}[self._pull]
        settings = gpiod.LineSettings(direction=line.Direction.INPUT, edge_detection=line.Edge.BOTH, bias=bias)
        request = _claim(gpiod, _chip(gpiod, self._chip, self._devices), {self._pin: settings})
        asyncio.get_running_loop().add_reader(request.fd, self._take, request, edges)
        return request

    def _high(self, held: _Request) -> bool:
        return bool(held.get_value(self._pin))

    def _give_back(self, held: _Request) -> None:
        asyncio.get_running_loop().remove_reader(held.fd)
        held.release()

    def _take(self, request: _Request, edges: Edges) -> None:
        try:
            request.read_edge_events()
        except OSError:
            # A chip on USB was unplugged.
            asyncio.get_running_loop().remove_reader(request.fd)
            edges.end()
        else:
            edges.tell()


def _modules() -> tuple[_Gpiod, _Line]:
    try:
        gpiod = importlib.import_module("gpiod")
        line = importlib.import_module("gpiod.line")
    except ImportError as error:
        raise HardwareAbsent(f"no libgpiod here: {error}") from error
    if not hasattr(gpiod, "request_lines"):
        raise HardwareAbsent("libgpiod here is version 1; version 2 is needed")
    return cast("_Gpiod", gpiod), cast("_Line", line)


def _chip(gpiod: _Gpiod, chip: str, devices: Path) -> str:
    """Find the chip. Raises `HardwareAbsent`."""
    if chip:
        return chip
    seen: list[str] = []
    for path in sorted(devices.glob("gpiochip*")):
        try:
            with gpiod.Chip(str(path)) as one:
                label = one.get_info().label
        except OSError as error:
            seen.append(f"{path}: {error.strerror}")
            continue
        if label in HEADER_LABELS:
            return str(path)
        seen.append(f"{path} is {label}")
    raise HardwareAbsent(f"no GPIO chip of a Raspberry Pi here ({', '.join(seen) or 'no chip at all'})")


def _claim(gpiod: _Gpiod, chip: str, lines: dict[int, object]) -> _Request:
    if not lines:
        raise HardwareAbsent("no pins are named")
    try:
        return gpiod.request_lines(chip, consumer=CONSUMER, config=lines)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise HardwareAbsent(f"{chip}: lines {', '.join(map(str, lines))} cannot be had: {why}") from error


class _Request(Protocol):
    @property
    def fd(self) -> int: ...
    def set_value(self, line: int, value: Any, /) -> None: ...
    def get_value(self, line: int, /) -> object: ...
    def read_edge_events(self) -> Sequence[object]: ...
    def release(self) -> None: ...


class _Info(Protocol):
    @property
    def label(self) -> str: ...


class _Chip(Protocol):
    def __enter__(self) -> Self: ...
    def __exit__(self, *what: object) -> None: ...
    def get_info(self) -> _Info: ...


class _Gpiod(Protocol):
    """The part of libgpiod's Python package that is used; it is not there on every machine."""

    def Chip(self, path: str, /) -> _Chip: ...  # noqa: N802 - theirs
    def LineSettings(self, **settings: object) -> object: ...  # noqa: N802
    def request_lines(self, path: str, /, *, consumer: str, config: dict[int, object]) -> _Request: ...


class _Line(Protocol):
    """Its module `gpiod.line`."""

    Direction: Any
    Value: Any
    Edge: Any
    Bias: Any
