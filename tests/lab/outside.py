"""The shop around the machine: a real hub, a real mosquitto with TLS, and invitations; on this host's loopback.

The machine's network is QEMU's own, which shows it the loopback of this host as 10.0.2.2: so the hub calls itself.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from shelfwire.demo.ports import free_ports
from shelfwire.demo.processes import Supervisor
from tests.integration.store.hub_process import HubProcess
from tests.integration.store.waiting import until
from tests.integration.tls.test_broker_kept import Systemd
from tests.lab.machine import OUTSIDE

HUB_S = 90.0
BOOKED_S = 180.0
MILK = "4006381333931"
WATER = "5449000000996"
PRICE_MINOR = 129
_ITEMS = f"item,name,unit,code,price\nmilk,Milk 1 l,each,{MILK},1.29\nwater,Water,each,{WATER},0.55\n"


@dataclass(slots=True)
class Outside:
    """What stands in the shop beside the machine."""

    folder: Path
    hub: HubProcess
    web_port: int
    enrolment_port: int
    broker_port: int

    async def command(self, *arguments: str) -> str:
        """Run `shelfwire ...`; give what it printed."""
        return await shelfwire(*arguments)

    async def invite(self, position: str, minutes: int = 240) -> dict[str, Any]:
        """Invite a station; `digits` are what it is to be shown, `identity` is who it will be."""
        asked = ("--position", position, "--place", "shop", "--author", "lab", "--note", "lab", "--json")
        hub = f"http://127.0.0.1:{self.web_port}"
        told: dict[str, Any] = json.loads(
            await shelfwire("provision", "invite", *asked, "--minutes", str(minutes), "--hub", hub)
        )
        return told

    async def offer(self, bundle: Path, keyring: Path) -> None:
        """Offer an update to all stations, to be taken now, as an operator does."""
        await shelfwire(
            *("hub", "release", "add", str(bundle), "--config", str(self.folder / "hub.toml")),
            *("--keyring", str(keyring), "--now", "--author", "lab", "--note", "lab"),
        )

    async def told_of(self, station: str) -> dict[str, Any]:
        """Give what the hub tells of a station; empty before it said anything."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.web_port}", timeout=HUB_S) as web:
            told = (await web.get("/api/v1/stations")).raise_for_status().json()
        return next((dict(each) for each in told["stations"] if each["station"] == station), {})

    async def booked(self, station: str, movements: int, timeout_s: float = BOOKED_S) -> None:
        """Wait until the hub has so many movements of a station in its books."""

        async def seen() -> str | None:
            try:
                found = (await self.hub.stations()).get(station)
            except httpx.HTTPError as error:
                return repr(error)
            if found is None:
                return "not seen"
            return None if found.movements >= movements else f"{found.movements} of {movements}"

        await until(f"{movements} movements of {station}", seen, timeout_s, self.hub.process.tail)


async def shelfwire(*arguments: str) -> str:
    """Run a command of the product; give what it printed."""
    asked = [sys.executable, "-m", "shelfwire.cli", *arguments]
    done = await asyncio.to_thread(subprocess.run, asked, capture_output=True, text=True, timeout=HUB_S)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@asynccontextmanager
async def shop(folder: Path) -> AsyncIterator[Outside]:
    """Open the shop in an empty folder: authority, broker and hub are up."""
    broker_port, web_port, enrolment_port = free_ports(3)
    broker = folder / "broker"
    broker.mkdir(parents=True)
    async with Supervisor(folder) as supervisor:
        hub = HubProcess(supervisor, folder, broker_port, None, web_port)
        config = folder / "hub.toml"
        with config.open("a") as file:
            file.write(
                f'[mosquitto]\nfolder = "broker"\nlisten = "127.0.0.1"\nuser = "root"\nhosts = ["{OUTSIDE}"]\n'
                f'[enrolment]\naddress = "{OUTSIDE}"\nhost = "127.0.0.1"\n'
                f"port = {enrolment_port}\nbroker_port = {broker_port}\n"
            )
        (folder / "items.csv").write_text(_ITEMS)
        await shelfwire("hub", "import", str(folder / "items.csv"), "--config", str(config))
        await shelfwire("provision", "ca", "init", "--config", str(config))
        await shelfwire("provision", "broker", "--config", str(config))
        async with Systemd(broker).running():
            await hub.process.start()
            await until("the hub", hub.up, HUB_S, hub.process.tail)
            try:
                yield Outside(folder, hub, web_port, enrolment_port, broker_port)
            finally:
                await hub.aclose()
