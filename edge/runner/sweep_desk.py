"""RFID while somebody counts: which tags were seen at the place that was given, to the stock log.

    reader -> Supervisor -> SweepDesk.heard -> a set -> Sweep entries, every half minute and before the shelf's END

Only reads that are of that place are taken: those of the zone that is called as the place is; all of them at a station
without zones, whose reader is carried to where it counts. A portal at a station that counts another place says nothing
of it. Tags are told once a sweep: a power cut loses at most what was first seen in the last half minute, and what is
not told only makes the count know less.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from msgspec.structs import replace

from edge.buffer.api import StationLog
from edge.buffer.errors import LogRefused
from edge.clock import Clock
from edge.codecs.readings import TagRead
from edge.presence.rules import MAX_EPC_BYTES, Antenna, Rules
from edge.station.actions import GivenCount
from protocol.events import MAX_SWEEP_BYTES, ShelfCounted, Sweep, encode_entry
from protocol.identity import DeviceId

WRITE_EVERY_S = 30.0
MAX_TAGS = 100_000
"""Of one sweep; more are not kept."""
_AROUND_EPCS = 1024
"""What an entry holds beside its tags, at most."""

_log = logging.getLogger(__name__)


class _Sweep:
    """The tags seen at one place; `fresh` are those that are not in the log yet."""

    def __init__(self, given: GivenCount, person: str, device: DeviceId, up_us: int) -> None:
        self.given = given
        self.person = person
        self.device = device
        self.from_up_us = up_us
        self.seen: set[bytes] = set()
        self.fresh: list[bytes] = []
        self.full = False


class SweepDesk:
    """Open while the stock log is. `given` says what is to be counted now, `person` by whom."""

    def __init__(
        self,
        rules: Rules,
        stock: StationLog,
        clock: Clock,
        given: Callable[[], GivenCount | None],
        person: Callable[[], str],
        write_every_s: float = WRITE_EVERY_S,
    ) -> None:
        self._zones = {antenna: zone.name for zone in rules.zones for antenna in zone.antennas}
        self._names = frozenset(self._zones.values())
        self._stock = stock
        self._clock = clock
        self._given = given
        self._person = person
        self._write_every_s = write_every_s
        self._open: _Sweep | None = None
        self._left: list[_Sweep] = []
        self._readers: set[DeviceId] = set()
        self._writing = asyncio.Lock()

    @property
    def seen(self) -> int | None:
        """How many tags were seen at the place that is counted now; None if no reader takes part in that."""
        given = self._given()
        if given is None or not self._takes_part(given):
            return None
        return 0 if self._open is None or self._open.given != given else len(self._open.seen)

    def heard(self, device: DeviceId, read: TagRead) -> None:
        """Take a read, if it is of the place that is counted."""
        self._readers.add(device)
        given = self._given()
        if given is None:
            return
        if self._zones and self._zones.get(Antenna(device, read.antenna)) != given.place:
            return
        sweep = self._open
        if sweep is None or sweep.given != given:
            sweep = self._begin(given, device)
        epc = read.epc
        if epc in sweep.seen or not 0 < len(epc) <= MAX_EPC_BYTES:
            return
        if len(sweep.seen) >= MAX_TAGS:
            if not sweep.full:
                _log.warning("too many tags in a count", extra={"place": given.place, "kept": MAX_TAGS})
            sweep.full = True
            return
        if not sweep.fresh:
            sweep.from_up_us = self._clock.up_us()
        sweep.seen.add(epc)
        sweep.fresh.append(epc)

    async def write(self) -> None:
        """Append what was newly seen now and then, until cancelled."""
        while True:
            await asyncio.sleep(self._write_every_s)
            await self.write_waiting()

    async def write_waiting(self) -> bool:
        """Append all that was newly seen; say whether that was done."""
        async with self._writing:
            for sweep in self._pending():
                told = len(sweep.fresh)
                entries = self._entries(sweep)
                try:
                    await self._stock.append([encode_entry(entry) for entry in entries])
                except LogRefused as error:
                    _log.warning("tags of a count not logged", extra={"error": str(error), "waiting": told})
                    return False
                del sweep.fresh[:told]
            self._left = [sweep for sweep in self._left if sweep.fresh]
        return True

    def told(self, shelf: ShelfCounted) -> ShelfCounted:
        """Say beside that a place is counted how many tags were seen there; to be called before that is durable."""
        return replace(shelf, tags=self.seen)

    def _takes_part(self, given: GivenCount) -> bool:
        return given.place in self._names if self._zones else bool(self._readers)

    def _begin(self, given: GivenCount, device: DeviceId) -> _Sweep:
        if self._open is not None and self._open.fresh:
            self._left.append(self._open)
        self._open = _Sweep(given, self._person(), device, self._clock.up_us())
        return self._open

    def _pending(self) -> list[_Sweep]:
        now = [] if self._open is None else [self._open]
        return [sweep for sweep in (*self._left, *now) if sweep.fresh]

    def _entries(self, sweep: _Sweep) -> list[Sweep]:
        """Tell of the fresh tags, in as many parts as lines of `MAX_SWEEP_BYTES` need."""
        parts: list[list[str]] = [[]]
        room = MAX_SWEEP_BYTES - _AROUND_EPCS
        for epc in sweep.fresh:
            text = epc.hex().upper()
            size = len(text) + len('"",')
            if size > room:
                parts.append([])
                room = MAX_SWEEP_BYTES - _AROUND_EPCS
            parts[-1].append(text)
            room -= size
        when, given = self._clock.now(), sweep.given
        return [
            Sweep(
                when=when,
                from_up_us=sweep.from_up_us,
                device=sweep.device,
                place=given.place,
                session=given.session,
                pass_=given.pass_,
                part=number,
                parts=len(parts),
                epcs=tuple(part),
                person=sweep.person,
            )
            for number, part in enumerate(parts, 1)
        ]
