"""A hub and a till's log, for the tests of what is carried between them by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.buffer.memory_log import MemoryLog
from tests.unit.hub_wire.carried import Hub, hub_at, new_log


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with hub_at(tmp_path) as hub:
        yield hub


@pytest.fixture
async def till() -> AsyncIterator[MemoryLog]:
    async with new_log() as log:
        yield log
