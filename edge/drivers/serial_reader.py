"""RFID readers on a serial port: set up, started, and started again when they fall silent, whatever the dialect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated

import msgspec

from edge.codecs.readings import Reading
from edge.codecs.serial_reader import SerialReaderCodec
from edge.drivers.api import Settings
from edge.drivers.condition import Clock
from edge.drivers.linked import LinkedDevice
from edge.errors import HardwareAbsent, LinkLost
from edge.links.serial import SerialLine, SerialLink

STEP_S = 0.3
"""A request without an answer is repeated, or passed over, after so long."""


class SerialReaderSettings(Settings, frozen=True):
    """What every serial reader's table has. `idle_ms`: so long a silence is no lack of tags any more."""

    port: Annotated[str, msgspec.Meta(min_length=1)]
    baud: int = 115200
    answer_ms: Annotated[int, msgspec.Meta(ge=100, le=60_000)] = 3000
    idle_ms: Annotated[int, msgspec.Meta(ge=100, le=600_000)] = 3000


class SerialReader(LinkedDevice[SerialLink]):
    """One reader; implements `edge.drivers.api.Device`.

    Open means that it reads: a port behind which nothing answers in this dialect within `answer_ms` is absent. When it
    says nothing for `idle_ms` it is set up again, and lost if it does not answer then.
    """

    def __init__(
        self, settings: SerialReaderSettings, new_codec: Callable[[], SerialReaderCodec], clock: Clock
    ) -> None:
        """Raises `BadSettings` for a `baud` that no port has."""
        super().__init__(SerialLink(SerialLine(settings.port, settings.baud)), settings.port, clock)
        self._settings = settings
        self._new_codec = new_codec
        self._codec = new_codec()

    async def readings(self) -> AsyncIterator[Reading]:
        self._check_open()
        codec, settings, loop = self._codec, self._settings, asyncio.get_running_loop()
        answer_by = loop.time()
        while True:
            while (reading := codec.next_reading()) is not None:
                self._condition.heard(reading)
                yield reading
            if codec.trouble:
                raise self._lost(codec.trouble)
            if not codec.reading and loop.time() > answer_by:
                raise self._lost(f"no answer within {settings.answer_ms} ms")
            try:
                await self._link.write(codec.to_send())
            except LinkLost as error:
                raise self._lost(str(error)) from error
            data = await self._hear(settings.idle_ms / 1000 if codec.reading else STEP_S)
            if data is not None:
                codec.feed(data)
                continue
            codec.gap()
            if codec.reading:
                self._condition.count("silent")
                codec.begin()
                answer_by = loop.time() + settings.answer_ms / 1000

    async def _prepare(self) -> None:
        """Go through the codec's steps. Raises `HardwareAbsent`."""
        codec, settings = self._new_codec(), self._settings
        self._codec = codec
        codec.begin()
        try:
            async with asyncio.timeout(settings.answer_ms / 1000):
                while not codec.reading:
                    await self._link.write(codec.to_send())
                    try:
                        async with asyncio.timeout(STEP_S):
                            data = await self._link.read()
                    except TimeoutError:
                        codec.gap()
                        continue
                    if not data:
                        raise HardwareAbsent(f"{self._name} went away")
                    codec.feed(data)
                    if codec.trouble:
                        raise HardwareAbsent(f"{self._name}: {codec.trouble}")
                await self._link.write(codec.to_send())
        except TimeoutError:
            raise HardwareAbsent(f"{self._name}: no such reader answers within {settings.answer_ms} ms") from None
        except LinkLost as error:
            raise HardwareAbsent(str(error)) from error

    async def _stop(self) -> None:
        self._codec.stop()
        try:
            await self._link.write(self._codec.to_send())
        except LinkLost:
            pass  # it has stopped by going away
