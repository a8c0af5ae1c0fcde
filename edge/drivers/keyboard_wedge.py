"""Barcode scanners that are a keyboard to the system: one input device, grabbed, so that nothing else is typed into."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Annotated, Self

import msgspec

from edge.codecs.keyboard_wedge import KeyboardWedgeCodec
from edge.codecs.layouts import LAYOUTS, LayoutName
from edge.codecs.readings import Reading
from edge.drivers.api import Driver, Health, Settings
from edge.drivers.condition import Clock, Condition, boot_ns
from edge.errors import ContractBroken, HardwareAbsent, LinkLost
from edge.links.evdev import EvdevLink, InputDevice


class KeyboardWedgeSettings(Settings, frozen=True):
    """A scanner's table. `path` names one input device; none is ever guessed, since a foot pedal is a keyboard too.

    `idle_ms` without a key ends a code; with `idle_ends = false` such a code is refused as "unfinished".
    """

    path: Annotated[str, msgspec.Meta(min_length=1)]
    layout: LayoutName = "us"
    aim: bool = True
    caps_lock: bool = False
    idle_ends: bool = True
    idle_ms: Annotated[int, msgspec.Meta(ge=20, le=10_000)] = 200
    grab: bool = True


class KeyboardWedge:
    """One scanner; implements `edge.drivers.api.Device`."""

    def __init__(self, settings: KeyboardWedgeSettings, *, clock: Clock = boot_ns) -> None:
        self._settings = settings
        self._condition = Condition(clock)
        self._link: EvdevLink | None = None

    async def __aenter__(self) -> Self:
        link = EvdevLink(InputDevice(self._settings.path, self._settings.grab))
        try:
            await link.__aenter__()
        except HardwareAbsent as error:
            self._condition.absent(str(error))
            raise
        self._link = link
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
        link, settings = self._link, self._settings
        if link is None:
            raise ContractBroken(f"{settings.path} is not open")
        codec = KeyboardWedgeCodec(
            LAYOUTS[settings.layout], aim=settings.aim, idle_ends=settings.idle_ends, caps_lock=settings.caps_lock
        )
        quiet = True
        while True:
            while (reading := codec.next_reading()) is not None:
                self._condition.heard(reading)
                yield reading
            try:
                async with asyncio.timeout(None if quiet else settings.idle_ms / 1000):
                    data = await link.read()
            except TimeoutError:
                codec.gap()
                quiet = True
                continue
            if not data:
                self._condition.lost("the input device went away")
                raise LinkLost(f"{settings.path} went away")
            quiet = False
            codec.feed(data)

    async def acknowledge(self, accepted: bool) -> None:
        """Do nothing: a keyboard cannot be told."""

    def health(self) -> Health:
        return self._condition.health()


DRIVER = Driver("keyboard-wedge", "Barcode scanner that types", KeyboardWedgeSettings, KeyboardWedge)
