"""Hands the parts of a snapshot to the thread that stores them while they come: neither waits for all of the other."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Iterator, Sequence
from typing import Final

from edge.catalogue.errors import CatalogueFailing

AHEAD: Final = 3
"""Parts that may wait for the disk; more stay packed, as they came, in the follower's inbox."""
SILENT_S: Final = 10.0
"""How long the storing thread waits for the next part before it gives the snapshot up."""


class SnapshotFeed:
    """Filled on the event loop (`put`, then `end` or `give_up`), walked once in another thread.

    What is walked raises `CatalogueFailing` where the snapshot was given up or stayed away, so that what was stored of
    it comes to nothing.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Semaphore(AHEAD)
        self._parts: queue.SimpleQueue[Sequence[bytes] | None] = queue.SimpleQueue()
        self._over = False
        self._whole = False

    async def put(self, lines: Sequence[bytes]) -> None:
        """Hand on a part as soon as there is room; dropped if nobody walks any more."""
        await self._room.acquire()
        if not self._over:
            self._parts.put(lines)

    def end(self) -> None:
        """Say that all of it was put."""
        self._whole = True
        self._parts.put(None)

    def give_up(self) -> None:
        """Say that the rest will not come; harmless when repeated and after `end`."""
        self._parts.put(None)

    def stop(self) -> None:
        """Say that nobody walks any more, so that `put` waits for nobody."""
        self._over = True
        self._room.release()

    def __iter__(self) -> Iterator[Sequence[bytes]]:
        while True:
            try:
                lines = self._parts.get(timeout=SILENT_S)
            except queue.Empty:
                raise CatalogueFailing("the rest of a snapshot did not come") from None
            if lines is None:
                if self._whole:
                    return
                raise CatalogueFailing("a snapshot was given up")
            self._loop.call_soon_threadsafe(self._room.release)
            yield lines
