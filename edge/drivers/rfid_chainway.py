"""UHF modules and readers of Chainway on a serial port."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from edge.codecs.chainway import ChainwayCodec, from_options
from edge.drivers.api import Driver, StepKind, Trial
from edge.drivers.condition import Clock, boot_ns
from edge.drivers.serial_reader import SerialReader, SerialReaderSettings


class RfidChainwaySettings(SerialReaderSettings, frozen=True):
    """A reader's table. `first_antenna`: what it calls its first. It is silent without tags, so `idle_ms` is long."""

    first_antenna: Literal[0, 1] = 1
    idle_ms: Annotated[int, msgspec.Meta(ge=100, le=600_000)] = 10_000


class RfidChainway(SerialReader):
    """One reader; implements `edge.drivers.api.Device`."""

    def __init__(self, settings: RfidChainwaySettings, *, clock: Clock = boot_ns) -> None:
        super().__init__(settings, lambda: ChainwayCodec(first_antenna=settings.first_antenna), clock)


DRIVER = Driver(
    "rfid-chainway",
    "Chainway UHF RFID reader",
    RfidChainwaySettings,
    RfidChainway,
    checks=(StepKind.TAG,),
    experimental="built from descriptions of the Chainway protocol, without a recorded capture",
    codecs={"chainway": from_options},
    trials=[Trial("chainway", 115200, "8N1")],
)
