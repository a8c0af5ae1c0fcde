"""A device behind one link: opening, closing, health, and hearing bytes or silence."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from edge.drivers.api import Health
from edge.drivers.condition import Clock, Condition
from edge.errors import ContractBroken, HardwareAbsent, LinkLost


class Link(Protocol):
    """What a byte pipe offers to be opened, read and closed; `SerialLink` and `EvdevLink` are two."""

    async def __aenter__(self) -> Self: ...
    async def read(self) -> bytes: ...
    def close(self) -> None: ...


L = TypeVar("L", bound=Link)


class LinkedDevice(Generic[L]):
    """The part of `edge.drivers.api.Device` that is the same for every device with one link; add `readings`.

    One that must be set up before it gives readings, or told to stop, adds `_prepare` and `_stop`.
    """

    def __init__(self, link: L, name: str, clock: Clock) -> None:
        self._link = link
        self._name = name
        self._condition = Condition(clock)

    async def __aenter__(self) -> Self:
        try:
            await self._link.__aenter__()
            try:
                await self._prepare()
            except BaseException:
                self._link.close()
                raise
        except HardwareAbsent as error:
            self._condition.absent(str(error))
            raise
        self._condition.opened()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._condition.ready:
                await self._stop()
        finally:
            self._link.close()
            self._condition.closed()

    async def acknowledge(self, accepted: bool) -> None:
        """Do nothing: a device without a back channel cannot be told."""

    def health(self) -> Health:
        return self._condition.health()

    async def _prepare(self) -> None:
        """Bring the device, its link just opened, to where it gives readings. Raises `HardwareAbsent`."""

    async def _stop(self) -> None:
        """Tell the device that nobody reads it any more, as far as it lets us; its link is closed afterwards."""

    def _check_open(self) -> None:
        """Raise `ContractBroken` unless the device is open and was not lost."""
        if not self._condition.ready:
            raise ContractBroken(f"{self._name} is not open")

    async def _hear(self, idle_s: float | None) -> bytes | None:
        """Wait for bytes; None if nothing came for `idle_s`. Raises `LinkLost`."""
        if idle_s is None:
            data = await self._link.read()
        else:
            try:
                async with asyncio.timeout(idle_s):
                    data = await self._link.read()
            except TimeoutError:
                return None
        if not data:
            self._condition.lost(f"{self._name} went away")
            raise LinkLost(f"{self._name} went away")
        return data

    def _lost(self, why: str) -> LinkLost:
        """Note that the device is lost; gives what to raise."""
        self._condition.lost(why)
        return LinkLost(f"{self._name}: {why}")
