"""Lets tasks sleep until a log's head moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from edge.errors import ContractBroken
from protocol.chain import Position
from protocol.replication.ports import LogView


class Growth:
    """Wakes who waits for a head other than the one seen. All of it belongs to one event loop.

    The head is looked at before sleeping and `moved` is called on the same loop after every change, so that
    none falls in between.
    """

    def __init__(self, view: Callable[[], LogView]) -> None:
        self._view = view
        self._sleepers: set[asyncio.Future[None]] = set()
        self._closed = False

    async def wait(self, seen: Position) -> LogView:
        """Return the view once its head is not `seen`. Raises `ContractBroken` when the log is closed."""
        while True:
            if self._closed:
                raise ContractBroken("the log was closed under who waits for it to grow")
            view = self._view()
            if view.head != seen:
                return view
            sleeper = asyncio.get_running_loop().create_future()
            self._sleepers.add(sleeper)
            try:
                await sleeper
            finally:
                self._sleepers.discard(sleeper)

    def moved(self) -> None:
        """Wake everyone to look again."""
        for sleeper in self._sleepers:
            if not sleeper.done():
                sleeper.set_result(None)

    def close(self) -> None:
        """End all waiting."""
        self._closed = True
        self.moved()
