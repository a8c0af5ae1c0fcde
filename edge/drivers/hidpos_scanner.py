"""Barcode scanners in USB HID-POS mode, through a hidraw node."""

from __future__ import annotations

import fcntl
from collections.abc import AsyncIterator
from typing import Annotated, Literal, Self

import msgspec

from edge.codecs.hid_reports import framed, usages
from edge.codecs.hidpos import USAGE, HidPosCodec, from_options
from edge.codecs.readings import Reading
from edge.drivers.api import Driver, Kind, Match, Settings
from edge.drivers.condition import Clock, boot_ns
from edge.drivers.linked import LinkedDevice
from edge.errors import HardwareAbsent, LinkLost
from edge.links.hidraw import HidrawLink, Ioctl

HONEYWELL = (0x0C2E, 0x23D0)
"""Vendors (the second is Youjie, a Honeywell brand) whose scanners send nothing before they are told to."""
WAKE = b"\xfe\x01"


class HidPosScannerSettings(Settings, frozen=True):
    """A scanner's table. `wake`: send feature report FE 01 on opening; "auto" does if the vendor is Honeywell."""

    path: Annotated[str, msgspec.Meta(min_length=1)]
    wake: Literal["auto", "always", "never"] = "auto"
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    idle_ms: Annotated[int, msgspec.Meta(ge=20, le=10_000)] = 300


class HidPosScanner(LinkedDevice[HidrawLink]):
    """One scanner; implements `edge.drivers.api.Device`."""

    def __init__(self, settings: HidPosScannerSettings, *, clock: Clock = boot_ns, ioctl: Ioctl = fcntl.ioctl) -> None:
        super().__init__(HidrawLink(settings.path, ioctl=ioctl), settings.path, clock)
        self._settings = settings

    async def __aenter__(self) -> Self:
        """Open, and wake it if need be. Raises `HardwareAbsent`, also for a scanner in another mode."""
        await super().__aenter__()
        try:
            self._prepare()
        except (HardwareAbsent, LinkLost) as error:
            self._link.close()
            self._condition.absent(str(error))
            raise HardwareAbsent(str(error)) from error
        return self

    async def readings(self) -> AsyncIterator[Reading]:
        self._check_open()
        codec = HidPosCodec(encoding=self._settings.encoding)
        quiet = True
        while True:
            while (reading := codec.next_reading()) is not None:
                self._condition.heard(reading)
                yield reading
            report = await self._hear(None if quiet else self._settings.idle_ms / 1000)
            quiet = report is None
            if report is None:
                codec.gap()
            else:
                codec.feed(framed(report))

    def _prepare(self) -> None:
        identity = self._link.identity
        modes = usages(identity.descriptor)
        if USAGE not in modes:
            said = ", ".join(f"{page:02X}/{usage:02X}" for page, usage in modes) or "none"
            raise HardwareAbsent(f"{self._name} is not in HID-POS mode (usage 8C/02, but this is {said})")
        wake = self._settings.wake
        if wake == "always" or (wake == "auto" and identity.vendor in HONEYWELL):
            self._link.set_feature(WAKE)


DRIVER = Driver(
    "hidpos-scanner",
    "Barcode scanner in USB HID-POS mode",
    HidPosScannerSettings,
    HidPosScanner,
    experimental="built from manuals and other people's programs, without a recorded capture",
    codecs={"hidpos": from_options},
    matches=[Match(Kind.HID, "path", *USAGE)],
)
