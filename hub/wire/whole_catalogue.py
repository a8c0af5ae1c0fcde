"""The catalogue told whole: rendered once for each state of it, and sent on while it is still being rendered.

When a shop's stations all come back, or head office changes more than there is, each of them wants the same bytes. They
are kept, compressed as they go on the wire, until the catalogue is another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field

from hub.catalogue.snapshot import snapshot_parts
from hub.store.store import HubStore
from protocol.chain import Position
from protocol.frames import encode_writer_message
from protocol.replication.messages import SnapshotPart

PART_ROWS = 2000
PART_BYTES = 4 * 1024 * 1024
"""The most line bytes in a part of so many rows: half of what a payload may unfold to."""


class _TooLong(Exception):
    """A part of `PART_ROWS` rows is longer than `PART_BYTES`: it has to be cut by length."""


@dataclass(slots=True, eq=False)
class _Rendering:
    """The payloads of one snapshot; `task` is done when `payloads` are all."""

    position: Position
    payloads: list[bytes] = field(default_factory=list)
    grown: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class WholeCatalogue:
    """`protocol.serving.WholeState` of a store's catalogue. Raises `TryAgain` where the store does."""

    def __init__(self, store: HubStore) -> None:
        self._store = store
        self._newest: _Rendering | None = None

    async def __call__(self, snapshot: int) -> AsyncIterator[bytes]:
        """Give the payloads, of the snapshot of that number unless there is one of this state already."""
        # The position first: rows newer than it are told again as entries, and a row told twice is one row.
        position = self._store.catalogue.view.head
        rendering = self._newest
        if rendering is None or rendering.position != position:
            rendering = self._newest = _Rendering(position)
            rendering.task = asyncio.create_task(self._render(rendering, snapshot))
            rendering.task.add_done_callback(lambda _: self._ended(rendering))
        task = rendering.task
        assert task is not None
        sent = 0
        while sent < len(rendering.payloads) or not task.done():
            if sent < len(rendering.payloads):
                yield rendering.payloads[sent]
                sent += 1
            else:
                await rendering.grown.wait()
        await task

    async def _render(self, rendering: _Rendering, snapshot: int) -> None:
        loop = asyncio.get_running_loop()

        def show(payloads: list[bytes]) -> None:
            rendering.payloads += payloads
            rendering.grown.set()
            rendering.grown = asyncio.Event()

        def in_steps(rows: int, steps: Iterator[Sequence[bytes]]) -> None:
            parts = max(1, -(-rows // PART_ROWS))
            for number in range(1, parts + 1):
                lines = tuple(next(steps, ()))
                if sum(map(len, lines)) > PART_BYTES:
                    raise _TooLong
                part = SnapshotPart(rendering.position, snapshot, number, parts, lines)
                loop.call_soon_threadsafe(show, [encode_writer_message(part)])

        def by_length(rows: int, steps: Iterator[Sequence[bytes]]) -> None:
            lines = [line for step in steps for line in step]
            whole = snapshot_parts(rendering.position, snapshot + 1, lines)
            loop.call_soon_threadsafe(show, [encode_writer_message(part) for part in whole])

        try:
            await self._store.walk_catalogue(PART_ROWS, in_steps)
        except _TooLong:
            # Under another number, from its first part on: what went out before comes to nothing.
            await self._store.walk_catalogue(PART_ROWS, by_length)

    def _ended(self, rendering: _Rendering) -> None:
        task = rendering.task
        if task is not None and (task.cancelled() or task.exception()) and self._newest is rendering:
            self._newest = None
        rendering.grown.set()
