"""Scales that speak Mettler Toledo 8217, asked for the weight at a steady pace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Literal

import msgspec

from edge.codecs.mt8217 import Mt8217Codec, Unit, from_options
from edge.codecs.readings import Reading, Weight, WeightState
from edge.drivers.api import Driver, Settings, Trial
from edge.drivers.condition import Clock, boot_ns
from edge.drivers.linked import LinkedDevice
from edge.errors import LinkLost
from edge.links.serial import SerialLine, SerialLink


class Scale8217Settings(Settings, frozen=True):
    """A scale's table. `all_clear_repeats`: this scale says "?@" for "as before" (codec `mt8217`)."""

    port: Annotated[str, msgspec.Meta(min_length=1)]
    baud: int = 9600
    frame: str = "7E1"
    unit: Literal["kg", "lb", "g"] = "kg"
    all_clear_repeats: bool = False
    poll_ms: Annotated[int, msgspec.Meta(ge=50, le=60_000)] = 250
    answer_ms: Annotated[int, msgspec.Meta(ge=20, le=10_000)] = 500


class Scale8217(LinkedDevice[SerialLink]):
    """One scale; implements `edge.drivers.api.Device`.

    A weight is asked for only when the reader of `readings` wants the next one, and an answer that lay waiting before
    the question is not given (counted as "late"), so a weight given was measured since. A scale that does not answer
    within `answer_ms` gives a FAULT with neither grams nor `raw`: the weight before is never taken for the one now.
    """

    def __init__(self, settings: Scale8217Settings, *, clock: Clock = boot_ns) -> None:
        """Raises `BadSettings` for a `baud` or `frame` that no port has."""
        line = SerialLine(settings.port, settings.baud, settings.frame)
        super().__init__(SerialLink(line), settings.port, clock)
        self._settings = settings

    async def readings(self) -> AsyncIterator[Reading]:
        self._check_open()
        settings = self._settings
        codec = Mt8217Codec(Unit(settings.unit), all_clear_repeats=settings.all_clear_repeats)
        loop = asyncio.get_running_loop()
        while True:
            asked = loop.time()
            for reading in await self._ask(codec):
                self._condition.heard(reading)
                yield reading
            await asyncio.sleep(asked + settings.poll_ms / 1000 - loop.time())

    async def _ask(self, codec: Mt8217Codec) -> list[Reading]:
        """Ask once and give the answer, one reading or more. Raises `LinkLost`."""
        codec.feed(self._link.read_waiting())
        for _ in _drain(codec):
            self._condition.count("late")
        codec.ask()
        try:
            await self._link.write(codec.to_send())
        except LinkLost as error:
            self._condition.lost(str(error))
            raise
        try:
            async with asyncio.timeout(self._settings.answer_ms / 1000):
                while not (answer := _drain(codec)):
                    codec.feed(await self._hear(None) or b"")
        except TimeoutError:
            codec.gap()
            self._condition.count("silent")
            self._condition.remark(f"no answer within {self._settings.answer_ms} ms")
            return [*_drain(codec), Weight(None, WeightState.FAULT, net=False, raw=b"")]
        self._condition.remark("")
        return answer


def _drain(codec: Mt8217Codec) -> list[Reading]:
    readings: list[Reading] = []
    while (reading := codec.next_reading()) is not None:
        readings.append(reading)
    return readings


DRIVER = Driver(
    "scale-8217",
    "Scale speaking Mettler Toledo 8217",
    Scale8217Settings,
    Scale8217,
    experimental="built from the DIVA service manual, without a recorded capture",
    codecs={"mt8217": from_options},
    trials=[Trial("mt8217", 9600, "7E1", {"unit": unit}, {"unit": unit}, ask=b"W") for unit in ("kg", "lb", "g")],
)
