"""The agent as it runs in a shop: a process of its own, started by the command, killed by a signal."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from edge.agent import STOCK_FILE
from edge.buffer.sqlite_log import SqliteLog
from protocol.events import StationEntry
from tests.integration.station_rig import DEADLINE_S, entries, make_log

COMMAND = [sys.executable, "-m", "shelfwire.cli", "edge"]


class AgentProcess:
    """One station in `folder`; started and stopped as often as need be, always with the same data."""

    def __init__(
        self,
        folder: Path,
        devices: Mapping[str, Mapping[str, object]],
        mode: str = "sale",
        *,
        selling: str = "immediate",
        named: bool = True,
        more: str = "",
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Unless `named`, it is whoever enrols it; `more` goes into its file, before the devices."""
        self._env = {**os.environ, **(env or {})}
        self.folder = folder
        self.config = folder / "edge.toml"
        self.data_dir = folder / "data"
        self.ready: dict[str, Any] = {}
        self._process: asyncio.subprocess.Process | None = None
        tables = "".join(
            f"[devices.{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
            for name, table in devices.items()
        )
        # Nobody listens on port 1: the hub is away for as long as the test lasts.
        names = f'store = "oak-street"\nstation = "till-3"\nplace = "shop"\nmode = "{mode}"\n[hub]\nport = 1\n'
        self.config.write_text(
            f'data_dir = "data"\nselling = "{selling}"\n{names if named else ""}[api]\nport = 0\n{more}{tables}'
        )

    async def __aenter__(self) -> AgentProcess:
        """Start, and wait until it takes scans."""
        with (self.folder / "agent.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *COMMAND,
                "run",
                "--config",
                str(self.config),
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=self._env,
            )
        assert self._process.stdout is not None
        await self.next_ready()
        return self

    async def next_ready(self, timeout_s: float = DEADLINE_S) -> None:
        """Wait until it says that it is at work, for the first time or as somebody else."""
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(timeout_s):
            line = await self._process.stdout.readline()
        assert line, (self.folder / "agent.log").read_text()
        self.ready = json.loads(line)

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def client(self) -> httpx.AsyncClient:
        """A client of its local API."""
        return httpx.AsyncClient(base_url=self.ready["api"], trust_env=False, timeout=DEADLINE_S)

    async def kill(self) -> None:
        """Pull the plug."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """Stop it as a service manager does, and give its exit code."""
        return await self._end(signal.SIGTERM)

    async def stock(self) -> list[StationEntry]:
        """Read what its stock log holds; not while it runs."""
        async with make_log("disk", self.data_dir / STOCK_FILE) as log:
            assert isinstance(log, SqliteLog)
            return await entries(log)

    def queued_ms(self) -> float:
        """Tell how long its main thread has waited for a processor that others had (proc(5), schedstat)."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[1]) / 1e6

    def rss_kib(self) -> int:
        """Tell the memory it has in use."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1])

    async def _end(self, number: signal.Signals) -> int:
        process = self._process
        assert process is not None
        if process.returncode is None:
            process.send_signal(number)
            async with asyncio.timeout(DEADLINE_S):
                await process.wait()
        assert process.returncode is not None
        return process.returncode


def scanner_table(path: Path) -> dict[str, object]:
    """Give the settings of a scanner at `path` that is told whether its scan was taken."""
    return {"driver": "serial-scanner", "port": str(path), "ack": "honeywell"}
