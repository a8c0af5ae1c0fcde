"""A serial scanner that is told what became of each scan: readings, and answers once the station has decided."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Generic, Protocol, Self, TypeVar

from edge.codecs.base import Codec
from edge.codecs.readings import Reading
from edge.drivers.condition import Clock
from edge.drivers.linked import LinkedDevice
from edge.errors import LinkLost
from edge.links.serial import SerialLine, SerialLink


class AnsweringCodec(Codec, Protocol):
    """A codec whose dialect has answers; `to_send` gives them when they are due."""

    def acknowledge(self, accepted: bool) -> None:
        """Answer the oldest `Scan` not yet answered."""
        ...


C = TypeVar("C", bound=AnsweringCodec)


class AnsweredScanner(LinkedDevice[SerialLink], Generic[C]):
    """`edge.drivers.api.Device` for one scanner whose codec has answers; each opening begins with a new codec."""

    def __init__(self, line: SerialLine, idle_ms: int, new_codec: Callable[[], C], clock: Clock) -> None:
        super().__init__(SerialLink(line), line.port, clock)
        self._idle_s = idle_ms / 1000
        self._make_codec = new_codec
        self._codec = new_codec()

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._codec = self._make_codec()
        return self

    async def readings(self) -> AsyncIterator[Reading]:
        self._check_open()
        codec = self._codec
        quiet = True
        while True:
            while (reading := codec.next_reading()) is not None:
                self._condition.heard(reading)
                yield reading
            await self._answer()
            data = await self._hear(None if quiet else self._idle_s)
            if data is None:
                # Where this process was held up for longer than the gap, what came meanwhile lies waiting.
                data = self._link.read_waiting() or None
            quiet = data is None
            if data is None:
                codec.gap()
            else:
                codec.feed(data)

    async def acknowledge(self, accepted: bool) -> None:
        self._codec.acknowledge(accepted)
        await self._answer()

    async def _answer(self) -> None:
        """Send what the codec owes. A scanner that cannot be told is noted; its readings end by themselves."""
        answer = self._codec.to_send()
        if not answer or not self._condition.ready:
            return
        try:
            await self._link.write(answer)
        except LinkLost as error:
            self._condition.count("answer-lost")
            self._condition.remark(str(error))
