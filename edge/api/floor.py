"""What the local API needs of the station behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import Protocol

from edge.presence.inventory import Inventory
from edge.station.actions import Outcome, Where, Work
from edge.station.happenings import Happening, StationStatus
from edge.station.summary import SessionSummary
from protocol.events import BasketEnd, CountReading, Delta


class Floor(Protocol):
    """The station at work; `edge.runner.runner.Runner` is one."""

    async def scan(self, code: str, qty_milli: int | None = None) -> Outcome:
        """Take a code as if a scanner had read it; returns once the outcome is durable."""
        ...

    async def set_work(self, work: Work) -> Outcome:
        """Switch mode, document and place; returns once that is durable."""
        ...

    async def end_session(self, session: str | None = None) -> Outcome:
        """End the open session, only if it is `session` where that is named; returns once that is durable."""
        ...

    async def open_basket(self, document: str | None = None) -> Outcome:
        """Open a basket for what is scanned from now on; returns once that is durable."""
        ...

    async def close_basket(self, basket: str, how: BasketEnd) -> Outcome:
        """Close the basket; returns once that is durable."""
        ...

    async def restore(self, where: Where) -> Outcome:
        """Do what the suppressed scan at `where` was meant to do; returns once that is durable."""
        ...

    async def summary(self) -> SessionSummary | None:
        """Say what the open session came to so far. Raises `BadInput` ("catalogue-failing")."""
        ...

    async def tags(self, zone: str | None, limit: int) -> Inventory:
        """Tell of the RFID tags: how many are where, and `limit` of them at most, of one zone if it is named."""
        ...

    @property
    def restorable(self) -> tuple[tuple[Where, Delta | CountReading], ...]:
        """The suppressed scans that could be restored now, and what each would do."""
        ...

    def listen(self) -> AbstractContextManager[AsyncIterator[Happening]]:
        """Hear all that goes on while the context lasts. Raises `TooManyListeners`."""
        ...

    @property
    def status(self) -> StationStatus: ...
