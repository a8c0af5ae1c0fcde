"""A scale that answers as a Mettler Toledo 8217 does (DIVA service manual, pages 44 and 45)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from shelfwire.simulators.port import SimulatedPort

_ALWAYS = 0x40
_BITS = {"motion": 0x01, "over": 0x02, "under": 0x04, "unready": 0x08}
_NET = 0x20

Trouble = Literal["motion", "over", "under", "unready"]


class SimulatedScale8217:
    """Answers `W` with what lies on it; asked on a pty, at any pace. It has 15 kg capacity and weighs in grams.

    `once`: sends each new weight once and then only the all-clear status, as some models do. Counters: `asked`,
    `weights` and `statuses` sent, `ignored` bytes that are no command it knows.
    """

    CAPACITY_GRAMS = 15_000

    def __init__(self, path: Path, *, unit: Literal["kg", "g"] = "kg", once: bool = False) -> None:
        self._port = SimulatedPort(path)
        self._unit = unit
        self._once = once
        self._grams = 0
        self._net = False
        self._trouble: Trouble | None = None
        self._silent = False
        self._told = False
        self._serving: asyncio.Task[None] | None = None
        self.asked = 0
        self.weights = 0
        self.statuses = 0
        self.ignored = 0

    @property
    def path(self) -> Path:
        """What the agent's `port` setting names."""
        return self._port.path

    @property
    def port(self) -> SimulatedPort:
        """The cable: `wait_for_reader`, `unplug`, `plug_in`."""
        return self._port

    async def __aenter__(self) -> Self:
        self._port.plug_in()
        self._serving = asyncio.get_running_loop().create_task(self._serve(), name=f"scale {self.path.name}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.wait([self._serving])
            self._serving = None
        self._port.unplug()

    def put(self, grams: int, *, net: bool = False) -> None:
        """Have this much on the platter, at rest. More than the capacity is an overload, less than 0 is under zero."""
        self._grams, self._net, self._told = grams, net, False
        self._trouble = "over" if grams > self.CAPACITY_GRAMS else "under" if grams < 0 else None

    def trouble(self, what: Trouble) -> None:
        """Have no weight to give, until the next `put`."""
        self._trouble, self._told = what, False

    def fall_silent(self, silent: bool = True) -> None:
        """Answer nothing, as with the power off, or answer again."""
        self._silent = silent

    def answer(self) -> bytes:
        """Give the frame that `W` gets now."""
        if self._trouble is not None:
            self.statuses += 1
            return self._status(_BITS[self._trouble])
        if self._once and self._told:
            self.statuses += 1
            return self._status(0)
        self._told = True
        self.weights += 1
        figure = f"{self._grams:05d}" if self._unit == "g" else f"{self._grams // 1000:02d}.{self._grams % 1000:03d}"
        return f"\x02{figure}{'N' if self._net else ''}\r".encode()

    def _status(self, bits: int) -> bytes:
        return b"\x02?" + bytes([_ALWAYS | bits | (_NET if self._net else 0)]) + b"\r"

    async def _serve(self) -> None:
        while True:
            data = await self._port.receive()
            if not data:
                await self._port.wait_for_reader(60)
            for byte in data:
                if byte != ord("W"):
                    self.ignored += 1
                    continue
                self.asked += 1
                if not self._silent:
                    await self._port.send(self.answer())
