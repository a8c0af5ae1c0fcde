"""Which question an answer belongs to: a scale that is late, or half late, byte by byte on a pty."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.codecs.readings import Reading, Weight, WeightState
from edge.drivers.scale_8217 import DRIVER
from shelfwire.simulators.port import SimulatedPort
from tests.integration.readings import DEADLINE_S

SILENCE = Weight(None, WeightState.FAULT, net=False, raw=b"")


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[SimulatedPort]:
    async with SimulatedPort(tmp_path / "scale") as port:
        yield port


async def asked(port: SimulatedPort) -> None:
    """Wait for one question."""
    async with asyncio.timeout(DEADLINE_S):
        assert await port.receive() == b"W"


async def test_an_answer_to_the_question_before_is_waited_for_and_dropped(port: SimulatedPort) -> None:
    async with DRIVER.make_from({"port": str(port.path), "poll_ms": 50, "answer_ms": 300}) as device:
        readings = device.readings()
        assert await anext(readings) == SILENCE
        await asked(port)
        second: asyncio.Task[Reading] = asyncio.ensure_future(anext(readings))
        # It owes an answer: nothing new is asked until that came.
        await asyncio.sleep(0.1)
        assert port.receive_waiting() == b""
        await port.send(b"\x0201.250\r")
        await asked(port)
        await port.send(b"\x0200.730\r")
        assert await second == Weight(730, WeightState.STABLE, net=False, raw=b"\x0200.730\r")
        assert device.health().counters["late"] == 1


async def test_a_scale_that_owes_nothing_any_more_is_asked_again(port: SimulatedPort) -> None:
    async with DRIVER.make_from({"port": str(port.path), "poll_ms": 50, "answer_ms": 100}) as device:
        readings = device.readings()
        for _ in range(3):
            assert await anext(readings) == SILENCE
            await asked(port)
        assert "late" not in device.health().counters


async def test_an_answer_that_came_while_this_process_was_held_up_is_no_silence(port: SimulatedPort) -> None:
    async with DRIVER.make_from({"port": str(port.path), "poll_ms": 50, "answer_ms": 200}) as device:
        readings = device.readings()
        first: asyncio.Task[Reading] = asyncio.ensure_future(anext(readings))
        await asked(port)
        await port.send(b"\x0201.250\r")
        time.sleep(0.3)  # noqa: ASYNC251 - it is the stall
        assert await first == Weight(1250, WeightState.STABLE, net=False, raw=b"\x0201.250\r")
        assert "silent" not in device.health().counters


async def test_the_second_half_of_an_old_answer_does_not_make_a_new_one(port: SimulatedPort) -> None:
    async with DRIVER.make_from({"port": str(port.path), "poll_ms": 50, "answer_ms": 5000}) as device:
        readings = device.readings()
        first: asyncio.Task[Reading] = asyncio.ensure_future(anext(readings))
        await asked(port)
        await port.send(b"\x0201.250\r\x0201.")
        assert await first == Weight(1250, WeightState.STABLE, net=False, raw=b"\x0201.250\r")
        second: asyncio.Task[Reading] = asyncio.ensure_future(anext(readings))
        await asked(port)
        await port.send(b"250\r\x0200.730\r")
        got = [await second, await anext(readings)]
        assert got[-1] == Weight(730, WeightState.STABLE, net=False, raw=b"\x0200.730\r")
        assert 1250 not in [one.grams for one in got if isinstance(one, Weight)]
