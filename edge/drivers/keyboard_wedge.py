"""Barcode scanners that are a keyboard to the system: one input device, grabbed, so that nothing else is typed into."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import msgspec

from edge.codecs.keyboard_wedge import KeyboardWedgeCodec, from_options
from edge.codecs.layouts import LAYOUTS, LayoutName
from edge.codecs.readings import Reading
from edge.drivers.api import Driver, Kind, Match, Settings, StepKind, Trial
from edge.drivers.condition import Clock, boot_ns
from edge.drivers.linked import LinkedDevice
from edge.links.evdev import EvdevLink, InputDevice


class KeyboardWedgeSettings(Settings, frozen=True):
    """A scanner's table. `path` names one input device; none is ever guessed, since a foot pedal is a keyboard too.

    `idle_ms` without a key ends a code; with `idle_ends = false` such a code is refused as "unfinished". `gs` is the
    function key or sign that the scanner types for GS, if it is neither Ctrl+] nor Alt+029.
    """

    path: Annotated[str, msgspec.Meta(min_length=1)]
    layout: LayoutName = "us"
    aim: bool = True
    caps_lock: bool = False
    gs: Annotated[str, msgspec.Meta(pattern="^(f([1-9]|1[0-2])|[ -~])?$")] = ""
    idle_ends: bool = True
    idle_ms: Annotated[int, msgspec.Meta(ge=20, le=10_000)] = 200
    grab: bool = True


class KeyboardWedge(LinkedDevice[EvdevLink]):
    """One scanner; implements `edge.drivers.api.Device`."""

    def __init__(self, settings: KeyboardWedgeSettings, *, clock: Clock = boot_ns) -> None:
        super().__init__(EvdevLink(InputDevice(settings.path, settings.grab)), settings.path, clock)
        self._settings = settings

    async def readings(self) -> AsyncIterator[Reading]:
        self._check_open()
        settings = self._settings
        codec = KeyboardWedgeCodec(
            LAYOUTS[settings.layout],
            aim=settings.aim,
            idle_ends=settings.idle_ends,
            caps_lock=settings.caps_lock,
            gs=settings.gs,
        )
        quiet = True
        while True:
            while (reading := codec.next_reading()) is not None:
                self._condition.heard(reading)
                yield reading
            data = await self._hear(None if quiet else settings.idle_ms / 1000)
            if data is None:
                # Where this process was held up for longer than the gap, the keys that came meanwhile lie waiting.
                data = self._link.read_waiting() or None
            quiet = data is None
            if data is None:
                codec.gap()
            else:
                codec.feed(data)


DRIVER = Driver(
    "keyboard-wedge",
    "Barcode scanner that types",
    KeyboardWedgeSettings,
    KeyboardWedge,
    checks=(StepKind.SCAN,),
    codecs={"keyboard-wedge": from_options},
    trials=[
        Trial("keyboard-wedge", options={"layout": name, "caps_lock": caps}, table={"layout": name, "caps_lock": caps})
        for caps in (False, True)
        for name in LAYOUTS
    ],
    matches=[Match(Kind.INPUT, "path")],
)
