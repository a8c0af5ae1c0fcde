"""The pace of asking a scale, and what counts for an answer, in a dialect that is as small as one can be.

The scale is asked with "?" and answers a line; "#" is noise, "!" an answer that is broken. What a late answer belongs
to is in tests/integration/test_polled_scale.py, and every real dialect in test_scales_over_ptys.py there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from edge.codecs.readings import Reading, Refused, Weight, WeightState
from edge.codecs.scale_frames import GARBAGE
from edge.drivers.api import Status
from edge.drivers.polled_scale import FRESH_AT_LEAST_S, FineScaleSettings, PolledScale, PolledScaleSettings
from edge.errors import LinkLost
from shelfwire.simulators.port import SimulatedPort
from tests.integration.readings import DEADLINE_S

SILENCE = Weight(None, WeightState.FAULT, net=False, raw=b"")


def stable(grams: int) -> Weight:
    return Weight(grams, WeightState.STABLE, net=False, raw=b"")


class LineCodec:
    """Implements `edge.drivers.polled_scale.AskedCodec`; `gaps` counts the silences it was told of."""

    def __init__(self) -> None:
        self.note = ""
        self.gaps = 0
        self._held = b""
        self._readings: deque[Reading] = deque()
        self._asked = False

    def ask(self) -> None:
        self._asked = True

    def to_send(self) -> bytes:
        asked, self._asked = self._asked, False
        return b"?" if asked else b""

    def feed(self, data: bytes) -> None:
        *lines, self._held = (self._held + data).split(b"\n")
        for line in lines:
            if line == b"#":
                self._readings.append(Refused(GARBAGE, "noise", line))
            elif line == b"!":
                self._readings.append(Refused("checksum", "wrong", line))
            else:
                self.note = "tilted" if line.endswith(b"t") else ""
                self._readings.append(stable(int(line.rstrip(b"t"))))

    def gap(self) -> None:
        self.gaps += 1
        self._held = b""

    def next_reading(self) -> Reading | None:
        return self._readings.popleft() if self._readings else None


class Scale:
    """A scale and its driver's device, with a clock turned by hand."""

    def __init__(self, port: SimulatedPort, **settings: object) -> None:
        self.port = port
        self.now_ns = 0
        self.codecs: list[LineCodec] = []
        table = {"port": str(port.path), "poll_ms": 50, "answer_ms": 5000, **settings}
        self.device = PolledScale(
            msgspec.convert(table, PolledScaleSettings), "8N1", self._new_codec, lambda: self.now_ns
        )

    def _new_codec(self) -> LineCodec:
        self.codecs.append(LineCodec())
        return self.codecs[-1]

    async def asked(self) -> None:
        async with asyncio.timeout(DEADLINE_S):
            assert await self.port.receive() == b"?"

    async def answer(self, readings: AsyncIterator[Reading], line: bytes) -> Reading:
        """Have the question answered so; give the first that the device makes of it."""
        next_one: asyncio.Task[Reading] = asyncio.ensure_future(anext(readings))
        await self.asked()
        await self.port.send(line)
        async with asyncio.timeout(DEADLINE_S):
            return await next_one


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[SimulatedPort]:
    async with SimulatedPort(tmp_path / "scale") as port:
        yield port


async def test_a_scale_is_asked_when_somebody_wants_a_weight_and_not_before(port: SimulatedPort) -> None:
    scale = Scale(port)
    async with scale.device as device:
        readings = device.readings()
        assert await scale.answer(readings, b"1250\n") == stable(1250)
        await asyncio.sleep(0.15)
        assert port.receive_waiting() == b"", "three times the pace, and nobody wants another"
        assert await scale.answer(readings, b"730\n") == stable(730)


async def test_between_two_questions_lies_the_pace_at_least(port: SimulatedPort) -> None:
    scale = Scale(port, poll_ms=200)
    loop = asyncio.get_running_loop()
    async with scale.device as device:
        readings = device.readings()
        began = loop.time()
        for _ in range(2):
            await scale.answer(readings, b"1250\n")
        assert loop.time() - began >= 0.2


