"""The table `[lights]`: which pin each light of the station, and its buzzer, is on."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from edge.drivers.api import Settings
from edge.errors import BadSettings
from edge.links.gpio import LAST_HEADER_PIN, LAST_PIN

Pin = Annotated[int, msgspec.Meta(ge=0, le=LAST_PIN)]
Backend = Literal["auto", "rpi", "gpiod"]

_PIN_KEYS = ("green_pin", "red_pin", "buzzer_pin", "ready_pin", "busy_pin", "offline_pin", "refused_pin")


class FeedbackSettings(Settings, frozen=True):
    """Which pins; none is driven that is not named. By Broadcom's numbers, or by lines of the `chip` that is named.

    `green_pin`, `red_pin` and `buzzer_pin` (it sounds while its pin is on) answer each scan. The others are a stack
    light: `ready_pin`, `busy_pin` and `offline_pin` show the `Standing`, `refused_pin` that the last scan was refused.
    """

    green_pin: Pin | None = None
    red_pin: Pin | None = None
    buzzer_pin: Pin | None = None
    ready_pin: Pin | None = None
    busy_pin: Pin | None = None
    offline_pin: Pin | None = None
    refused_pin: Pin | None = None
    active_low: bool = False
    backend: Backend = "auto"
    chip: str = ""


def pins_of(settings: FeedbackSettings) -> tuple[int, ...]:
    """Give the pins in use. Raises `BadSettings` if one is named twice, or is no pin of the Pi's header."""
    named = {key: pin for key in _PIN_KEYS if (pin := getattr(settings, key)) is not None}
    pins = list(named.values())
    if len(set(pins)) != len(pins):
        raise BadSettings("", f"lights and buzzer need different pins, not {pins}")
    for key, pin in named.items():
        check_pin(key, pin, settings.chip)
    return tuple(pins)


def check_pin(key: str, pin: int, chip: str) -> None:
    """Raise `BadSettings` for a pin that is not on the Pi's header, unless a chip is named."""
    if not chip and pin > LAST_HEADER_PIN:
        raise BadSettings(key, f"a Raspberry Pi has GPIO0 to GPIO{LAST_HEADER_PIN}, no {pin}; or name a chip")
