"""In place of the tag desk where the settings name no zone: nothing of RFID is loaded, and its reads go nowhere."""

from __future__ import annotations

import asyncio
import logging

from edge.codecs.readings import AntennaState, TagRead
from edge.presence.changes import Counts
from edge.presence.inventory import Inventory
from protocol.identity import DeviceId

_log = logging.getLogger(__name__)


class NoZones:
    """Does nothing, as `edge.runner.tag_desk.TagDesk` would do it; says so once, and counts what it does not take."""

    def __init__(self) -> None:
        self._counts = Counts()

    def open(self) -> None:
        """Nothing is remembered."""

    def heard(self, device: DeviceId, reading: TagRead | AntennaState) -> None:
        """Count a read that no zone is there for."""
        if isinstance(reading, TagRead):
            if not self._counts.no_zone:
                _log.warning("tags are read, but the settings have no zones", extra={"device": device})
            self._counts.no_zone += 1

    def closed(self, device: DeviceId) -> None:
        """A reader may go away."""

    async def watch(self) -> None:
        """Wait until cancelled."""
        await asyncio.Event().wait()

    async def write(self) -> None:
        """Wait until cancelled."""
        await asyncio.Event().wait()

    async def write_waiting(self) -> bool:
        """Nothing waits."""
        return True

    async def inventory(self, zone: str | None, limit: int) -> Inventory:
        """Tell that there is no tag."""
        return Inventory({}, 0, 0, 0, self._counts, ())
