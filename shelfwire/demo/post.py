"""One station of the demo: its process, the simulated hardware on its cables, and who looks after both."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from protocol.cards import Mode
from shelfwire.demo.at_rest import LogAtRest, read_log
from shelfwire.demo.processes import Process
from shelfwire.demo.waiting import wait_for
from shelfwire.demo.witnesses import StationHealth, StationWitness, Unreachable
from shelfwire.simulators.scale import SimulatedScale8217
from shelfwire.simulators.scanner import SimulatedScanner

READY_S = 20.0


@dataclass(frozen=True, slots=True)
class PostPlan:
    """Where a station stands and what it has."""

    station: str
    mode: Mode
    has_scale: bool


class Post:
    """A station at work, through all the lives of its process. `async with` plugs the hardware in."""

    def __init__(self, plan: PostPlan, folder: Path, process: Process, witness: StationWitness) -> None:
        self.plan = plan
        self.process = process
        self.witness = witness
        self.data_dir = folder / "data"
        self.scanner = SimulatedScanner(folder / "scanner", ack=True)
        self.scale = SimulatedScale8217(folder / "scale") if plan.has_scale else None
        self.at_rest = LogAtRest(())
        """Its log when it was last down."""
        self.last_health: StationHealth | None = None
        self.switched_off = False
        """Whether it is dark because somebody wanted it so."""
        self._up = asyncio.Event()
        self._stack = AsyncExitStack()

    @property
    def name(self) -> str:
        """The station's name."""
        return self.plan.station

    @property
    def is_up(self) -> bool:
        """Whether scans are taken, as far as a person standing there can see."""
        return self._up.is_set()

    @property
    def life(self) -> int:
        """The number of its present or last life."""
        return self.process.lives

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.scanner)
        if self.scale is not None:
            await self._stack.enter_async_context(self.scale)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def start(self) -> None:
        """Switch it on and wait until its devices are ready. Raises `DeadlineMissed`."""
        self.switched_off = False
        await self.process.start()
        await wait_for(f"{self.name} to take scans", self._takes_scans, READY_S, self.process.tail)
        self._up.set()

    async def cut_power(self) -> None:
        """End it with SIGKILL; then look what is on its disk. The light goes out before anything else happens."""
        self._up.clear()
        await self.process.kill()
        await self._look_at_rest()

    async def stop(self) -> None:
        """Switch it off in order, then look what is on its disk."""
        self.switched_off = True
        self._up.clear()
        await self.process.stop()
        await self._look_at_rest()

    async def wait_up(self) -> int:
        """Wait until it takes scans; give its life."""
        await self._up.wait()
        return self.life

    async def health(self) -> StationHealth:
        """Ask it how it is. Raises `Unreachable`."""
        self.last_health = await self.witness.health()
        return self.last_health

    async def _takes_scans(self) -> bool:
        self.process.check()
        try:
            health = await self.health()
        except Unreachable:
            return False
        wanted = {"scanner"} | ({"scale"} if self.scale is not None else set())
        return wanted <= {device.device for device in health.status.devices if device.status == "ready"}

    async def _look_at_rest(self) -> None:
        try:
            self.at_rest = await asyncio.to_thread(read_log, self.data_dir)
        except sqlite3.Error as error:
            raise RuntimeError(f"the log of {self.name} cannot be read: {error}") from error
