"""Every measurement that needs no other process runs, and finds something."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bench import appending, catalogue, decoding, folding, history, ingesting, presence, tagging, wearing
from bench.figures import Figure
from bench.machine import Noise, Others, describe
from bench.workbench import Workbench


@pytest.mark.parametrize(
    "measure",
    [
        appending.measure,
        wearing.measure,
        catalogue.measure,
        ingesting.measure,
        folding.measure,
        history.measure,
        presence.measure,
        tagging.measure,
        decoding.measure,
    ],
)
async def test_a_hundredth_of_it_runs(measure: Callable[[Workbench], Awaitable[list[Figure]]], tmp_path: Path) -> None:
    figures = await measure(Workbench(tmp_path, quick=True, rounds=1))
    assert figures
    for figure in figures:
        assert figure.value > 0
        assert figure.floor is None or figure.floor.value > 0


def test_our_own_work_is_not_taken_for_others(tmp_path: Path) -> None:
    others, noise = Others(), Noise()
    for _ in range(3):
        noise.look()
    assert 0.0 <= others.share() <= 1.0
    assert noise.spread >= 0.0
    assert describe(tmp_path, noise.spread).cores >= 1