async def test_noise_is_no_answer_and_a_broken_one_is(port: SimulatedPort) -> None:
    scale = Scale(port)
    async with scale.device as device:
        readings = device.readings()
        noise = await scale.answer(readings, b"#\n1250\n")
        assert isinstance(noise, Refused)
        assert await anext(readings) == stable(1250), "of the same question"
        broken = await scale.answer(readings, b"!\n")
        assert isinstance(broken, Refused)
        assert device.health().note == "its answer was refused: checksum, wrong"
        assert await scale.answer(readings, b"730\n") == stable(730), "asked anew at once"
        assert device.health().note == ""
        assert "silent" not in device.health().counters


async def test_silence_is_told_to_the_codec_counted_and_a_fault(port: SimulatedPort) -> None:
    scale = Scale(port, answer_ms=60)
    async with scale.device as device:
        assert await anext(device.readings()) == SILENCE
        assert device.health().note == "no answer within 60 ms"
        assert device.health().counters["silent"] == 1
        assert [codec.gaps for codec in scale.codecs] == [1]


async def test_each_reader_begins_with_a_new_codec(port: SimulatedPort) -> None:
    scale = Scale(port)
    async with scale.device as device:
        assert await scale.answer(device.readings(), b"1250\n") == stable(1250)
        assert await scale.answer(device.readings(), b"730\n") == stable(730)
    assert len(scale.codecs) == 2


async def test_what_the_scale_says_is_wrong_comes_before_what_its_figures_show(port: SimulatedPort) -> None:
    scale = Scale(port)
    async with scale.device as device:
        readings = device.readings()
        await scale.answer(readings, b"1250t\n")
        scale.now_ns += 3600 * 10**9
        assert device.health().note == "tilted"
        await scale.answer(readings, b"1250\n")
        assert device.health().note == ""
        assert device.health().figures["answer_age_ms"] == 0


@pytest.mark.parametrize(("poll_ms", "answer_ms", "fresh_s"), [(50, 400, FRESH_AT_LEAST_S), (1000, 1000, 9)])
async def test_an_answer_is_old_after_three_rounds_and_not_at_once(
    port: SimulatedPort, poll_ms: int, answer_ms: int, fresh_s: float
) -> None:
    scale = Scale(port, poll_ms=poll_ms, answer_ms=answer_ms)
    async with scale.device as device:
        await scale.answer(device.readings(), b"1250\n")
        scale.now_ns += int(fresh_s * 10**9)
        assert device.health().note == ""
        scale.now_ns += 1
        assert device.health().note == f"last answered {int(fresh_s)} s ago"


async def test_a_scale_that_cannot_be_asked_is_lost(port: SimulatedPort) -> None:
    scale = Scale(port)
    async with scale.device as device:
        readings = device.readings()
        await scale.answer(readings, b"1250\n")
        port.unplug()
        with pytest.raises(LinkLost):
            await anext(readings)
        assert device.health().status is Status.LOST


@pytest.mark.parametrize(
    ("wrong", "says"), [({"poll_ms": 49}, "poll_ms"), ({"answer_ms": 10_001}, "answer_ms"), ({"port": ""}, "port")]
)
def test_a_pace_that_no_scale_bears_is_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=says):
        msgspec.convert({"port": "/dev/ttyS0", **wrong}, PolledScaleSettings)


def test_a_weight_finer_than_a_gram_is_refused_unless_it_was_said_that_it_is_to_be_rounded() -> None:
    def make(more: dict[str, object]) -> FineScaleSettings:
        return msgspec.convert({"port": "/dev/ttyS0", **more}, FineScaleSettings)

    assert not make({}).rounded
    assert make({"finer_than_gram": "round"}).rounded
    with pytest.raises(msgspec.ValidationError):
        make({"finer_than_gram": "ignore"})
