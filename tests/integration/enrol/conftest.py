"""A store that enrols, and a scanner on a cable."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.enrol.shop import EnrollingShop, enrolling_shop


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[EnrollingShop]:
    async with enrolling_shop(tmp_path) as opened:
        yield opened


@pytest.fixture
async def scanner(tmp_path: Path) -> AsyncIterator[SimulatedScanner]:
    async with SimulatedScanner(tmp_path / "scanner", ack=True) as one:
        yield one
