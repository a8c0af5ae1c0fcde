"""Every scale that is asked for its weight, over a real pty against a simulator with faults: fresh weights, or none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from edge.codecs.dialog06 import CHALLENGED
from edge.codecs.readings import Reading, Refused, Weight, WeightState
from edge.drivers import (
    scale_8217,
    scale_cas,
    scale_dialog06,
    scale_mtsics,
    scale_nci,
    scale_sasi,
    scale_sma,
)
from edge.drivers.api import Device, Driver, Status
from edge.errors import LinkLost
from edge.runner.supervisor import Peripheral, Supervisor
from protocol.identity import DeviceId
from shelfwire.simulators.port import wait_until
from shelfwire.simulators.scale import SimulatedScale8217
from shelfwire.simulators.scale_base import SimulatedScale, Trouble, after_noise, half, mangled
from shelfwire.simulators.scale_cas import SimulatedScaleCasAp1, SimulatedScaleCasPd2, wrong_bcc
from shelfwire.simulators.scale_dialog06 import SimulatedScaleDialog06
from shelfwire.simulators.scale_mtsics import SimulatedScaleMtSics
from shelfwire.simulators.scale_nci import SimulatedScaleNci
from shelfwire.simulators.scale_sasi import SimulatedScaleSasi
from shelfwire.simulators.scale_sma import SimulatedScaleSma
from tests.integration.readings import DEADLINE_S
from tests.integration.side_by_side import side_by_side

TROUBLES: dict[Trouble, WeightState] = {
    "motion": WeightState.MOTION,
    "over": WeightState.OVER,
    "under": WeightState.UNDER,
    "unready": WeightState.FAULT,
}


@dataclass(frozen=True)
class Kind:
    """A dialect: its driver and settings, and its simulator. `empty`: what an empty platter reads as."""

    driver: Driver[Any]
    simulator: Callable[[Path], SimulatedScale]
    settings: Mapping[str, object] = field(default_factory=dict)
    empty: WeightState = WeightState.ZERO


KINDS = {
    "8217": Kind(scale_8217.DRIVER, SimulatedScale8217),
    "scp01": Kind(scale_nci.DRIVER, SimulatedScaleNci),
    "scp02": Kind(scale_nci.DRIVER, lambda path: SimulatedScaleNci(path, dialect="scp02"), {"dialect": "scp02"}),
    "scp12": Kind(scale_nci.DRIVER, lambda path: SimulatedScaleNci(path, dialect="scp12"), {"dialect": "scp12"}),
    "sma": Kind(scale_sma.DRIVER, SimulatedScaleSma),
    "mtsics": Kind(scale_mtsics.DRIVER, SimulatedScaleMtSics),
    "sasi": Kind(scale_sasi.DRIVER, SimulatedScaleSasi),
    "ap1": Kind(scale_cas.DRIVER, SimulatedScaleCasAp1),
    "pd2": Kind(scale_cas.DRIVER, SimulatedScaleCasPd2, {"dialect": "pd2"}),
    "dialog06": Kind(scale_dialog06.DRIVER, SimulatedScaleDialog06, empty=WeightState.UNDER),
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
# A PD-II tells neither of its troubles nor of a broken figure: its tests are its own.
every_kind_but_pd2 = pytest.mark.parametrize(
    "kind", [kind for name, kind in KINDS.items() if name != "pd2"], ids=[name for name in KINDS if name != "pd2"]
)


@asynccontextmanager
async def pair(folder: Path, kind: Kind, **settings: object) -> AsyncIterator[tuple[SimulatedScale, Device]]:
    """Have a scale and its driver's device, open."""
    async with kind.simulator(folder / "scale") as scale:
        table = {"port": str(scale.path), "poll_ms": 50, "answer_ms": 5000, **kind.settings, **settings}
        async with kind.driver.make_from(table) as device:
            yield scale, device


def spoil_frame(scale: SimulatedScale, how: Callable[[bytes], bytes]) -> None:
    """Spoil the next answer that is a frame; an acknowledgement before it is too short to be."""

    def spoil(reply: bytes) -> bytes:
        if len(reply) > 1:
            return how(reply)
        scale.spoil_next(spoil)
        return reply

    scale.spoil_next(spoil)


async def next_one(readings: AsyncIterator[Reading]) -> Reading:
    async with asyncio.timeout(DEADLINE_S):
        return await anext(readings)


async def next_weight(readings: AsyncIterator[Reading]) -> Weight:
    reading = await next_one(readings)
    assert isinstance(reading, Weight), reading
    return reading


async def settled(readings: AsyncIterator[Reading]) -> Weight:
    """Give the next weight; of a scale that does not say when it is at rest, the one that settles it."""
    first = await next_weight(readings)
    return first if first.state is not WeightState.MOTION else await next_weight(readings)


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


