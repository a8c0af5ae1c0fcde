"""The hub as a process, and what it tells over REST."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TypeVar

import httpx
from pydantic import BaseModel

from hub.web.station_models import AllContested, Losses, Quarantine, Quarantined, Station, Stations
from hub.web.stock_models import StockPage
from shelfwire.demo.processes import Process, Supervisor

STORE = "oak-street"
REST_TIMEOUT_S = 5.0

Answer = TypeVar("Answer", bound=BaseModel)


class HubProcess:
    """`shelfwire hub run`, started and ended at will; what it remembers lies in `data`."""

    def __init__(
        self,
        supervisor: Supervisor,
        folder: Path,
        broker_port: int,
        hq_port: int | None,
        web_port: int,
        *,
        store: str = STORE,
    ) -> None:
        self.data = folder / "hub"
        self._config = folder / "hub.toml"
        hq = "" if hq_port is None else f"[hq]\nport = {hq_port}\n"
        self._config.write_text(
            f'store = "{store}"\ndata_dir = "hub"\n[broker]\nport = {broker_port}\n{hq}[web]\nport = {web_port}\n'
        )
        self._cli = (sys.executable, "-m", "shelfwire.cli", "hub")
        self._supervisor = supervisor
        self.process: Process = supervisor.add("hub", (*self._cli, "run", "--config", str(self._config)))
        self._web = httpx.AsyncClient(base_url=f"http://127.0.0.1:{web_port}", timeout=REST_TIMEOUT_S, trust_env=False)

    async def aclose(self) -> None:
        """Let go of the connections to it."""
        await self._web.aclose()

    # What it tells

    async def ask(self, kind: type[Answer], path: str) -> Answer:
        """GET a document. Raises `httpx.HTTPError` while the hub is not to be reached."""
        response = await self._web.get(f"/api/v1/{path}")
        response.raise_for_status()
        return kind.model_validate_json(response.content)

    async def post(self, path: str, body: object) -> None:
        """POST a document. Raises `httpx.HTTPError` if it is refused."""
        (await self._web.post(f"/api/v1/{path}", json=body)).raise_for_status()

    async def up(self) -> str | None:
        """Say why it cannot be asked; None if it can."""
        try:
            await self.ask(Stations, "stations")
        except httpx.HTTPError as error:
            return repr(error)
        return None

    async def stations(self) -> dict[str, Station]:
        """All stations by name."""
        return {station.station: station for station in (await self.ask(Stations, "stations")).stations}

    async def catalogue_hash(self) -> str:
        """The hash of the catalogue that every station should hold."""
        return (await self.ask(Stations, "stations")).catalogue_hash

    async def stock(self) -> dict[str, int]:
        """On hand, in milli-units, of every item; areas summed."""
        found: dict[str, int] = {}
        after = ""
        while True:
            page = await self.ask(StockPage, f"stock?limit=500{after}")
            for row in page.rows:
                found[row.item] = found.get(row.item, 0) + row.on_hand_milli
            if page.next is None:
                return found
            after = f"&after={page.next}"

    async def quarantine(self) -> list[Quarantined]:
        """What is held back, newest first."""
        return (await self.ask(Quarantine, "quarantine?limit=500")).rows

    async def losses(self) -> Losses:
        """Entries that can never come."""
        return await self.ask(Losses, "losses")

    async def contested(self) -> dict[str, list[str]]:
        """Logs with two live writers."""
        return {row.log: row.incarnations for row in (await self.ask(AllContested, "contested")).rows}

    async def choose(self, log: str, incarnation: str) -> None:
        """Decide for one of them."""
        choice = {"log": log, "incarnation": incarnation, "author": "test", "note": "this one stands at the till"}
        (await self._web.post("/api/v1/contested", json=choice)).raise_for_status()

    async def page(self, path: str) -> httpx.Response:
        """GET anything else, as a browser does."""
        return await self._web.get(path, headers={"accept": "text/html"})

    # What a technician does

    def keep_copy(self, to: Path) -> None:
        """Copy its data, as a nightly backup of a stopped hub does."""
        shutil.copytree(self.data, to)

    def bring_back(self, copy: Path) -> None:
        """Put a copy in the place of its data; it must not run."""
        shutil.rmtree(self.data)
        shutil.copytree(copy, self.data)
