"""A station at work on disk, with its local API and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from edge.api.server import LocalApi
from edge.lookup import CatalogueLookup
from edge.runner.runner import Runner
from tests.integration.local_api.serving import api_of
from tests.integration.station_rig import (
    DEADLINE_S,
    StationRig,
    make_log,
    stocked,
)


@pytest.fixture
def rig(tmp_path: Path) -> StationRig:
    return StationRig(make_log("disk", tmp_path / "stock.db"), make_log("memory", tmp_path))


@pytest.fixture
async def at_work(rig: StationRig) -> AsyncIterator[tuple[Runner, httpx.AsyncClient]]:
    async with rig.at_work() as runner, await stocked() as catalogue:
        lookup = CatalogueLookup(catalogue, lambda when: when.wall_us)
        async with (
            LocalApi(api_of(runner, lookup), "127.0.0.1", 0) as local,
            httpx.AsyncClient(base_url=local.url, timeout=DEADLINE_S, trust_env=False) as client,
        ):
            yield runner, client


@pytest.fixture
def client(at_work: tuple[Runner, httpx.AsyncClient]) -> httpx.AsyncClient:
    return at_work[1]
