"""A push button on a pin of the board, which stands for a printed command card, or for a code."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Self

import msgspec

from edge.codecs.readings import Reading, Scan
from edge.drivers.api import Driver, Settings, StepKind
from edge.drivers.condition import Clock, boot_ns
from edge.drivers.lights import Backend, Pin, check_pin
from edge.drivers.linked import LinkedDevice
from edge.links.gpio import HIGH, Board, GpioInput, Pull
from edge.links.gpio_board import BoardInput


class GpioButtonSettings(Settings, frozen=True):
    """A button's table. `sends` is what a press scans. `active_low`: the pin is low while the button is pressed."""

    pin: Pin
    sends: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern="^[ -~]+$")]
    pull: Pull = "up"
    active_low: bool = True
    debounce_ms: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 30
    backend: Backend = "auto"
    chip: str = ""


class GpioButton(LinkedDevice[GpioInput]):
    """One button; implements `edge.drivers.api.Device`.

    A press counts once its contacts have rested for `debounce_ms`, and once only however long it lasts. A button that
    is down when the device is opened, stuck or held, was not pressed now: it has to be let go first.
    """

    def __init__(self, settings: GpioButtonSettings, pin: GpioInput | None = None, *, clock: Clock = boot_ns) -> None:
        """Raises `BadSettings` for a pin that cannot be. Without `pin` the board's is used."""
        check_pin("pin", settings.pin, settings.chip)
        board = Board(settings.backend, settings.chip)
        link: GpioInput = BoardInput(settings.pin, settings.pull, board) if pin is None else pin
        super().__init__(link, f"GPIO{settings.pin}", clock)
        self._settings = settings
        self._pressed = False

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._pressed = self._link.level() != self._settings.active_low
        return self

    async def readings(self) -> AsyncIterator[Reading]:
        self._check_open()
        settings = self._settings
        while True:
            level = await self._settled()
            was, self._pressed = self._pressed, level != settings.active_low
            if self._pressed and not was:
                scan = Scan(settings.sends, settings.sends.encode("ascii"))
                self._condition.heard(scan)
                yield scan

    async def _settled(self) -> bool:
        """Wait for an edge, and for the rest after it; give the level then. Raises `LinkLost`."""
        level = await self._hear(None)
        while (bounced := await self._hear(self._settings.debounce_ms / 1000)) is not None:
            level = bounced
        return level == HIGH


DRIVER = Driver(
    "gpio-button",
    "Push button on a pin of the board",
    GpioButtonSettings,
    GpioButton,
    checks=(StepKind.BUTTON,),
    experimental="tested with what stands in for RPi.GPIO and libgpiod, not on a board's pins",
)
