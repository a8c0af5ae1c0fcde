"""Balances and scales that speak MT-SICS."""

from __future__ import annotations

from edge.codecs.mtsics import MtSicsCodec, from_options
from edge.drivers.api import Driver, StepKind, Trial
from edge.drivers.condition import Clock, boot_ns
from edge.drivers.polled_scale import FineScaleSettings, PolledScale


class ScaleMtSicsSettings(FineScaleSettings, frozen=True):
    """A balance's table."""

    frame: str = "8N1"


class ScaleMtSics(PolledScale):
    """One balance or scale; implements `edge.drivers.api.Device`."""

    def __init__(self, settings: ScaleMtSicsSettings, *, clock: Clock = boot_ns) -> None:
        """Raises `BadSettings` for a `baud` or `frame` that no port has."""
        super().__init__(settings, settings.frame, lambda: MtSicsCodec(rounded=settings.rounded), clock)


DRIVER = Driver(
    "scale-mtsics",
    "Balance or scale speaking MT-SICS",
    ScaleMtSicsSettings,
    ScaleMtSics,
    checks=(StepKind.WEIGH,),
    experimental="built from the MT-SICS reference manuals, without a recorded capture",
    codecs={"mtsics": from_options},
    trials=[Trial("mtsics", 9600, frame, ask=b"SI\r\n") for frame in ("8N1", "7E1")],
)
