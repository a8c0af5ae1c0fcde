"""What the store's tests run on: both engines, where a module says `pytestmark = BOTH_ENGINES`; a disk soon full."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stand_ins import postgres
from tests.unit.hub_store import shop

_MARK = "both_engines"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker(_MARK):
        engines = [pytest.param("sqlite"), pytest.param("postgresql", marks=pytest.mark.needs_postgres)]
        metafunc.parametrize("engine", engines, indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to `make torture`, on PostgreSQL, all but the first of what is done again with other dice."""
    for item in items:
        params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        if params.get("engine") == "postgresql" and params.get("seed", 0) not in (0, 1):
            item.add_marker(pytest.mark.torture)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    with postgres.serving() as server:
        yield server


@pytest.fixture(autouse=True)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Have `shop.at` give the engine that the test is run on, and `shop.copy` copy what is kept there."""
    name: str = getattr(request, "param", "sqlite")
    if name != "postgresql":
        yield name
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    monkeypatch.setattr(shop, "at", server.at)
    monkeypatch.setattr(shop, "copy", server.copy)
    yield name
    server.let_go()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, with room for a few pages."""
    disk = tmp_path / "small"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)
