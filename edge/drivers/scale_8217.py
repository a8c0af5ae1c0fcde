"""Scales that speak Mettler Toledo 8217, asked for the weight at a steady pace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Annotated, Literal, Self

import msgspec

from edge.codecs.mt8217 import Mt8217Codec, Unit
from edge.codecs.readings import Reading, Weight, WeightState
from edge.drivers.api import Driver, Health, Settings
from edge.drivers.condition import Clock, Condition, boot_ns
from edge.errors import ContractBroken, HardwareAbsent, LinkLost
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


class Scale8217:
    """One scale; implements `edge.drivers.api.Device`.

    A weight is asked for only when the reader of `readings` wants the next one, and an answer that lay waiting before
    the question is not given (counted as "late"), so a weight given was measured since. A scale that does not answer
    within `answer_ms` gives a FAULT with neither grams nor `raw`: the weight before is never taken for the one now.
    """

    def __init__(self, settings: Scale8217Settings, *, clock: Clock = boot_ns) -> None:
        """Raises `BadSettings` for a `baud` or `frame` that no port has."""
        self._settings = settings
        self._line = SerialLine(settings.port, settings.baud, settings.frame)
        self._condition = Condition(clock)
        self._link: SerialLink | None = None

    async def __aenter__(self) -> Self:
        link = SerialLink(self._line)
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
        settings, link = self._settings, self._link
        if link is None:
            raise ContractBroken(f"{settings.port} is not open")
        codec = Mt8217Codec(Unit(settings.unit), all_clear_repeats=settings.all_clear_repeats)
        loop = asyncio.get_running_loop()
        while True:
            asked = loop.time()
            for reading in await self._ask(link, codec):
                self._condition.heard(reading)
                yield reading
            await asyncio.sleep(asked + settings.poll_ms / 1000 - loop.time())

    async def acknowledge(self, accepted: bool) -> None:
        """Do nothing: a scale cannot be told."""

    def health(self) -> Health:
        return self._condition.health()

    async def _ask(self, link: SerialLink, codec: Mt8217Codec) -> list[Reading]:
        """Ask once and give the answer, one reading or more. Raises `LinkLost`."""
        codec.feed(link.read_waiting())
        for _ in _drain(codec):
            self._condition.count("late")
        codec.ask()
        try:
            await link.write(codec.to_send())
            async with asyncio.timeout(self._settings.answer_ms / 1000):
                while not (answer := _drain(codec)):
                    data = await link.read()
                    if not data:
                        raise LinkLost(f"{self._settings.port} went away")
                    codec.feed(data)
        except LinkLost as error:
            self._condition.lost(str(error))
            raise
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


DRIVER = Driver("scale-8217", "Scale speaking Mettler Toledo 8217", Scale8217Settings, Scale8217)
