"""Scales that speak Mettler Toledo 8217."""

from __future__ import annotations

from typing import Literal

from edge.codecs.mt8217 import Mt8217Codec, Unit, from_options
from edge.drivers.api import Driver, StepKind, Trial
from edge.drivers.condition import Clock, boot_ns
from edge.drivers.polled_scale import PolledScale, PolledScaleSettings


class Scale8217Settings(PolledScaleSettings, frozen=True):
    """A scale's table. `all_clear_repeats`: this scale says "?@" for "as before" (codec `mt8217`)."""

    unit: Literal["kg", "lb", "g"] = "kg"
    all_clear_repeats: bool = False


class Scale8217(PolledScale):
    """One scale; implements `edge.drivers.api.Device`."""

    def __init__(self, settings: Scale8217Settings, *, clock: Clock = boot_ns) -> None:
        """Raises `BadSettings` for a `baud` or `frame` that no port has."""

        def new_codec() -> Mt8217Codec:
            return Mt8217Codec(Unit(settings.unit), all_clear_repeats=settings.all_clear_repeats)

        super().__init__(settings, settings.frame, new_codec, clock)


DRIVER = Driver(
    "scale-8217",
    "Scale speaking Mettler Toledo 8217",
    Scale8217Settings,
    Scale8217,
    checks=(StepKind.WEIGH,),
    experimental="built from the DIVA service manual, without a recorded capture",
    codecs={"mt8217": from_options},
    trials=[Trial("mt8217", 9600, "7E1", {"unit": unit}, {"unit": unit}, ask=b"W") for unit in ("kg", "lb", "g")],
)
