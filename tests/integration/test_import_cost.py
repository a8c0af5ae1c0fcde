"""A station loads what its own devices need, and nothing for those it has not got."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge.drivers.installed import installed_drivers
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.agent_process import AgentProcess
from tests.integration.station_rig import MILK

RSS_KIB = 60 * 1024
LIBRARIES = {"smartcard", "gpiod", "RPi", "evdev", "serial", "biip", "epcpy", "numpy", "zmq", "usb", "hid"}
"""What one or another driver needs, or a library for codes might, and a serial scanner does not."""
HUB_ONLY = {"hub", "fastapi", "pydantic", "rich", "jinja2", "httpx", "sqlite_utils", "hypothesis"}
PROBING = {"shelfwire.probe", "shelfwire.replay", "edge.captures", "edge.drivers.fitting"}

PROGRAM = """
import asyncio, os, signal, sys
from pathlib import Path
from edge.agent import Agent
from edge.settings import load_settings
import shelfwire.cli, shelfwire.edge_commands

def ready(_):
    asyncio.get_running_loop().call_later(0.3, os.kill, os.getpid(), signal.SIGTERM)

asyncio.run(Agent(load_settings(Path(sys.argv[1])), "0", ready).run())
print(*sorted(sys.modules))
"""


EACH_DRIVER = """
import os, sys
from edge.drivers.installed import installed_drivers

installed = installed_drivers()
for name in sys.argv[1:]:
    if os.fork() == 0:
        installed[name].load()
        print(name, *sys.modules, flush=True)
        os._exit(0)
    assert os.wait()[1] == 0, name
"""
"""Forked from one that has loaded none: starting Python for each would take longer than all else."""


def loaded_by(agent: AgentProcess) -> set[str]:
    """What a whole run of an agent leaves in memory."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(agent.config)], capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.split())


def ours() -> dict[str, str]:
    """The module of each driver that comes with the agent."""
    places = {name: spec.entry.value.partition(":")[0] for name, spec in installed_drivers().items()}
    return {name: module for name, module in places.items() if module.startswith("edge.drivers.")}


async def test_a_station_with_one_serial_scanner_loads_one_driver_and_its_codec(tmp_path: Path) -> None:
    async with SimulatedScanner(tmp_path / "scanner") as scanner:
        loaded = loaded_by(AgentProcess(tmp_path, {"scanner": {"driver": "serial-scanner", "port": str(scanner.path)}}))
    drivers = set(ours().values())
    assert loaded & drivers == {"edge.drivers.serial_scanner"}
    assert {name.partition(".")[0] for name in loaded} & (LIBRARIES | HUB_ONLY) == set()
    assert loaded & PROBING == set()
    codecs = {name for name in loaded if name.startswith("edge.codecs.")}
    others = {"llrp", "mt8217", "keyboard_wedge", "layouts", "hidpos", "hid_scale", "hid_reports", "pcsc", "ssi"}
    assert {name.rpartition(".")[2] for name in codecs} & others == set()
    links = {name.rpartition(".")[2] for name in loaded if name.startswith("edge.links.")}
    assert links & {"evdev", "hidraw", "pcsc", "tcp"} == set()


async def test_a_station_without_devices_loads_no_driver(tmp_path: Path) -> None:
    loaded = loaded_by(AgentProcess(tmp_path, {}))
    assert loaded & set(ours().values()) == set()
    assert "edge.links.serial" not in loaded


@pytest.fixture(scope="module")
def loaded_with() -> dict[str, set[str]]:
    """What is in memory once a driver was loaded, for each of ours, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", EACH_DRIVER, *ours()], capture_output=True, text=True, timeout=60, check=True
    )
    lines = (line.split() for line in done.stdout.splitlines())
    return {name: set(modules) for name, *modules in lines}


@pytest.mark.parametrize("name", sorted(ours()))
def test_no_driver_loads_another(name: str, loaded_with: dict[str, set[str]]) -> None:
    loaded = loaded_with[name]
    assert loaded & set(ours().values()) == {ours()[name]}
    assert {module.partition(".")[0] for module in loaded} & (LIBRARIES | HUB_ONLY) == set()


async def test_it_idles_small(tmp_path: Path) -> None:
    async with SimulatedScanner(tmp_path / "scanner", ack=True) as scanner:
        table = {"driver": "serial-scanner", "port": str(scanner.path), "ack": "honeywell"}
        agent = AgentProcess(tmp_path, {"scanner": table})
        async with agent:
            assert await scanner.scan(MILK) is True
            print(f"{agent.rss_kib() / 1024:.1f} MiB")
            assert agent.rss_kib() <= RSS_KIB
