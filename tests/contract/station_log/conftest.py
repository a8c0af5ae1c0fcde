"""Each test gets a log on disk and one in memory, which must not be told apart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.buffer.api import LogLimits, StationLog
from edge.buffer.memory_log import MemoryLog
from edge.buffer.sqlite_log import SqliteLog
from tests.contract.station_log.logs import NONCE, Clock, Make


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["disk", "memory"])
def make(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Make:
    memory: list[MemoryLog] = []

    def on_disk(limits: LogLimits | None = None) -> StationLog:
        return SqliteLog(tmp_path / "deep" / "er" / "stock.db", clock=clock, nonce=lambda: NONCE, limits=limits)

    def in_memory(limits: LogLimits | None = None) -> StationLog:
        if not memory:
            memory.append(MemoryLog(clock=clock, nonce=lambda: NONCE, limits=limits))
        return memory[0]

    return on_disk if request.param == "disk" else in_memory


@pytest.fixture
async def log(make: Make) -> AsyncIterator[StationLog]:
    async with make() as log:
        yield log
