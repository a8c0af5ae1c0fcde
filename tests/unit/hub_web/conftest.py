"""The shop that the hub's web is tested on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.unit.hub_web.shop import Shop, called


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A new store, open and empty."""
    shop = Shop(tmp_path / "hub.db")
    async with shop.store:
        yield shop


@pytest.fixture
async def rest(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of its REST, as an ordinary noon finds it."""
    await shop.stocked()
    async with called(shop.app()) as client:
        yield client
