"""Keeps the stack light telling how the station stands, from what the runner and the uplink say of themselves."""

from __future__ import annotations

import asyncio
from typing import Protocol

from edge.drivers.feedback import Feedback, Standing
from edge.uplink.uplink import Drained

LOOK_EVERY_S = 0.5


class Work(Protocol):
    """What is asked of the runner."""

    @property
    def ready(self) -> bool: ...
    @property
    def busy(self) -> bool: ...


class Hub(Protocol):
    """What is asked of the uplink."""

    @property
    def connected(self) -> bool: ...
    @property
    def drained(self) -> Drained: ...


class StandingDesk:
    """Looks at both in turn; an entry on its way to the hub is behind only if it still is at the next look."""

    def __init__(self, work: Work, hub: Hub, feedback: Feedback) -> None:
        self._work = work
        self._hub = hub
        self._feedback = feedback
        self._was_waiting = False

    async def run(self) -> None:
        """Show until cancelled."""
        while True:
            await self._feedback.stand(self.standing())
            await asyncio.sleep(LOOK_EVERY_S)

    def standing(self) -> Standing:
        """Look once."""
        waiting, waited = self._hub.drained.stock > 0, self._was_waiting
        self._was_waiting = waiting
        return Standing(
            ready=self._work.ready,
            busy=self._work.busy,
            behind=not self._hub.connected or (waiting and waited),
        )
