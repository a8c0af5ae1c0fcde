"""The shop that the hub's web is tested on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import jinja2
import pytest

from tests.unit.hub_web.shop import Shop, called


@pytest.fixture(scope="session", autouse=True)
def templates_compiled_once() -> Iterator[None]:
    """A hub compiles each of its templates once, and here is a new hub for every test: let them share what came out."""
    compile_one, done = jinja2.Environment.compile, dict[tuple[object, ...], Any]()

    def compile_once(self: jinja2.Environment, *what: Any, **more: Any) -> Any:
        which = (*what, *more.items())
        if which not in done:
            done[which] = compile_one(self, *what, **more)
        return done[which]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jinja2.Environment, "compile", compile_once)
        yield


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
