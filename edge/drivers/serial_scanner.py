"""Barcode scanners on a serial port or a USB port in serial mode."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from edge.codecs.serial_scanner import SerialScannerCodec, Suffix, from_options
from edge.drivers.answered import AnsweredScanner
from edge.drivers.api import Driver, Kind, Match, Settings, StepKind, Trial
from edge.drivers.condition import Clock, boot_ns
from edge.links.serial import SerialLine

SCANNER_MAKERS = frozenset({0x0536, 0x05E0, 0x05F9, 0x0C2E, 0x1EAB})
"""USB vendors (usb.ids): Hand Held Products and Metrologic, now Honeywell; Symbol,
now Zebra; PSC, now Datalogic; Newland."""
_SUFFIXES = {"cr": Suffix.CR, "lf": Suffix.LF, "crlf": Suffix.CRLF, "tab": Suffix.TAB}


class SerialScannerSettings(Settings, frozen=True):
    """A scanner's table. `ack = "honeywell"`: the scanner waits for ACK or NAK, and sends again on NAK."""

    port: Annotated[str, msgspec.Meta(min_length=1)]
    baud: int = 9600
    frame: str = "8N1"
    suffix: Literal["cr", "lf", "crlf", "tab"] = "cr"
    prefix: Annotated[str, msgspec.Meta(max_length=32)] = ""
    aim: bool = True
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    ack: Literal["none", "honeywell"] = "none"
    idle_ms: Annotated[int, msgspec.Meta(ge=50, le=60_000)] = 500


class SerialScanner(AnsweredScanner[SerialScannerCodec]):
    """One scanner; implements `edge.drivers.api.Device`."""

    def __init__(self, settings: SerialScannerSettings, *, clock: Clock = boot_ns) -> None:
        """Raises `BadSettings` for a `baud` or `frame` that no port has."""
        self._settings = settings
        line = SerialLine(settings.port, settings.baud, settings.frame)
        super().__init__(line, settings.idle_ms, self._new_codec, clock)

    def _new_codec(self) -> SerialScannerCodec:
        settings = self._settings
        return SerialScannerCodec(
            _SUFFIXES[settings.suffix],
            prefix=settings.prefix.encode(settings.encoding, errors="replace"),
            aim=settings.aim,
            encoding=settings.encoding,
            ack=settings.ack == "honeywell",
        )


DRIVER = Driver(
    "serial-scanner",
    "Barcode scanner on a serial port",
    SerialScannerSettings,
    SerialScanner,
    checks=(StepKind.SCAN,),
    codecs={"serial-scanner": from_options},
    trials=[
        Trial("serial-scanner", baud, "8N1", {"suffix": suffix}, {"suffix": suffix})
        for baud in (9600, 115200)
        # CR LF first: CR alone, and LF alone, would take it too.
        for suffix in ("crlf", "cr", "lf", "tab")
    ],
    matches=[Match(Kind.SERIAL, "port", vendors=SCANNER_MAKERS)],
)
