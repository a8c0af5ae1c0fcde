"""Stands in for a device whose driver cannot be loaded: a status that says why, while the other devices work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from edge.codecs.readings import Reading
from edge.drivers.api import Health, Status
from edge.errors import ContractBroken, HardwareAbsent


class Unloadable:
    """Implements `edge.drivers.api.Device`; never opens."""

    def __init__(self, why: str) -> None:
        self._why = why

    async def __aenter__(self) -> Self:
        raise HardwareAbsent(self._why)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing: it was never open."""

    def readings(self) -> AsyncIterator[Reading]:
        raise ContractBroken("a device without a driver is not open")

    async def acknowledge(self, accepted: bool) -> None:
        """Do nothing: there is nobody to tell."""

    def health(self) -> Health:
        return Health(Status.ABSENT, note=self._why)
