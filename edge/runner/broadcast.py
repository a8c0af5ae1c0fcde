"""Tells every listener what goes on, without ever waiting for one of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from edge.station.happenings import Happening, Missed, TooManyListeners

LISTENERS = 32
WAITING = 256


class Listener:
    """One who listens: `async for happening in listener`."""

    def __init__(self) -> None:
        self._waiting: deque[Happening] = deque()
        self._missed = 0
        self._some = asyncio.Event()

    def tell(self, happening: Happening) -> None:
        """Have something heard in its turn; the oldest gives way if too much waits."""
        if len(self._waiting) >= WAITING:
            self._waiting.popleft()
            self._missed += 1
        self._waiting.append(happening)
        self._some.set()

    def __aiter__(self) -> AsyncIterator[Happening]:
        return self

    async def __anext__(self) -> Happening:
        await self._some.wait()
        if self._missed:
            missed, self._missed = self._missed, 0
            return Missed(missed)
        happening = self._waiting.popleft()
        if not self._waiting:
            self._some.clear()
        return happening


class Broadcast:
    """Everyone who listens now."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    def tell(self, happening: Happening) -> None:
        """Tell all."""
        for listener in self._listeners:
            listener.tell(happening)

    @contextmanager
    def listen(self) -> Iterator[Listener]:
        """Listen for as long as the context lasts. Raises `TooManyListeners`."""
        if len(self._listeners) >= LISTENERS:
            raise TooManyListeners
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
