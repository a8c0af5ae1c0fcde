"""Barcode scanners on a serial port or a USB port in serial mode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Annotated, Literal, Self

import msgspec

from edge.codecs.readings import Reading
from edge.codecs.serial_scanner import SerialScannerCodec, Suffix
from edge.drivers.api import Driver, Health, Settings
from edge.drivers.condition import Clock, Condition, boot_ns
from edge.errors import ContractBroken, HardwareAbsent, LinkLost
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


class SerialScanner:
    """One scanner; implements `edge.drivers.api.Device`."""

    def __init__(self, settings: SerialScannerSettings, *, clock: Clock = boot_ns) -> None:
        """Raises `BadSettings` for a `baud` or `frame` that no port has."""
        self._settings = settings
        self._line = SerialLine(settings.port, settings.baud, settings.frame)
        self._condition = Condition(clock)
        self._link: SerialLink | None = None
        self._codec = self._new_codec()

    async def __aenter__(self) -> Self:
        link = SerialLink(self._line)
        try:
            await link.__aenter__()
        except HardwareAbsent as error:
            self._condition.absent(str(error))
            raise
        self._link, self._codec = link, self._new_codec()
        self._condition.opened()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None
        self._condition.closed()

    async def readings(self) -> AsyncIterator[Reading]:
        link = self._link
        if link is None:
            raise ContractBroken(f"{self._settings.port} is not open")
        quiet = True
        while True:
            while (reading := self._codec.next_reading()) is not None:
                self._condition.heard(reading)
                yield reading
            await self._answer(link)
            try:
                async with asyncio.timeout(None if quiet else self._settings.idle_ms / 1000):
                    data = await link.read()
            except TimeoutError:
                self._codec.gap()
                quiet = True
                continue
            if not data:
                self._condition.lost("the port went away")
                raise LinkLost(f"{self._settings.port} went away")
            quiet = False
            self._codec.feed(data)

    async def acknowledge(self, accepted: bool) -> None:
        self._codec.acknowledge(accepted)
        if self._link is not None:
            await self._answer(self._link)

    def health(self) -> Health:
        return self._condition.health()

    async def _answer(self, link: SerialLink) -> None:
        """Send what the codec owes. A scanner that cannot be told is noted; its readings end by themselves."""
        if answer := self._codec.to_send():
            try:
                await link.write(answer)
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


DRIVER = Driver("serial-scanner", "Barcode scanner on a serial port", SerialScannerSettings, SerialScanner)
