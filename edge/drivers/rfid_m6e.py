"""ThingMagic M6e, M6e Nano and Micro modules."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from edge.codecs.m6e import M6eCodec, from_options
from edge.drivers.api import Driver, StepKind, Trial
from edge.drivers.condition import Clock, boot_ns
from edge.drivers.serial_reader import SerialReader, SerialReaderSettings

Port = Annotated[int, msgspec.Meta(ge=1, le=15)]


class RfidM6eSettings(SerialReaderSettings, frozen=True):
    """A module's table. `region`: where it may send; left out, as the module is set. `antennas`: ports to read with."""

    antennas: Annotated[tuple[Port, ...], msgspec.Meta(min_length=1, max_length=15)] = (1,)
    region: Literal["na", "in", "jp", "prc", "eu3", "kr2", "au", "nz", "na2"] | None = None


class RfidM6e(SerialReader):
    """One module; implements `edge.drivers.api.Device`. It speaks each second, with or without tags."""

    def __init__(self, settings: RfidM6eSettings, *, clock: Clock = boot_ns) -> None:
        super().__init__(settings, lambda: M6eCodec(settings.antennas, settings.region), clock)


DRIVER = Driver(
    "rfid-m6e",
    "ThingMagic M6e RFID module",
    RfidM6eSettings,
    RfidM6e,
    checks=(StepKind.TAG,),
    experimental="built from the Mercury API and logs of an M6e Nano, without a recorded capture",
    codecs={"m6e": from_options},
    trials=[Trial("m6e", 115200, "8N1")],
)
