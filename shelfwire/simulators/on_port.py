"""A simulated device on a serial cable: plugged in and pulled out, and at work as long as it is plugged in."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from pathlib import Path
from types import TracebackType

from shelfwire.simulators.plugged import Plugged
from shelfwire.simulators.port import SimulatedPort


class DeviceOnPort(Plugged):
    """Has a cable, and speaks when it is told to. `async with` plugs it in."""

    def __init__(self, path: Path) -> None:
        self._port = SimulatedPort(path)

    @property
    def path(self) -> Path:
        """What the agent's `port` setting names."""
        return self._port.path

    @property
    def port(self) -> SimulatedPort:
        """The cable: `wait_for_reader`, `wait_drained`, `send`."""
        return self._port

    def plug_in(self) -> None:
        """Connect the cable. Twice is harmless."""
        self._port.plug_in()

    def unplug(self) -> None:
        """Pull the cable out: whoever reads sees the device vanish. Twice is harmless."""
        self._port.unplug()


class ServingDevice(DeviceOnPort):
    """Answers what comes, in a task of its own from being plugged in to being pulled out."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._serving: asyncio.Task[None] | None = None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        serving = self._serving
        self.unplug()
        if serving is not None:
            await asyncio.wait([serving])

    def plug_in(self) -> None:
        super().plug_in()
        if self._serving is None:
            name = f"{type(self).__name__} {self.path.name}"
            self._serving = asyncio.get_running_loop().create_task(self._serve(), name=name)

    def unplug(self) -> None:
        if self._serving is not None:
            self._serving.cancel()
            self._serving = None
        super().unplug()

    @abstractmethod
    async def _serve(self) -> None:
        """Hear and answer, until cancelled."""
