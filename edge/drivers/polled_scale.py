"""A scale on a serial port that is asked for the weight at a steady pace: the same for every dialect."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Literal, Protocol

import msgspec

from edge.codecs.base import Codec
from edge.codecs.readings import Reading, Refused, Weight, WeightState
from edge.codecs.scale_frames import GARBAGE
from edge.drivers.api import Health, Settings, Status
from edge.drivers.condition import Clock
from edge.drivers.linked import LinkedDevice
from edge.drivers.scale_figures import ScaleFigures
from edge.errors import LinkLost
from edge.links.serial import SerialLine, SerialLink

FRESH_AT_LEAST_S = 3.0
"""An answer is not called old before this, however fast the scale is asked."""


class AskedCodec(Codec, Protocol):
    """A dialect in which the scale speaks when it is asked, such as every `FramedScaleCodec`."""

    @property
    def note(self) -> str:
        """Why the scale is at fault, in words; "" if it is not, or does not say."""
        ...

    def ask(self) -> None:
        """Want the weight: `to_send` will give the question, and after it what the exchange needs."""
        ...


PollMs = Annotated[int, msgspec.Meta(ge=50, le=60_000)]
AnswerMs = Annotated[int, msgspec.Meta(ge=20, le=10_000)]


class PolledScaleSettings(Settings, frozen=True):
    """The settings that every scale has; a dialect gives its own `baud`, `frame` and times, and may add others."""

    port: Annotated[str, msgspec.Meta(min_length=1)]
    baud: int = 9600
    frame: str = "7E1"
    poll_ms: PollMs = 250
    answer_ms: AnswerMs = 500


class FineScaleSettings(PolledScaleSettings, frozen=True):
    """A table of one that may show more than grams. `finer_than_gram`: what becomes of 100.5 g, no whole number."""

    finer_than_gram: Literal["refuse", "round"] = "refuse"

    @property
    def rounded(self) -> bool:
        return self.finer_than_gram == "round"


class PolledScale(LinkedDevice[SerialLink]):
    """One scale; implements `edge.drivers.api.Device`.

    A weight is asked for only when the reader of `readings` wants the next one, so a weight given was measured since.
    An answer to an earlier question is not given for the one to this: what lay waiting is dropped, and after a silence
    the scale has another `answer_ms` to say what it still owes (counted as "late"). One that takes longer than that
    cannot be told from a prompt one to the next question: set `answer_ms` to what the scale needs. A scale that does
    not answer within `answer_ms` gives a FAULT with neither grams nor `raw`: the weight before is never the one now.

    Its health tells the age of the last weight and the other figures of `ScaleFigures`, and in the note what is wrong.
    """

    def __init__(
        self, settings: PolledScaleSettings, frame: str, new_codec: Callable[[], AskedCodec], clock: Clock
    ) -> None:
        """Raises `BadSettings` for a `baud` or `frame` that no port has."""
        super().__init__(SerialLink(SerialLine(settings.port, settings.baud, frame)), settings.port, clock)
        self._new_codec = new_codec
        self._clock = clock
        self._poll_s = settings.poll_ms / 1000
        self._answer_ms = settings.answer_ms
        self._figures = ScaleFigures()

    async def readings(self) -> AsyncIterator[Reading]:
        self._check_open()
        codec = self._new_codec()
        self._figures.interrupt()
        loop = asyncio.get_running_loop()
        owes = False
        while True:
            asked = loop.time()
            await self._ask(codec, owes)
            heard = await self._answer(codec)
            owes = not any(map(_is_answer, heard))
            for reading in heard + self._silence(codec) if owes else heard:
                self._condition.heard(reading)
                yield reading
            await asyncio.sleep(asked + self._poll_s - loop.time())

    def health(self) -> Health:
        health = super().health()
        now = self._clock()
        figures = self._figures.measured(now)
        note = health.note
        if health.status is Status.READY and not note:
            asked_every_s = self._poll_s + 2 * self._answer_ms / 1000
            note = self._figures.complaint(now, int(max(FRESH_AT_LEAST_S, 3 * asked_every_s) * 10**9))
        return dataclasses.replace(health, note=note, figures=figures)

    async def _ask(self, codec: AskedCodec, owes: bool) -> None:
        """Let an answer to an earlier question come and go, half of one too, and ask."""
        codec.feed(self._link.read_waiting())
        late = _drain(codec)
        if owes and not late:
            try:
                async with asyncio.timeout(self._answer_ms / 1000):
                    while not (late := _drain(codec)):
                        codec.feed(await self._hear(None) or b"")
            except TimeoutError:
                pass  # it owes nothing any more
        codec.ask()
        for _ in late + _drain(codec):
            self._condition.count("late")
        await self._send(codec)

    async def _answer(self, codec: AskedCodec) -> list[Reading]:
        """Wait for the answer, sending on the way what the exchange needs; give all that was heard until then."""
        heard: list[Reading] = []
        try:
            async with asyncio.timeout(self._answer_ms / 1000):
                while not any(map(_is_answer, heard)):
                    codec.feed(await self._hear(None) or b"")
                    heard += _drain(codec)
                    await self._send(codec)
        except TimeoutError:
            # Where this process was held up for longer, the answer lies waiting.
            codec.feed(self._link.read_waiting())
            heard += _drain(codec)
            if not any(map(_is_answer, heard)):
                return heard
            await self._send(codec)
        for reading in heard:
            if isinstance(reading, Weight):
                self._figures.take(reading, self._clock())
        last = heard[-1]
        refused = f"its answer was refused: {last.name}, {last.detail}" if isinstance(last, Refused) else ""
        self._condition.remark(refused or codec.note)
        return heard

    def _silence(self, codec: AskedCodec) -> list[Reading]:
        codec.gap()
        self._figures.interrupt()
        self._condition.count("silent")
        self._condition.remark(f"no answer within {self._answer_ms} ms")
        return [*_drain(codec), Weight(None, WeightState.FAULT, net=False, raw=b"")]

    async def _send(self, codec: AskedCodec) -> None:
        data = codec.to_send()
        if not data:
            return
        try:
            await self._link.write(data)
        except LinkLost as error:
            self._condition.lost(str(error))
            raise


def _is_answer(reading: Reading) -> bool:
    """Noise on the line is none; a frame that is broken is one, for the scale sends no other."""
    return not (isinstance(reading, Refused) and reading.name == GARBAGE)


def _drain(codec: Codec) -> list[Reading]:
    readings: list[Reading] = []
    while (reading := codec.next_reading()) is not None:
        readings.append(reading)
    return readings
