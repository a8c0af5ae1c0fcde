"""A station as a process: its agent, its scanner on a pty, its local API, and its log read back from its files."""

from __future__ import annotations

import secrets
import shutil
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import msgspec

from edge.agent import STOCK_FILE
from edge.api.goods import ItemAnswer
from edge.api.health_messages import HealthAnswer
from edge.buffer.api import BLOCK_ENTRIES, READ_BYTES
from edge.buffer.sqlite_log import SqliteLog
from protocol.events import StationEntry, decode_station_entry
from protocol.identity import EntryId, Epoch, StationId
from protocol.replication.ports import LogView
from shelfwire.demo.processes import Process, Supervisor
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.store.hub_process import STORE

API_TIMEOUT_S = 5.0
SCANNER = "scanner"


class StationProcess:
    """`shelfwire edge run`, started and ended at will. `async with` plugs its scanner in."""

    def __init__(
        self,
        supervisor: Supervisor,
        folder: Path,
        name: str,
        mode: str,
        broker_port: int,
        api_port: int,
        *,
        called: str | None = None,
        store: str = STORE,
    ) -> None:
        """`called` is the station's name where `name`, which files and processes go by, is another: a copy."""
        self.name = name
        self.station = StationId(called or name)
        self.data = folder / name
        self.scanner = SimulatedScanner(folder / f"{name}.tty", ack=True, aim="]E0")
        self.api_port = api_port
        config = folder / f"{name}.toml"
        config.write_text(
            f'store = "{store}"\nstation = "{self.station}"\nplace = "shop"\nmode = "{mode}"\ndata_dir = "{name}"\n'
            f"[hub]\nport = {broker_port}\n[api]\nport = {api_port}\n"
            f'[devices.{SCANNER}]\ndriver = "serial-scanner"\nport = "{self.scanner.path}"\nack = "honeywell"\n'
        )
        command = (sys.executable, "-m", "shelfwire.cli", "edge", "run", "--config", str(config))
        self.process: Process = supervisor.add(name, command)
        self.api = httpx.AsyncClient(base_url=f"http://127.0.0.1:{api_port}", timeout=API_TIMEOUT_S, trust_env=False)

    async def __aenter__(self) -> Self:
        await self.scanner.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.process.stop()
        await self.api.aclose()
        await self.scanner.__aexit__(kind, error, trace)

    async def health(self) -> HealthAnswer:
        """What the local API says of the station. Raises `httpx.HTTPError` while there is none."""
        response = await self.api.get("/v1/health")
        response.raise_for_status()
        return msgspec.json.decode(response.content, type=HealthAnswer)

    async def item(self, code: str) -> ItemAnswer | None:
        """What a code means and costs here; None where it is not known."""
        response = await self.api.get(f"/v1/items/{code}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        response.raise_for_status()
        return msgspec.json.decode(response.content, type=ItemAnswer)

    async def up(self) -> str | None:
        """Say why it does not take scans; None if it does."""
        try:
            await self.health()
        except httpx.HTTPError as error:
            return repr(error)
        return None if self.scanner.port.has_reader() else "nobody reads the scanner"

    def keep_copy(self, to: Path) -> None:
        """Copy its card; it must not run."""
        shutil.copytree(self.data, to)

    def bring_back(self, copy: Path) -> None:
        """Put a copy in the place of its card; it must not run."""
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.copytree(copy, self.data)

    async def log(self) -> StationLogFile:
        """Read the log back from its files; the agent must not run."""
        entries: list[tuple[EntryId, bytes]] = []
        async with self.stopped_log() as log:
            view = log.view
            for index, chapter in enumerate(view.lineage):
                for seq, line in await _lines(log, chapter.epoch, view.end_of(index)):
                    entries.append((EntryId(self.station, chapter.epoch, seq), line))
        return StationLogFile(view, tuple(entries))

    def stopped_log(self) -> SqliteLog:
        """The log's file, to be opened while the agent does not run."""
        return SqliteLog(
            self.data / STOCK_FILE, clock=lambda: time.time_ns() // 1000, nonce=lambda: secrets.randbits(64)
        )


class StationLogFile(msgspec.Struct, frozen=True):
    """All that a station's log holds, in its order: what is durable, whatever anybody was told."""

    view: LogView
    lines: tuple[tuple[EntryId, bytes], ...]

    @property
    def entries(self) -> list[tuple[EntryId, StationEntry]]:
        """The lines as entries."""
        return [(where, decode_station_entry(line)) for where, line in self.lines]


async def _lines(log: SqliteLog, epoch: Epoch, end: int) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    while len(found) < end:
        part = await log.read(epoch, len(found) + 1, BLOCK_ENTRIES, READ_BYTES)
        found += enumerate(part.lines, part.first)
    return found
