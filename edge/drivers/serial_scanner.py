"""Barcode scanners on a serial port or a USB port in serial mode."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Literal, Self

import msgspec

from edge.codecs.readings import Reading
from edge.codecs.serial_scanner import SerialScannerCodec, Suffix, from_options
from edge.drivers.api import Driver, Settings, Trial
from edge.drivers.condition import Clock, boot_ns
from edge.drivers.linked import LinkedDevice
from edge.errors import LinkLost
from edge.links.serial import SerialLine, SerialLink

_SUFFIXES = {"cr": Suffix.CR, "lf": Suffix.LF, "crlf": Suffix.CRLF, "tab": Suffix.TAB}


class SerialScannerSettings(Settings, frozen=True):
    """A scanner's table. `ack = "honeywell"`: the scanner waits for ACK or NAK and signals NAK to its user."""

    port: Annotated[str, msgspec.Meta(min_length=1)]
    baud: int = 9600
    frame: str = "8N1"
    suffix: Literal["cr", "lf", "crlf", "tab"] = "cr"
    prefix: Annotated[str, msgspec.Meta(max_length=32)] = ""
    aim: bool = True
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    ack: Literal["none", "honeywell"] = "none"
    idle_ms: Annotated[int, msgspec.Meta(ge=50, le=60_000)] = 500


class SerialScanner(LinkedDevice[SerialLink]):
    """One scanner; implements `edge.drivers.api.Device`."""

    def __init__(self, settings: SerialScannerSettings, *, clock: Clock = boot_ns) -> None:
        """Raises `BadSettings` for a `baud` or `frame` that no port has."""
        line = SerialLine(settings.port, settings.baud, settings.frame)
        super().__init__(SerialLink(line), settings.port, clock)
        self._settings = settings
        self._codec = self._new_codec()

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._codec = self._new_codec()
        return self

    async def readings(self) -> AsyncIterator[Reading]:
        self._check_open()
        codec, idle_s = self._codec, self._settings.idle_ms / 1000
        quiet = True
        while True:
            while (reading := codec.next_reading()) is not None:
                self._condition.heard(reading)
                yield reading
            await self._answer()
            data = await self._hear(None if quiet else idle_s)
            quiet = data is None
            if data is None:
                codec.gap()
            else:
                codec.feed(data)

    async def acknowledge(self, accepted: bool) -> None:
        self._codec.acknowledge(accepted)
        await self._answer()

    async def _answer(self) -> None:
        """Send what the codec owes. A scanner that cannot be told is noted; its readings end by themselves."""
        answer = self._codec.to_send()
        if not answer or not self._condition.ready:
            return
        try:
            await self._link.write(answer)
        except LinkLost as error:
            self._condition.count("answer-lost")
            self._condition.remark(str(error))

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
    codecs={"serial-scanner": from_options},
    trials=[
        Trial("serial-scanner", baud, "8N1", {"suffix": suffix}, {"suffix": suffix})
        for baud in (9600, 115200)
        for suffix in ("cr", "crlf", "lf", "tab")
    ],
)
