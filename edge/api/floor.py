"""What the local API needs of the station behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import Protocol

from edge.station.actions import Outcome
from edge.station.happenings import Happening, StationStatus
from protocol.cards import Mode


class Floor(Protocol):
    """The station at work; `edge.runner.runner.Runner` is one."""

    async def scan(self, code: str, qty_milli: int | None = None) -> Outcome:
        """Take a code as if a scanner had read it; returns once the outcome is durable."""
        ...

    async def set_mode(self, mode: Mode, document: str | None = None) -> Outcome:
        """Switch the mode; returns once that is durable."""
        ...

    def listen(self) -> AbstractContextManager[AsyncIterator[Happening]]:
        """Hear all that goes on while the context lasts. Raises `TooManyListeners`."""
        ...

    @property
    def status(self) -> StationStatus: ...
