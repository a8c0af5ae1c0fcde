"""A station as it comes out of its box: one scanner, and nobody."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.agent_process import AgentProcess


def new_station(
    folder: Path, scanner: SimulatedScanner, more: str = "", env: Mapping[str, str] | None = None
) -> AgentProcess:
    """Make its agent; `more` is what else its file says."""
    folder.mkdir(exist_ok=True)
    table = {"driver": "serial-scanner", "port": str(scanner.path), "ack": "honeywell"}
    return AgentProcess(folder, {"scanner": table}, named=False, more=more, env=env)


async def health(agent: AgentProcess) -> dict[str, Any]:
    """Ask it how it is."""
    async with agent.client() as client:
        return dict((await client.get("/v1/health")).json())
