"""UHF readers with an R200 or a YRM100 inside."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from edge.codecs.r200 import R200Codec, Variant, from_options
from edge.drivers.api import Driver, StepKind, Trial
from edge.drivers.condition import Clock, boot_ns
from edge.drivers.serial_reader import SerialReader, SerialReaderSettings

_VARIANTS = {"BB-7E": Variant.BB_7E, "AA-DD": Variant.AA_DD, "AA-8E": Variant.AA_8E}


class RfidR200Settings(SerialReaderSettings, frozen=True):
    """A reader's table. `variant`: first and last byte of its frames. It speaks each round, with or without tags."""

    variant: Literal["BB-7E", "AA-DD", "AA-8E"] = "BB-7E"
    idle_ms: Annotated[int, msgspec.Meta(ge=100, le=600_000)] = 1000


class RfidR200(SerialReader):
    """One reader; implements `edge.drivers.api.Device`."""

    def __init__(self, settings: RfidR200Settings, *, clock: Clock = boot_ns) -> None:
        super().__init__(settings, lambda: R200Codec(_VARIANTS[settings.variant]), clock)


DRIVER = Driver(
    "rfid-r200",
    "UHF RFID reader with an R200 or YRM100",
    RfidR200Settings,
    RfidR200,
    checks=(StepKind.TAG,),
    experimental="built from the M100 and R200 manuals, without a recorded capture",
    codecs={"r200": from_options},
    trials=[Trial("r200", 115200, "8N1", {"variant": variant}, {"variant": variant}) for variant in _VARIANTS],
)
