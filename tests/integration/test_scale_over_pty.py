"""The scale's driver and a simulated scale speak real bytes over a real pty: fresh weights, or none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.codecs.readings import Weight, WeightState
from edge.drivers.api import parse_table
from edge.drivers.scale_8217 import Scale8217, Scale8217Settings
from shelfwire.simulators.port import wait_until
from shelfwire.simulators.scale import SimulatedScale8217, Trouble
from tests.integration.readings import DEADLINE_S, collect

TROUBLES: dict[Trouble, WeightState] = {
    "motion": WeightState.MOTION,
    "over": WeightState.OVER,
    "under": WeightState.UNDER,
    "unready": WeightState.FAULT,
}


@pytest.fixture
async def scale(tmp_path: Path) -> AsyncIterator[SimulatedScale8217]:
    async with SimulatedScale8217(tmp_path / "scale") as scale:
        yield scale


def weigher_of(scale: SimulatedScale8217, **settings: object) -> Scale8217:
    table = {"port": str(scale.path), "poll_ms": 50, "answer_ms": 5000, **settings}
    return Scale8217(parse_table("scale-8217", Scale8217Settings, table))


async def test_the_scale_says_what_lies_on_it_and_when_it_cannot(scale: SimulatedScale8217) -> None:
    async with weigher_of(scale) as device:
        for grams, state in ((0, WeightState.ZERO), (1250, WeightState.STABLE), (15_000, WeightState.STABLE)):
            scale.put(grams)
            (reading,) = await collect(device, 1)
            assert isinstance(reading, Weight)
            assert (reading.grams, reading.state) == (grams, state)
        for trouble, state in TROUBLES.items():
            scale.trouble(trouble)
            (reading,) = await collect(device, 1)
            assert isinstance(reading, Weight)
            assert (reading.grams, reading.state) == (None, state)
    assert scale.asked == scale.weights + scale.statuses == 7
    assert scale.ignored == 0


@pytest.mark.parametrize(("grams", "state"), [(15_001, WeightState.OVER), (-5, WeightState.UNDER)])
async def test_what_the_scale_cannot_weigh_is_no_weight(
    scale: SimulatedScale8217, grams: int, state: WeightState
) -> None:
    scale.put(grams)
    async with weigher_of(scale) as device:
        (reading,) = await collect(device, 1)
        assert isinstance(reading, Weight)
        assert (reading.grams, reading.state) == (None, state)


async def test_a_net_weight_is_marked(scale: SimulatedScale8217) -> None:
    scale.put(740, net=True)
    async with weigher_of(scale) as device:
        assert await collect(device, 1) == [Weight(740, WeightState.STABLE, net=True, raw=b"\x0200.740N\r")]


async def test_a_silent_scale_is_a_fault_and_the_last_weight_is_not_used_again(scale: SimulatedScale8217) -> None:
    scale.put(1250)
    async with weigher_of(scale, answer_ms=300) as device:
        await collect(device, 1)
        scale.fall_silent()
        assert await collect(device, 2) == [Weight(None, WeightState.FAULT, net=False, raw=b"")] * 2
        assert device.health().note == "no answer within 300 ms"
        assert device.health().counters["silent"] == 2


async def test_an_answer_that_lay_waiting_is_not_given_for_a_new_question(scale: SimulatedScale8217) -> None:
    scale.put(1250)
    async with weigher_of(scale) as device:
        await collect(device, 1)
        await scale.port.send(scale.answer())
        assert await wait_until(lambda: not scale.port.drained(), DEADLINE_S)
        scale.put(730)
        (reading,) = await collect(device, 1)
        assert isinstance(reading, Weight)
        assert reading.grams == 730
        assert device.health().counters["late"] == 1


async def test_the_scale_is_asked_only_when_somebody_wants_to_know(scale: SimulatedScale8217) -> None:
    scale.put(1250)
    async with weigher_of(scale) as device:
        assert await scale.port.wait_for_reader(DEADLINE_S)
        assert scale.asked == 0
        await collect(device, 3)
    assert scale.asked == 3


async def test_a_scale_that_sends_each_weight_once_is_confirmed_by_its_all_clear(tmp_path: Path) -> None:
    async with SimulatedScale8217(tmp_path / "s", unit="g", once=True) as scale:
        scale.put(1250)
        async with weigher_of(scale, unit="g", all_clear_repeats=True) as device:
            readings = await collect(device, 3)
        assert [(one.grams, one.confirmed) for one in readings if isinstance(one, Weight)] == [
            (1250, False),
            (1250, True),
            (1250, True),
        ]
        async with weigher_of(scale, unit="g", all_clear_repeats=True) as device:
            (reading,) = await collect(device, 1)
        assert isinstance(reading, Weight)
        assert (reading.grams, reading.state) == (None, WeightState.UNCHANGED)


async def test_after_a_silence_the_all_clear_confirms_nothing(tmp_path: Path) -> None:
    async with SimulatedScale8217(tmp_path / "s", once=True) as scale:
        scale.put(1250)
        async with weigher_of(scale, all_clear_repeats=True, answer_ms=300) as device:
            readings = device.readings()
            assert await anext(readings) == Weight(1250, WeightState.STABLE, net=False, raw=b"\x0201.250\r")
            scale.fall_silent()
            assert await anext(readings) == Weight(None, WeightState.FAULT, net=False, raw=b"")
            scale.fall_silent(False)
            assert await anext(readings) == Weight(None, WeightState.UNCHANGED, net=False, raw=b"\x02?@\r")
