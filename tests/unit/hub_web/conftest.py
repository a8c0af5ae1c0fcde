"""The shop that the hub's web is tested on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.hub_web.shop import Shop


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A new store, open and empty."""
    shop = Shop(tmp_path / "hub.db")
    async with shop.store:
        yield shop
