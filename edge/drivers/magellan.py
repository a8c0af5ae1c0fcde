"""Datalogic Magellan scanner scales on a single cable: one device that reads codes and weighs."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Annotated, Literal, Self

import msgspec

from edge.codecs.grams import Unit
from edge.codecs.magellan import SCALE_TROUBLES, MagellanCodec, from_options
from edge.codecs.readings import Reading, Refused, Weight, WeightState
from edge.drivers.api import Driver, Health, Settings, Status, StepKind, Trial
from edge.drivers.condition import Clock, boot_ns
from edge.drivers.linked import LinkedDevice
from edge.drivers.scale_figures import ScaleFigures
from edge.errors import LinkLost
from edge.links.serial import SerialLine, SerialLink

FRESH_AT_LEAST_S = 3.0
"""An answer of the scale is not called old before this, however fast it is asked."""


class MagellanSettings(Settings, frozen=True):
    """A scanner scale's table. `weigh = false`: it has no scale. `beep`: its tone sounds once a scan is on disk."""

    port: Annotated[str, msgspec.Meta(min_length=1)]
    baud: int = 9600
    frame: str = "7O1"
    bcc: bool = False
    weigh: bool = True
    unit: Literal["kg", "lb"] = "kg"
    beep: bool = True
    poll_ms: Annotated[int, msgspec.Meta(ge=50, le=60_000)] = 250
    answer_ms: Annotated[int, msgspec.Meta(ge=20, le=10_000)] = 500


class Magellan(LinkedDevice[SerialLink]):
    """One scanner scale; implements `edge.drivers.api.Device`.

    Scans are given as they come. The weight is asked for at a steady pace, and a weight given was measured after the
    reader of `readings` had taken what was given before it: an answer that a scan overtook, or that lay waiting before
    the question, is not given (counted as "late"). No answer within `answer_ms` gives a FAULT with neither grams nor
    `raw`, and so, with `raw`, does an answer that is no weight; its health's note says which.
    """

    def __init__(self, settings: MagellanSettings, *, clock: Clock = boot_ns) -> None:
        """Raises `BadSettings` for a `baud` or `frame` that no port has."""
        super().__init__(SerialLink(SerialLine(settings.port, settings.baud, settings.frame)), settings.port, clock)
        self._settings = settings
        self._clock = clock
        self._figures = ScaleFigures()
        self._codec = self._new_codec()
        self._owed = 0
        """Questions that the scale has not answered."""
        self._wanted = False
        """The answer to the last question is for the reader."""

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._codec = self._new_codec()
        self._figures.interrupt()
        self._owed, self._wanted = 0, False
        return self

    async def readings(self) -> AsyncIterator[Reading]:
        self._check_open()
        settings, loop = self._settings, asyncio.get_running_loop()
        ask_at = loop.time() if settings.weigh else float("inf")
        answer_by = float("inf")
        taken = False
        while True:
            while (reading := self._next_reading()) is not None:
                self._condition.heard(reading)
                yield reading
                # What the scale says now it measured before the reader had taken this.
                self._wanted = False
            until = answer_by if self._wanted else ask_at
            left_s = None if until == float("inf") else max(0.0, until - loop.time())
            if left_s != 0:
                self._codec.feed(await self._hear(left_s) or b"")
            elif not taken:
                # What lies waiting came before the question, or while this process was held up.
                self._codec.feed(self._link.read_waiting())
                taken = True
            elif self._wanted:
                taken = False
                fault = self._silence()
                self._condition.heard(fault)
                yield fault
            else:
                taken = False
                ask_at = loop.time() + settings.poll_ms / 1000
                answer_by = loop.time() + settings.answer_ms / 1000
                await self._ask()

    async def acknowledge(self, accepted: bool) -> None:
        if not self._settings.beep:
            return
        self._codec.acknowledge(accepted)
        try:
            await self._send()
        except LinkLost:
            self._condition.count("answer-lost")

    def health(self) -> Health:
        health = super().health()
        now, note = self._clock(), health.note
        if health.status is Status.READY and not note:
            asked_every_s = (self._settings.poll_ms + 2 * self._settings.answer_ms) / 1000
            note = self._figures.complaint(now, int(max(FRESH_AT_LEAST_S, 3 * asked_every_s) * 10**9))
        return dataclasses.replace(health, note=note, figures=self._figures.measured(now))

    def _next_reading(self) -> Reading | None:
        """Give the next scan or wanted weight of the codec."""
        while (reading := self._codec.next_reading()) is not None:
            trouble = reading.name if isinstance(reading, Refused) and reading.name in SCALE_TROUBLES else ""
            if isinstance(reading, Refused) and trouble:
                self._condition.count(f"refused.{trouble}")
                self._condition.remark(f"{trouble}: {reading.detail}")
                reading = Weight(None, WeightState.FAULT, net=False, raw=reading.raw)
            if not isinstance(reading, Weight):
                return reading
            self._owed = max(0, self._owed - 1)
            if self._wanted and not self._owed:
                self._wanted = False
                self._figures.take(reading, self._clock())
                if not trouble:
                    self._condition.remark("")
                return reading
            self._condition.count("late")
        return None

    def _silence(self) -> Weight:
        self._owed, self._wanted = 0, False
        self._figures.interrupt()
        self._condition.count("silent")
        self._condition.remark(f"the scale does not answer within {self._settings.answer_ms} ms")
        return Weight(None, WeightState.FAULT, net=False, raw=b"")

    async def _ask(self) -> None:
        self._codec.ask()
        self._owed += 1
        self._wanted = True
        try:
            await self._send()
        except LinkLost as error:
            self._condition.lost(str(error))
            raise

    async def _send(self) -> None:
        """Send what the codec has to say. Raises `LinkLost`."""
        data = self._codec.to_send()
        if data and self._condition.ready:
            await self._link.write(data)

    def _new_codec(self) -> MagellanCodec:
        return MagellanCodec(Unit(self._settings.unit), bcc=self._settings.bcc)


DRIVER = Driver(
    "magellan",
    "Datalogic Magellan scanner and scale on a single cable",
    MagellanSettings,
    Magellan,
    checks=lambda settings: (StepKind.SCAN, *((StepKind.WEIGH,) if settings.weigh else ())),
    experimental="built from Datalogic's single-cable protocol as published hosts speak it, without a recorded capture",
    codecs={"magellan": from_options},
    trials=[Trial("magellan", 9600, "7O1", {"unit": unit}, {"unit": unit}, ask=b"S14\r") for unit in ("kg", "lb")],
)