async def test_a_wrong_check_character_is_no_weight(tmp_path: Path) -> None:
    async with pair(tmp_path, KINDS["ap1"]) as (scale, device):
        readings = device.readings()
        scale.put(1250)
        spoil_frame(scale, wrong_bcc)
        refused = await next_one(readings)
        assert isinstance(refused, Refused)
        assert refused.name == "checksum"
        assert (await next_weight(readings)).grams == 1250


async def test_a_pd2_that_moves_or_is_in_trouble_has_no_weight(tmp_path: Path) -> None:
    async with pair(tmp_path, KINDS["pd2"]) as (scale, device):
        readings = device.readings()
        scale.put(1250)
        scale.trouble("motion")
        for _ in range(5):
            assert (await next_weight(readings)).grams is None
        scale.put(15_001)
        for _ in range(2):
            reading = await next_one(readings)
            assert isinstance(reading, Refused) or (isinstance(reading, Weight) and reading.grams is None)
        scale.put(1250)
        weights = [await next_one(readings) for _ in range(4)]
        assert isinstance(weights[-1], Weight)
        assert weights[-1].grams == 1250


async def test_a_pd2_that_goes_on_talking_is_stopped_and_what_it_said_meanwhile_is_not_used(tmp_path: Path) -> None:
    async with pair(tmp_path, KINDS["pd2"]) as (scale, device):
        readings = device.readings()
        scale.put(1250)
        assert (await settled(readings)).grams == 1250
        scale.put(730)
        weights = [await next_weight(readings) for _ in range(3)]
        assert [one.grams for one in weights if one.grams is not None][-1] == 730
        assert 1250 not in [one.grams for one in weights[1:]]


async def test_a_challenge_is_a_fault_whose_reason_people_are_told(tmp_path: Path) -> None:
    challenging = Kind(scale_dialog06.DRIVER, lambda path: SimulatedScaleDialog06(path, challenge_after=2))
    async with pair(tmp_path, challenging) as (scale, device):
        readings = device.readings()
        assert isinstance(scale, SimulatedScaleDialog06)
        for grams in (1250, 730):
            scale.put(grams)
            assert (await next_weight(readings)).grams == grams
        for grams in (1250, 1250, 730):
            scale.put(grams)
            weight = await next_weight(readings)
            assert (weight.grams, weight.state) == (None, WeightState.FAULT)
            assert device.health().note == CHALLENGED
            assert device.health().status is Status.READY
        assert (scale.weighings, scale.challenges, scale.checksums) == (2, 3, 0)


async def test_a_load_is_weighed_once_by_dialog_06_unless_the_scale_is_known_to_repeat_itself(tmp_path: Path) -> None:
    for repeats in (False, True):
        async with pair(tmp_path, KINDS["dialog06"], unchanged_repeats=repeats) as (scale, device):
            readings = device.readings()
            scale.put(1250)
            weights = [await next_weight(readings) for _ in range(3)]
            assert [one.grams for one in weights] == [1250, *([1250, 1250] if repeats else [None, None])]
            assert [one.confirmed for one in weights] == [False, repeats, repeats]
            assert weights[-1].state is (WeightState.STABLE if repeats else WeightState.UNCHANGED)


async def test_health_tells_the_age_of_the_weight_and_how_long_the_scale_moves(tmp_path: Path) -> None:
    async with pair(tmp_path, KINDS["sma"]) as (scale, device):
        assert device.health().figures == {}
        readings = device.readings()
        scale.put(0)
        await next_weight(readings)
        scale.put(8)
        await next_weight(readings)
        figures = device.health().figures
        assert figures["zero_drift_grams"] == 8
        assert figures["in_motion_ms"] == figures["longest_motion_ms"] == 0
        assert device.health().note == "wanders by 8 g when empty: clean it, level it, set it to zero"
        scale.trouble("motion")
        for _ in range(3):
            await next_weight(readings)
        figures = device.health().figures
        # Two polls apart by `poll_ms` lie between the first answer and the third.
        assert figures["in_motion_ms"] >= 100
        assert figures["weight_age_ms"] >= figures["in_motion_ms"] > figures["answer_age_ms"]
        scale.put(1250)
        await next_weight(readings)
        figures = device.health().figures
        assert figures["in_motion_ms"] == 0
        assert figures["longest_motion_ms"] >= 100
        assert figures["weight_age_ms"] == figures["answer_age_ms"]


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


async def test_a_lost_scale_ends_its_readings(tmp_path: Path) -> None:
    async with pair(tmp_path, KINDS["dialog06"]) as (scale, device):
        readings = device.readings()
        scale.put(1250)
        await next_weight(readings)
        scale.unplug()
        with pytest.raises(LinkLost):
            await next_one(readings)
        assert device.health().status is Status.LOST
