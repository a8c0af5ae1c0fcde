"""Other people's drivers: a package of their own, installed beside the agent, and nothing changed here."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.events import Delta
from shelfwire.simulators.port import wait_until
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.agent_process import COMMAND, AgentProcess
from tests.integration.station_rig import DEADLINE_S, MILK, TEA

PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "acme-shelfwire"
version = "1.0"

[project.entry-points."shelfwire.drivers"]
acme-gate = "acme_shelfwire.gate:DRIVER"
acme-broken = "acme_shelfwire.broken:DRIVER"

[tool.setuptools]
packages = ["acme_shelfwire"]
"""

GATE = '''
"""Reads a file with a code on each line, from its beginning, and then sleeps."""

import asyncio
from pathlib import Path

from edge.drivers.api import Driver, HardwareAbsent, Health, Scan, Settings, Status


class GateSettings(Settings, frozen=True):
    path: str
    times: int = 1


class Gate:
    def __init__(self, settings):
        self._settings = settings
        self._codes = None

    async def __aenter__(self):
        try:
            self._codes = Path(self._settings.path).read_text().split()
        except OSError as error:
            raise HardwareAbsent(str(error)) from error
        return self

    async def __aexit__(self, *_):
        pass

    async def readings(self):
        for code in self._codes * self._settings.times:
            yield Scan(code, code.encode())
        await asyncio.Event().wait()

    async def acknowledge(self, accepted):
        with open(self._settings.path + ".answers", "a") as answers:
            answers.write(f"{accepted}\\n")

    def health(self):
        return Health(Status.CLOSED if self._codes is None else Status.READY)


DRIVER = Driver("acme-gate", "A gate by Acme", GateSettings, Gate, experimental="made up for a test")
'''

BROKEN = "import acme_library_that_nobody_has\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package was installed, as pip does it, from nothing but its own files."""
    folder = tmp_path_factory.mktemp("acme")
    source, site = folder / "source", folder / "site"
    package = source / "acme_shelfwire"
    package.mkdir(parents=True)
    (source / "pyproject.toml").write_text(PROJECT)
    (package / "__init__.py").write_text("")
    (package / "gate.py").write_text(GATE)
    (package / "broken.py").write_text(BROKEN)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    done = subprocess.run(
        [*pip, "--no-build-isolation", "--target", str(site), str(source)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return site


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Processes that are started find the package, as if it were in their virtual environment."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])]))
    return site


@pytest.fixture
async def scanner(tmp_path: Path) -> AsyncIterator[SimulatedScanner]:
    async with SimulatedScanner(tmp_path / "scanner", ack=True) as scanner:
        yield scanner


async def command(*arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(DEADLINE_S):
        said, _ = await process.communicate()
    return process.returncode, said.decode()


async def test_its_readings_are_sold_and_answered_and_a_broken_one_is_a_status(
    installed: Path, tmp_path: Path, scanner: SimulatedScanner
) -> None:
    codes = tmp_path / "codes"
    codes.write_text(f"{TEA}\n")
    agent = AgentProcess(
        tmp_path,
        {
            "gate": {"driver": "acme-gate", "path": str(codes), "times": 3},
            "odd": {"driver": "acme-broken"},
            "scanner": {"driver": "serial-scanner", "port": str(scanner.path), "ack": "honeywell"},
        },
    )
    answers = tmp_path / "codes.answers"
    async with agent:
        assert await scanner.scan(MILK) is True
        assert await wait_until(lambda: answers.exists() and answers.read_text() == "True\n" * 3, DEADLINE_S)
        async with agent.client() as client:
            health = (await client.get("/v1/health")).json()
        assert await agent.stop() == 0
    devices = {device["device"]: device for device in health["status"]["devices"]}
    assert (devices["gate"]["kind"], devices["gate"]["status"]) == ("acme-gate", "ready")
    assert devices["gate"]["note"] == "experimental"
    assert devices["scanner"]["status"] == "ready"
    assert devices["odd"]["status"] == "absent"
    assert "ModuleNotFoundError" in devices["odd"]["note"]
    assert "acme_library_that_nobody_has" in devices["odd"]["note"]
    sold = sorted(entry.code for entry in await agent.stock() if isinstance(entry, Delta))
    assert sold == sorted([MILK, TEA, TEA, TEA])


async def test_check_and_probe_know_it(installed: Path, tmp_path: Path) -> None:
    agent = AgentProcess(tmp_path, {"gate": {"driver": "acme-gate", "path": "x"}, "odd": {"driver": "acme-broken"}})
    code, said = await command("check", "--config", str(agent.config))
    assert code == 0
    assert "gate is experimental: acme-gate is made up for a test" in said
    assert "odd will not work: acme_shelfwire.broken:DRIVER: ModuleNotFoundError" in said
    code, said = await command("probe")
    assert code == 0
    assert "acme-broken" in said


async def test_its_settings_are_checked_like_ours(installed: Path, tmp_path: Path) -> None:
    agent = AgentProcess(tmp_path, {"gate": {"driver": "acme-gate", "path": "x", "tims": 1}})
    code, said = await command("check", "--config", str(agent.config))
    assert code == 2
    assert "devices.gate.tims: acme-gate has no such setting (did you mean 'times'?)" in said


async def test_without_the_package_its_name_is_unknown(tmp_path: Path) -> None:
    agent = AgentProcess(tmp_path, {"gate": {"driver": "acme-gate", "path": "x"}})
    code, said = await command("check", "--config", str(agent.config))
    assert code == 2
    assert "no driver 'acme-gate'" in said
