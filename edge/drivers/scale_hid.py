"""USB HID scales, which send their weight all the time, through a hidraw node."""

from __future__ import annotations

import dataclasses
import fcntl
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec

from edge.codecs.hid_reports import framed, usages
from edge.codecs.hid_scale import USAGE_PAGE, HidScaleCodec, from_options
from edge.codecs.readings import Reading, Weight, WeightState
from edge.drivers.api import Driver, Health, Kind, Match, Settings, Status, StepKind
from edge.drivers.condition import Clock, boot_ns
from edge.drivers.linked import LinkedDevice
from edge.drivers.scale_figures import ScaleFigures
from edge.errors import HardwareAbsent
from edge.links.hidraw import HidrawLink, Ioctl


class ScaleHidSettings(Settings, frozen=True):
    """A scale's table. `first_is_stale`: the first report after opening is of the past, and not given."""

    path: Annotated[str, msgspec.Meta(min_length=1)]
    first_is_stale: bool = True
    silent_ms: Annotated[int, msgspec.Meta(ge=50, le=60_000)] = 2000


class ScaleHid(LinkedDevice[HidrawLink]):
    """One scale; implements `edge.drivers.api.Device`.

    Of several weights that came while nobody was reading, the newest is given and the others are counted as "late".
    Silence of `silent_ms` gives a FAULT with neither grams nor `raw`: the weight before is never taken for the one now.
    Its health tells the age of the last weight and the other figures of `ScaleFigures`, and in the note what is wrong.
    """

    def __init__(self, settings: ScaleHidSettings, *, clock: Clock = boot_ns, ioctl: Ioctl = fcntl.ioctl) -> None:
        super().__init__(HidrawLink(settings.path, ioctl=ioctl), settings.path, clock)
        self._settings = settings
        self._clock = clock
        self._figures = ScaleFigures()

    async def _prepare(self) -> None:
        if all(page != USAGE_PAGE for page, _ in usages(self._link.identity.descriptor)):
            raise HardwareAbsent(f"{self._name} is no HID scale (usage page 8D)")

    async def readings(self) -> AsyncIterator[Reading]:
        self._check_open()
        settings = self._settings
        codec = HidScaleCodec(first_is_stale=settings.first_is_stale)
        self._figures.interrupt()
        while True:
            for reading in await self._newest(codec):
                self._condition.heard(reading)
                yield reading

    def health(self) -> Health:
        health = super().health()
        now = self._clock()
        note = health.note
        if health.status is Status.READY and not note:
            note = self._figures.complaint(now, self._settings.silent_ms * 2 * 10**6)
        return dataclasses.replace(health, note=note, figures=self._figures.measured(now))

    async def _newest(self, codec: HidScaleCodec) -> list[Reading]:
        """Wait for reports and give what is not overtaken by a newer weight. Raises `LinkLost`."""
        report = await self._hear(self._settings.silent_ms / 1000)
        # Also after a silence: where this process was held up for longer, what came meanwhile lies waiting.
        reports = [*([] if report is None else [report]), *self._link.reports_waiting()]
        if not reports:
            codec.gap()
            self._figures.interrupt()
            self._condition.count("silent")
            self._condition.remark(f"no report for {self._settings.silent_ms} ms")
            return [Weight(None, WeightState.FAULT, net=False, raw=b"")]
        self._condition.remark("")
        readings: list[Reading] = []
        for one in reports:
            codec.feed(framed(one))
            while (reading := codec.next_reading()) is not None:
                readings.append(reading)
                if isinstance(reading, Weight):
                    self._figures.take(reading, self._clock())
        weights = [at for at, reading in enumerate(readings) if isinstance(reading, Weight)]
        for at in reversed(weights[:-1]):
            del readings[at]
            self._condition.count("late")
        return readings


DRIVER = Driver(
    "scale-hid",
    "USB HID scale",
    ScaleHidSettings,
    ScaleHid,
    checks=(StepKind.WEIGH,),
    experimental="built from the HID Point of Sale tables and reports, without a recorded capture",
    codecs={"hid-scale": from_options},
    matches=[Match(Kind.HID, "path", USAGE_PAGE)],
)
