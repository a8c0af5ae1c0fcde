"""Every scale that is asked for its weight, over a real pty against a simulator with faults: fresh weights, or none."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from edge.codecs.readings import Reading, Refused, Weight, WeightState
from edge.drivers.api import Status
from edge.runner.supervisor import Peripheral, Supervisor
from protocol.identity import DeviceId
from shelfwire.simulators.port import wait_until
from shelfwire.simulators.scale_base import Trouble, after_noise, half, mangled
from tests.integration.readings import DEADLINE_S
from tests.integration.scale_kinds import KINDS, Kind, next_one, next_weight, pair, settled, spoil_frame
from tests.integration.side_by_side import side_by_side

TROUBLES: dict[Trouble, WeightState] = {
    "motion": WeightState.MOTION,
    "over": WeightState.OVER,
    "under": WeightState.UNDER,
    "unready": WeightState.FAULT,
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
# A PD-II tells neither of its troubles nor of a broken figure: its tests are its own.
every_kind_but_pd2 = pytest.mark.parametrize(
    "kind", [kind for name, kind in KINDS.items() if name != "pd2"], ids=[name for name in KINDS if name != "pd2"]
)


@every_kind
async def test_the_scale_says_what_lies_on_it(tmp_path: Path, kind: Kind) -> None:
    async with pair(tmp_path, kind) as (scale, device):
        readings = device.readings()
        for grams in (1250, 5, 15_000):
            scale.put(grams)
            weight = await settled(readings)
            assert (weight.grams, weight.state) == (grams, WeightState.STABLE)
        scale.put(0)
        empty = await settled(readings)
        assert (empty.grams, empty.state) == (0 if kind.empty is WeightState.ZERO else None, kind.empty)
        assert scale.ignored == 0
        assert device.health().status is Status.READY
        assert device.health().note == ""


@every_kind_but_pd2
async def test_a_scale_in_trouble_has_no_weight_and_never_nothing(tmp_path: Path, kind: Kind) -> None:
    async with pair(tmp_path, kind) as (scale, device):
        readings = device.readings()
        for trouble, state in TROUBLES.items():
            scale.put(1250)
            scale.trouble(trouble)
            weight = await next_weight(readings)
            assert (weight.grams, weight.state) == (None, state)
        for grams, state in ((15_001, WeightState.OVER), (-5, WeightState.UNDER)):
            scale.put(grams)
            weight = await next_weight(readings)
            assert (weight.grams, weight.state) == (None, state)


@pytest.mark.parametrize("name", ["8217", "scp01", "scp12", "sma"])
async def test_a_net_weight_is_marked(tmp_path: Path, name: str) -> None:
    async with pair(tmp_path, KINDS[name]) as (scale, device):
        readings = device.readings()
        for net in (True, False):
            scale.put(740, net=net)
            weight = await next_weight(readings)
            assert (weight.grams, weight.net) == (740, net)


async def test_a_silent_scale_is_a_fault_and_the_weight_before_is_not_used_again(tmp_path: Path) -> None:
    async def check(folder: Path, kind: Kind) -> None:
        async with pair(folder, kind, answer_ms=300) as (scale, device):
            readings = device.readings()
            scale.put(1250)
            assert (await settled(readings)).grams == 1250
            scale.fall_silent()
            for _ in range(2):
                assert await next_one(readings) == Weight(None, WeightState.FAULT, net=False, raw=b"")
            assert device.health().note == "no answer within 300 ms"
            assert device.health().counters["silent"] == 2
            scale.fall_silent(False)
            scale.put(730)
            assert (await settled(readings)).grams == 730
            assert device.health().note == ""

    await side_by_side(tmp_path, KINDS, check)


async def test_an_answer_that_comes_too_late_is_not_given_for_the_next_question(tmp_path: Path) -> None:
    async def check(folder: Path, kind: Kind) -> None:
        async with pair(folder, kind, answer_ms=300) as (scale, device):
            readings = device.readings()
            scale.put(1250)
            scale.be_late(0.4)
            assert await next_one(readings) == Weight(None, WeightState.FAULT, net=False, raw=b"")
            scale.put(730)
            # Its late answer was to the load before. It must not come now, nor after the scale is quick again.
            scale.be_late(0)
            assert (await next_weight(readings)).grams == 730

    await side_by_side(tmp_path, KINDS, check, but=("pd2",))


@every_kind_but_pd2
async def test_noise_before_an_answer_is_refused_and_costs_at_most_that_answer(tmp_path: Path, kind: Kind) -> None:
    async with pair(tmp_path, kind) as (scale, device):
        readings = device.readings()
        scale.put(1250)
        scale.spoil_next(after_noise)
        refused = await next_one(readings)
        assert isinstance(refused, Refused)
        assert b"~x~" in refused.raw
        scale.put(730)
        while (weight := await next_weight(readings)).grams == 1250:
            pass
        assert weight.grams == 730


async def test_half_an_answer_is_no_weight_and_does_not_run_into_the_next(tmp_path: Path) -> None:
    async def check(folder: Path, kind: Kind) -> None:
        async with pair(folder, kind, answer_ms=300) as (scale, device):
            readings = device.readings()
            scale.put(1250)
            spoil_frame(scale, half)
            broken = [await next_one(readings), await next_one(readings)]
            assert [one.name for one in broken if isinstance(one, Refused)] == ["cut-short"]
            assert [one.state for one in broken if isinstance(one, Weight)] == [WeightState.FAULT]
            scale.put(730)
            assert (await next_weight(readings)).grams == 730

    await side_by_side(tmp_path, KINDS, check, but=("pd2",))


@every_kind_but_pd2
async def test_a_line_that_is_set_wrong_is_named(tmp_path: Path, kind: Kind) -> None:
    async with pair(tmp_path, kind) as (scale, device):
        readings = device.readings()
        scale.put(1250)
        spoil_frame(scale, mangled)
        refused = await next_one(readings)
        assert isinstance(refused, Refused)
        assert refused.name == "parity"
        assert device.health().note.startswith("its answer was refused: parity")
        scale.put(730)
        assert (await next_weight(readings)).grams == 730
        assert device.health().note == ""


@pytest.mark.alone
@every_kind
async def test_unplugged_and_back_it_weighs_again_within_two_seconds(tmp_path: Path, kind: Kind) -> None:
    weights: asyncio.Queue[Reading] = asyncio.Queue()

    async def take(peripheral: Peripheral, reading: Reading) -> None:
        weights.put_nowait(reading)

    async def next_of(grams: int) -> None:
        while True:
            reading = await weights.get()
            if isinstance(reading, Weight) and reading.grams == grams:
                return

    async with kind.simulator(tmp_path / "scale") as scale:
        scale.put(1250)
        table = {"port": str(scale.path), "poll_ms": 50, **kind.settings}
        one = Peripheral(DeviceId("scale"), kind.driver.name, kind.driver.make_from(table))
        supervisor = Supervisor(one, take, lambda condition: None, lambda peripheral: None)
        supervisor.start()
        try:
            async with asyncio.timeout(DEADLINE_S):
                await next_of(1250)
                assert supervisor.condition.figures["answer_age_ms"] >= 0
                scale.unplug()
                scale.put(730)
                assert await wait_until(lambda: supervisor.condition.status in ("lost", "absent"), DEADLINE_S)
            scale.plug_in()
            async with asyncio.timeout(2):
                await next_of(730)
        finally:
            await supervisor.stop()
