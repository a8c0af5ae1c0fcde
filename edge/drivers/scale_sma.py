"""Scales that speak SMA, the protocol of the Scale Manufacturers Association."""

from __future__ import annotations

from edge.codecs.sma import SmaCodec, from_options
from edge.drivers.api import Driver, StepKind, Trial
from edge.drivers.condition import Clock, boot_ns
from edge.drivers.polled_scale import FineScaleSettings, PolledScale


class ScaleSmaSettings(FineScaleSettings, frozen=True):
    """A scale's table."""

    frame: str = "8N1"


class ScaleSma(PolledScale):
    """One scale; implements `edge.drivers.api.Device`."""

    def __init__(self, settings: ScaleSmaSettings, *, clock: Clock = boot_ns) -> None:
        """Raises `BadSettings` for a `baud` or `frame` that no port has."""
        super().__init__(settings, settings.frame, lambda: SmaCodec(rounded=settings.rounded), clock)


DRIVER = Driver(
    "scale-sma",
    "Scale speaking SMA (SCP-0499)",
    ScaleSmaSettings,
    ScaleSma,
    checks=(StepKind.WEIGH,),
    experimental="built from the standard SMA SCP-0499 as scale makers reprint it, without a recorded capture",
    codecs={"sma": from_options},
    trials=[Trial("sma", 9600, frame, ask=b"\nW\r") for frame in ("8N1", "7E1")],
)
