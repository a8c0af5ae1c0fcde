"""Writes down which version of the catalogue each station has, as it says so: its prices are known by that later."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from hub.errors import TryAgain
from hub.store.store import HubStore
from protocol.chain import Position
from protocol.identity import StationId

_log = logging.getLogger(__name__)


class HeldVersions:
    """`note` waits for nothing; `run` writes, all that came meanwhile in one transaction."""

    def __init__(self, store: HubStore, now_us: Callable[[], int]) -> None:
        self._store = store
        self._now_us = now_us
        self._noted: dict[StationId, tuple[Position, int]] = {}
        self._wanted = asyncio.Event()

    def note(self, station: StationId, position: Position) -> None:
        """Take what a station has just acknowledged."""
        self._noted[station] = (position, self._now_us())
        self._wanted.set()

    async def run(self) -> None:
        """Write until cancelled. What the disk would not take is said again when the station next acknowledges."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            noted, self._noted = self._noted, {}
            try:
                await self._store.note_catalogue_held([(name, *told) for name, told in noted.items()])
            except TryAgain as error:
                _log.error("versions held not written down", extra={"error": str(error)})
