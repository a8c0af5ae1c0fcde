"""The whole of it with nothing but the commands: authority, broker, hub, invitation, a station and its scan."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hub.settings import parse_settings
from provisioning.broker_config import CONFIG
from shelfwire.demo.ports import free_ports
from shelfwire.demo.processes import Supervisor
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.enrol.station import health, new_station
from tests.integration.station_rig import MILK
from tests.integration.store.hub_process import HubProcess
from tests.integration.store.waiting import until
from tests.integration.tls.test_broker_kept import Systemd

pytestmark = pytest.mark.needs_mosquitto

TARGET_S = 20.0


async def shelfwire(*arguments: str) -> str:
    asked = [sys.executable, "-m", "shelfwire.cli", *arguments]
    done = await asyncio.to_thread(subprocess.run, asked, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


async def test_from_the_first_command_to_the_first_scan(scanner: SimulatedScanner, tmp_path: Path) -> None:
    broker_port, web_port, est_port = free_ports(3)
    broker = tmp_path / "broker"
    await asyncio.to_thread(broker.mkdir)
    async with Supervisor(tmp_path) as supervisor:
        hub = HubProcess(supervisor, tmp_path, broker_port, None, web_port)
        config = tmp_path / "hub.toml"
        with config.open("a") as file:
            file.write(
                '[mosquitto]\nfolder = "broker"\nlisten = "127.0.0.1"\nuser = "root"\n'
                # No address: the station finds hub and broker by mDNS.
                '[enrolment]\nhost = "127.0.0.1"\n'
                f"port = {est_port}\nbroker_port = {broker_port}\n"
            )
        parse_settings(config.read_text(), tmp_path)
        await shelfwire("provision", "ca", "init", "--config", str(config))
        await shelfwire("provision", "broker", "--config", str(config))
        assert (broker / CONFIG).exists()
        async with Systemd(broker).running():
            await hub.process.start()
            await until("the hub", hub.up, 90.0, hub.process.tail)
            async with new_station(tmp_path / "station", scanner) as agent:
                asked = ("--position", "till-3", "--place", "shop", "--author", "ann", "--note", "new", "--json")
                told = json.loads(
                    await shelfwire("provision", "invite", *asked, "--hub", f"http://127.0.0.1:{web_port}")
                )
                began = time.monotonic()
                assert await scanner.scan(told["digits"]) is True
                await agent.next_ready()
                identity = agent.ready["station"]
                assert await scanner.scan(MILK) is True

                async def booked() -> str | None:
                    found = (await hub.stations()).get(identity)
                    return None if found is not None and found.movements == 1 else repr(found)[:200]

                await until("its scan in the books", booked, 90.0, hub.process.tail)
                took_s = time.monotonic() - began
                print(f"from the QR code to the first scan in the books: {took_s:.2f} s")
                assert (await health(agent))["hub"]["connected"] is True
                assert took_s < TARGET_S
                # The broker reads of the new station a moment after that speaks: it waits, and nothing is wrong.
                assert "broker refuses to deliver" not in (agent.folder / "agent.log").read_text()
        await hub.aclose()
