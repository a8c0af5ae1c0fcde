"""Scales that speak NCI (Weigh-Tronix): SCP-01, SCP-02 and SCP-12."""

from __future__ import annotations

from typing import Literal

from edge.codecs.nci import NciCodec, NciDialect, from_options
from edge.drivers.api import Driver, StepKind, Trial
from edge.drivers.condition import Clock, boot_ns
from edge.drivers.polled_scale import AnswerMs, PolledScale, PolledScaleSettings


class ScaleNciSettings(PolledScaleSettings, frozen=True):
    """A scale's table. `answer_ms` is what the manual calls more than adequate."""

    dialect: Literal["scp01", "scp02", "scp12"] = "scp01"
    answer_ms: AnswerMs = 1000


class ScaleNci(PolledScale):
    """One scale; implements `edge.drivers.api.Device`."""

    def __init__(self, settings: ScaleNciSettings, *, clock: Clock = boot_ns) -> None:
        """Raises `BadSettings` for a `baud` or `frame` that no port has."""
        super().__init__(settings, settings.frame, lambda: NciCodec(NciDialect(settings.dialect)), clock)


DRIVER = Driver(
    "scale-nci",
    "Scale speaking NCI (Weigh-Tronix): SCP-01, SCP-02 or SCP-12",
    ScaleNciSettings,
    ScaleNci,
    checks=(StepKind.WEIGH,),
    experimental="built from Weigh-Tronix 8408-14788-01, the DIVA service manual and Brecknell's, without a capture",
    codecs={"nci": from_options},
    trials=[
        Trial("nci", 9600, "7E1", {"dialect": one.value}, {"dialect": one.value}, ask=b"W\r") for one in NciDialect
    ],
)
