"""Scales that speak SASI, such as Magellan scanner scales on a cable of their own."""

from __future__ import annotations

from typing import Literal

from edge.codecs.grams import Unit
from edge.codecs.sasi import SasiCodec, from_options
from edge.drivers.api import Driver, StepKind, Trial
from edge.drivers.condition import Clock, boot_ns
from edge.drivers.polled_scale import PolledScale, PolledScaleSettings


class ScaleSasiSettings(PolledScaleSettings, frozen=True):
    """A scale's table."""

    unit: Literal["kg", "lb"] = "kg"


class ScaleSasi(PolledScale):
    """One scale; implements `edge.drivers.api.Device`."""

    def __init__(self, settings: ScaleSasiSettings, *, clock: Clock = boot_ns) -> None:
        """Raises `BadSettings` for a `baud` or `frame` that no port has."""
        super().__init__(settings, settings.frame, lambda: SasiCodec(Unit(settings.unit)), clock)


DRIVER = Driver(
    "scale-sasi",
    "Scale speaking SASI",
    ScaleSasiSettings,
    ScaleSasi,
    checks=(StepKind.WEIGH,),
    experimental="built from Datalogic KA-01089, without a recorded capture",
    codecs={"sasi": from_options},
    trials=[Trial("sasi", 9600, "7E1", {"unit": unit}, {"unit": unit}, ask=b"W") for unit in ("kg", "lb")],
)
