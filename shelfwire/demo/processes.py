"""The demo's little supervisor: starts real processes, kills them when the story says so, and leaves none behind.

Every child leads a session of its own, so that Ctrl-C at the terminal reaches only the demo, and is tied to the
demo's life (`tether`), so that not even SIGKILL of the demo leaves one running.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from shelfwire.demo import tether

STOP_S = 10.0
TAIL_LINES = 15
_PACKAGES = Path(__file__).parents[2]


class ProcessDied(Exception):
    """A process ended that nobody had told to."""


class Process:
    """One program and its lives; `log` takes what it prints, life after life."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self.command = tuple(command)
        self.log = log
        self.lives = 0
        """How often it was started."""
        self.kills = 0
        self._running: asyncio.subprocess.Process | None = None
        self._told_to_end = False

    @property
    def alive(self) -> bool:
        """Whether it runs now."""
        return self._running is not None and self._running.returncode is None

    @property
    def pid(self) -> int | None:
        """Its process id, None while it does not run."""
        return self._running.pid if self._running is not None and self.alive else None

    async def start(self) -> None:
        """Begin a life."""
        # Not running until it runs: whoever checks meanwhile must not find the life before, and take it for a death.
        self._running, self._told_to_end = None, False
        self.lives += 1
        with self.log.open("ab") as log:
            self._running = await asyncio.create_subprocess_exec(
                sys.executable,
                "-IS",
                tether.__file__,
                str(os.getpid()),
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(_PACKAGES)},
                start_new_session=True,
            )

    async def kill(self) -> None:
        """End it as a power cut would, and wait until it is gone."""
        self.kills += 1
        await self._end(signal.SIGKILL)

    def silence(self) -> None:
        """Have it hear and say nothing, as behind a cut cable: no connection ends. `restore` brings it back."""
        self._signal(signal.SIGSTOP)

    def restore(self) -> None:
        """Have it go on where it was silenced."""
        self._signal(signal.SIGCONT)

    async def stop(self) -> None:
        """Ask it to end; kill it if it does not within `STOP_S`. Not running is fine."""
        try:
            async with asyncio.timeout(STOP_S):
                await self._end(signal.SIGTERM)
        except TimeoutError:
            await self._end(signal.SIGKILL)

    def check(self) -> None:
        """Raise `ProcessDied` if it ended by itself."""
        running = self._running
        if running is not None and running.returncode is not None and not self._told_to_end:
            raise ProcessDied(f"{self.name} ended by itself with code {running.returncode}")

    def tail(self, lines: int = TAIL_LINES) -> str:
        """Give the last lines of its log."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 300 * lines))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])

    async def _end(self, how: signal.Signals) -> None:
        self._told_to_end = True
        if self._running is not None:
            self._signal(how)
            self.restore()  # who was silenced would not hear it
            await self._running.wait()

    def _signal(self, number: signal.Signals) -> None:
        running = self._running
        if running is not None and running.returncode is None:
            try:
                os.killpg(running.pid, number)
            except ProcessLookupError:
                pass  # it has ended and is not waited for yet


class Supervisor:
    """All processes of a demo: `async with` stops them in the reverse order of their making, whatever happened."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._processes: list[Process] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop_all()

    @property
    def processes(self) -> tuple[Process, ...]:
        """All of them, in the order of their making."""
        return tuple(self._processes)

    def add(self, name: str, command: Sequence[str]) -> Process:
        """Take a program into care, not started yet."""
        process = Process(name, command, self._logs / f"{name}.log")
        self._processes.append(process)
        return process

    def check(self) -> None:
        """Raise `ProcessDied` if any process ended by itself."""
        for process in self._processes:
            process.check()

    async def stop_all(self) -> None:
        """Stop all that run, the last made first. Twice is harmless."""
        for process in reversed(self._processes):
            await process.stop()
