"""What only one dialect of scales can do or suffer, over a real pty."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from edge.codecs.dialog06 import CHALLENGED
from edge.codecs.readings import Refused, Weight, WeightState
from edge.drivers import (
    scale_dialog06,
)
from edge.drivers.api import Status
from edge.errors import LinkLost
from shelfwire.simulators.scale_cas import wrong_bcc
from shelfwire.simulators.scale_dialog06 import SimulatedScaleDialog06
from tests.integration.scale_kinds import KINDS, Kind, next_one, next_weight, pair, settled, spoil_frame
from tests.integration.station_rig import DEADLINE_S


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
        async with asyncio.timeout(DEADLINE_S):
            while device.health().figures["in_motion_ms"] < 100:
                await next_weight(readings)
        figures = device.health().figures
        assert figures["weight_age_ms"] >= figures["in_motion_ms"] > figures["answer_age_ms"]
        scale.put(1250)
        await next_weight(readings)
        figures = device.health().figures
        assert figures["in_motion_ms"] == 0
        assert figures["longest_motion_ms"] >= 100
        assert figures["weight_age_ms"] == figures["answer_age_ms"]


async def test_a_lost_scale_ends_its_readings(tmp_path: Path) -> None:
    async with pair(tmp_path, KINDS["dialog06"]) as (scale, device):
        readings = device.readings()
        scale.put(1250)
        await next_weight(readings)
        scale.unplug()
        with pytest.raises(LinkLost):
            await next_one(readings)
        assert device.health().status is Status.LOST
