"""Zebra and Symbol scanners that speak Simple Serial Interface: each scan is answered once it is on disk."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from edge.codecs.ssi import SsiCodec, from_options
from edge.drivers.answered import AnsweredScanner
from edge.drivers.api import Driver, Settings, StepKind, Trial
from edge.drivers.condition import Clock, boot_ns
from edge.links.serial import SerialLine


class SsiScannerSettings(Settings, frozen=True):
    """A scanner's table; `ack` and `multipacket` as it is set ("Software Handshaking", "Multipacket Option")."""

    port: Annotated[str, msgspec.Meta(min_length=1)]
    baud: int = 9600
    frame: str = "8N1"
    ack: bool = True
    multipacket: Literal["each", "end"] = "each"
    aim: bool = True
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    idle_ms: Annotated[int, msgspec.Meta(ge=50, le=60_000)] = 2500


class SsiScanner(AnsweredScanner[SsiCodec]):
    """One scanner; implements `edge.drivers.api.Device`."""

    def __init__(self, settings: SsiScannerSettings, *, clock: Clock = boot_ns) -> None:
        """Raises `BadSettings` for a `baud` or `frame` that no port has."""
        self._settings = settings
        line = SerialLine(settings.port, settings.baud, settings.frame)
        super().__init__(line, settings.idle_ms, self._new_codec, clock)

    def _new_codec(self) -> SsiCodec:
        settings = self._settings
        return from_options(settings.ack, settings.multipacket, settings.aim, settings.encoding)


DRIVER = Driver(
    "ssi-scanner",
    "Zebra or Symbol barcode scanner in Simple Serial Interface",
    SsiScannerSettings,
    SsiScanner,
    checks=(StepKind.SCAN,),
    experimental="built from the Simple Serial Interface Programmer's Guide, without a recorded capture",
    codecs={"ssi": from_options},
    trials=[Trial("ssi", 9600, "8N1", {"ack": False})],
)
