"""CAS scales, and others that speak as they do: AP-1 and PD-II."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from edge.codecs import cas_ap1, cas_pd2
from edge.codecs.cas_ap1 import CasAp1Codec
from edge.codecs.cas_pd2 import CasPd2Codec
from edge.codecs.grams import Unit
from edge.drivers.api import Driver, StepKind, Trial
from edge.drivers.condition import Clock, boot_ns
from edge.drivers.polled_scale import AskedCodec, PolledScale, PolledScaleSettings

_FRAMES = {"ap1": "8N1", "pd2": "7E1"}


class ScaleCasSettings(PolledScaleSettings, frozen=True):
    """A scale's table. `frame` "" is the dialect's own. `unit` and `places` are for pd2, which sends neither."""

    dialect: Literal["ap1", "pd2"] = "ap1"
    frame: str = ""
    unit: Literal["kg", "lb"] = "kg"
    places: Annotated[int, msgspec.Meta(ge=0, le=5)] = 3


class ScaleCas(PolledScale):
    """One scale; implements `edge.drivers.api.Device`."""

    def __init__(self, settings: ScaleCasSettings, *, clock: Clock = boot_ns) -> None:
        """Raises `BadSettings` for a `baud` or `frame` that no port has."""

        def new_codec() -> AskedCodec:
            if settings.dialect == "ap1":
                return CasAp1Codec()
            return CasPd2Codec(Unit(settings.unit), settings.places)

        super().__init__(settings, settings.frame or _FRAMES[settings.dialect], new_codec, clock)


DRIVER = Driver(
    "scale-cas",
    "Scale speaking CAS AP-1 or PD-II",
    ScaleCasSettings,
    ScaleCas,
    checks=(StepKind.WEIGH,),
    experimental="built from CAS manuals and reports of others, without a recorded capture",
    codecs={"cas-ap1": cas_ap1.from_options, "cas-pd2": cas_pd2.from_options},
    trials=[
        # The inquiry and the request in one: a scale that has data answers both.
        Trial("cas-ap1", 9600, "8N1", table={"dialect": "ap1"}, ask=b"\x05\x11"),
        Trial("cas-pd2", 9600, "7E1", {"unit": "kg"}, {"dialect": "pd2", "unit": "kg"}, ask=b"W"),
    ],
)
