"""A station at work on a log in memory and on disk, with a scanner and a scale on ptys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shelfwire.simulators.scale import SimulatedScale8217
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.station_rig import (
    StationRig,
    make_log,
)


@pytest.fixture(params=["memory", "disk"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> StationRig:
    return StationRig(make_log(request.param, tmp_path / "stock.db"), make_log(request.param, tmp_path / "chatter.db"))


@pytest.fixture
async def scanner(tmp_path: Path) -> AsyncIterator[SimulatedScanner]:
    async with SimulatedScanner(tmp_path / "scanner", ack=True) as scanner:
        yield scanner


@pytest.fixture
async def scale(tmp_path: Path) -> AsyncIterator[SimulatedScale8217]:
    async with SimulatedScale8217(tmp_path / "scale") as scale:
        yield scale
