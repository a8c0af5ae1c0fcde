"""A button on a line of a GPIO chip that is somewhere between a kernel and libgpiod."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge.drivers.gpio_button import DRIVER
from tests.rigs.rig import DriverCase, Rig
from tests.stand_ins.gpio import Lines, install_gpiod

LINE = 4


@asynccontextmanager
async def rig(folder: Path) -> AsyncIterator[Rig]:
    with pytest.MonkeyPatch.context() as patch:
        lines, chip = Lines("gpio-sim"), folder / "gpiochip0"
        module = install_gpiod(patch, {chip: lines})

        def unplug() -> None:
            module.chips.clear()
            lines.unplug()

        yield Rig(
            lambda: DRIVER.make_from({"pin": LINE, "sends": "SW1:UNDO", "chip": str(chip), "debounce_ms": 2}),
            lambda: lines.drive(LINE, False),  # opened anew, the line is at rest again
            unplug,
            "scan",
        )


CASE = DriverCase(
    "gpio-button",
    {"pin": 4, "sends": "SW1:UNDO", "pull": "down", "active_low": False, "debounce_ms": 50},
    [("pin", 28), ("pin", -1), ("sends", ""), ("sends", "SW1:\tUNDO"), ("pull", "sideways"), ("debounce_ms", 0)],
    rig,
)
