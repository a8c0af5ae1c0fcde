"""RPi.GPIO and libgpiod as their documentation has them, over pins in memory: no kernel here has a GPIO chip.

Of libgpiod only what reaches the kernel stands in, a chip and a request for lines; its settings, levels and edges are
the package's own.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

import gpiod
import gpiod.line
import pytest


class StandInRpi(ModuleType):
    """RPi.GPIO: a pin must be set up before it is driven or watched, and cleanup makes it an input again.

    Its edges come from a thread of its own in life; here from whoever calls `drive`.
    """

    BCM, OUT, IN, HIGH, LOW = 11, 0, 1, 1, 0
    PUD_OFF, PUD_DOWN, PUD_UP, BOTH = 20, 21, 22, 33

    def __init__(self, *, broken_pin: int | None = None, edges_fail: bool = False) -> None:
        super().__init__("RPi.GPIO")
        self.levels: dict[int, int] = {}
        self.mode: int | None = None
        self._broken_pin = broken_pin
        self._edges_fail = edges_fail
        self._inputs: dict[int, int] = {}
        self._callbacks: dict[int, Callable[[int], None]] = {}

    def drive(self, pin: int, level: bool) -> None:
        """Do to an input what a button's contacts do."""
        if self._inputs[pin] != level:
            self._inputs[pin] = int(level)
            if pin in self._callbacks:
                self._callbacks[pin](pin)

    def setwarnings(self, _shown: bool) -> None:
        pass

    def setmode(self, mode: int) -> None:
        self.mode = mode

    def setup(self, pin: int, direction: int, *, initial: int = 0, pull_up_down: int = PUD_OFF) -> None:
        if self.mode != self.BCM or pin == self._broken_pin:
            raise RuntimeError("No access to /dev/mem. Try running as root!")
        if direction == self.OUT:
            self.levels[pin] = initial
        else:
            self._inputs[pin] = int(pull_up_down == self.PUD_UP)

    def output(self, pin: int, level: int) -> None:
        if pin not in self.levels:
            raise RuntimeError("The GPIO channel has not been set up as an OUTPUT")
        self.levels[pin] = level

    def input(self, pin: int) -> int:
        if pin not in self._inputs:
            raise RuntimeError("You must setup() the GPIO channel first")
        return self._inputs[pin]

    def add_event_detect(self, pin: int, edge: int, *, callback: Callable[[int], None]) -> None:
        if self._edges_fail or pin in self._callbacks or pin not in self._inputs or edge != self.BOTH:
            raise RuntimeError("Failed to add edge detection")
        self._callbacks[pin] = callback

    def remove_event_detect(self, pin: int) -> None:
        del self._callbacks[pin]

    def cleanup(self, pins: list[int]) -> None:
        for pin in pins:
            if pin in self.levels:
                del self.levels[pin]
            else:
                del self._inputs[pin]

    @property
    def claimed(self) -> set[int]:
        """The pins that are set up."""
        return {*self.levels, *self._inputs}


class Lines:
    """The lines of one chip: their levels, and who holds them."""

    def __init__(self, label: str, count: int = 54) -> None:
        self.label = label
        self.count = count
        self.levels: dict[int, bool] = {}
        self.held: dict[int, LineRequest] = {}
        self.unplugged = False

    def drive(self, line: int, level: bool) -> None:
        """Do to an input what a button's contacts do."""
        if self.levels[line] != level:
            self.levels[line] = level
            self.held[line].edge()

    def unplug(self) -> None:
        """Take the chip away, as one on USB: its requests wake up, and fail."""
        self.unplugged = True
        for request in set(self.held.values()):
            request.edge()


class LineRequest:
    """gpiod.LineRequest."""

    def __init__(self, lines: Lines, config: Mapping[int, gpiod.LineSettings]) -> None:
        self._lines = lines
        self._config = dict(config)
        self._theirs, self._ours = os.pipe2(os.O_NONBLOCK)
        self._released = False
        for line, settings in self._config.items():
            lines.held[line] = self
            if settings.direction is gpiod.line.Direction.OUTPUT:
                lines.levels[line] = settings.output_value is gpiod.line.Value.ACTIVE
            else:
                lines.levels[line] = settings.bias is gpiod.line.Bias.PULL_UP

    @property
    def fd(self) -> int:
        self._check()
        return self._theirs

    def set_value(self, line: int, value: gpiod.line.Value) -> None:
        self._check()
        if self._config[line].direction is not gpiod.line.Direction.OUTPUT:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        self._lines.levels[line] = value is gpiod.line.Value.ACTIVE

    def get_value(self, line: int) -> gpiod.line.Value:
        self._check()
        return gpiod.line.Value.ACTIVE if self._lines.levels[line] else gpiod.line.Value.INACTIVE

    def edge(self) -> None:
        if not self._released and any(one.edge_detection is gpiod.line.Edge.BOTH for one in self._config.values()):
            os.write(self._ours, b"e")

    def read_edge_events(self) -> list[object]:
        self._check()
        events = os.read(self._theirs, 64)
        if self._lines.unplugged:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        return list(events)

    def release(self) -> None:
        self._released = True
        os.close(self._theirs)
        os.close(self._ours)
        for line in self._config:
            # The kernel leaves an output as it was driven last.
            del self._lines.held[line]

    def _check(self) -> None:
        if self._released:
            raise gpiod.RequestReleasedError


class StandInGpiod(ModuleType):
    """gpiod, with `chips` by path. A line that somebody holds is refused as busy."""

    LineSettings = gpiod.LineSettings

    def __init__(self, chips: Mapping[str, Lines]) -> None:
        super().__init__("gpiod")
        self.chips = dict(chips)

    def Chip(self, path: str) -> _Chip:  # noqa: N802 - theirs
        return _Chip(self._lines(path))

    def request_lines(self, path: str, *, consumer: str, config: Mapping[int, gpiod.LineSettings]) -> LineRequest:
        assert consumer
        lines = self._lines(path)
        if any(line >= lines.count for line in config):
            raise ValueError("line offset out of range")
        if any(line in lines.held for line in config):
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        return LineRequest(lines, config)

    def _lines(self, path: str) -> Lines:
        if path not in self.chips:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return self.chips[path]


class _Chip:
    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def get_info(self) -> Any:
        return gpiod.ChipInfo("gpiochip", self._lines.label, self._lines.count)


def install_rpi(monkeypatch: pytest.MonkeyPatch, module: StandInRpi) -> StandInRpi:
    """Have `import RPi.GPIO` give the stand-in."""
    monkeypatch.setitem(sys.modules, "RPi", ModuleType("RPi"))
    monkeypatch.setitem(sys.modules, "RPi.GPIO", module)
    return module


def install_gpiod(monkeypatch: pytest.MonkeyPatch, chips: Mapping[Path, Lines]) -> StandInGpiod:
    """Have `import gpiod` give the stand-in, whose chips have files where a search for them looks."""
    module = StandInGpiod({str(path): lines for path, lines in chips.items()})
    for path in chips:
        path.touch()
    monkeypatch.setitem(sys.modules, "gpiod", module)
    return module
