"""Barcode scanners in USB HID-POS mode, through a hidraw node."""

from __future__ import annotations

import fcntl
from collections.abc import AsyncIterator
from typing import Annotated, Literal, Self

import msgspec

from edge.codecs.hid_reports import framed, usages
from edge.codecs.hidpos import USAGE, HidPosCodec, from_options
from edge.codecs.readings import Reading
from edge.drivers.api import Driver, Kind, Match, Settings, StepKind
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
        self._not_woken = ""
        """Why it took no word to wake, which not every model of theirs needs, or knows."""

    async def __aenter__(self) -> Self:
        """Open, and wake it if need be. Raises `HardwareAbsent`, also for a scanner in another mode."""
        await super().__aenter__()
        self._condition.remark(self._not_woken)
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
            # Where this process was held up for longer than the gap, the reports that came meanwhile lie waiting.
            reports = self._link.reports_waiting() if report is None else [report]
            quiet = not reports
            for one in reports:
                codec.feed(framed(one))
            if quiet:
                codec.gap()

    async def _prepare(self) -> None:
        modes = usages(self._link.identity.descriptor)
        if USAGE not in modes:
            said = ", ".join(f"{page:02X}/{usage:02X}" for page, usage in modes) or "none"
            raise HardwareAbsent(f"{self._name} is not in HID-POS mode (usage 8C/02, but this is {said})")
        await self._wake()

    async def _wake(self) -> None:
        wake = self._settings.wake
        self._not_woken = ""
        if wake == "never" or (wake == "auto" and self._link.identity.vendor not in HONEYWELL):
            return
        try:
            await self._link.set_feature(WAKE)
        except LinkLost as error:
            if wake == "always":
                raise HardwareAbsent(str(error)) from error
            self._condition.count("not-woken")
            self._not_woken = str(error)


DRIVER = Driver(
    "hidpos-scanner",
    "Barcode scanner in USB HID-POS mode",
    HidPosScannerSettings,
    HidPosScanner,
    checks=(StepKind.SCAN,),
    experimental="built from manuals and other people's programs, without a recorded capture",
    codecs={"hidpos": from_options},
    matches=[Match(Kind.HID, "path", *USAGE)],
)
