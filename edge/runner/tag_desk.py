"""RFID at work: reads of all readers to the presence engine, and what changed to the stock log.

    reader -> Supervisor -> TagDesk.heard -> Engine -> (changes wait) -> StationLog.append(entries + notes) -> told

A change is told to nobody before it is durable, and leaves the engine only then: while the disk refuses, changes wait
and are tried again. The reads themselves are not kept; as long as a tag is there it is read again. So readers are never
held back for the disk, and what waits is bounded by the engine (`Rules.max_waiting`, and one arrival a tag).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace

from edge.buffer.api import StationLog
from edge.buffer.errors import LogRefused
from edge.clock import Clock
from edge.codecs.readings import AntennaState, TagRead
from edge.presence.changes import Change, Standing
from edge.presence.engine import Engine
from edge.presence.inventory import Inventory
from edge.presence.notes import changed_notes, read_notes
from edge.presence.reader_clock import ReaderClock
from edge.presence.rules import Rules
from protocol.events import TagChange, When, encode_entry
from protocol.identity import DeviceId

GROUP = 256
"""Changes in one transaction: a scan that is waiting for the disk waits for one of these at most."""
HEARD = 2000
"""Reads that are taken together at most; a reader seldom has so many ready at once."""
VOUCH_EVERY_US = 15_000_000
"""How often a reader that works is asked to vouch for its antennas; several times in `Rules.alive_for_us`."""
CLOCK_SET_US = 1_000_000
"""The wall clock differs by so much from what the time since boot says: somebody set it."""
MOMENT_S = 0.005
"""The shortest time between two looks at what is unread."""
FIRST_RETRY_S = 0.5
LONGEST_RETRY_S = 30.0

_log = logging.getLogger(__name__)


class TagDesk:
    """Opened while the stock log is open. `is_ready` says of a reader whether it works now."""

    def __init__(self, rules: Rules, stock: StationLog, clock: Clock, is_ready: Callable[[DeviceId], bool]) -> None:
        self._rules = rules
        self._stock = stock
        self._clock = clock
        self._is_ready = is_ready
        self._engine = Engine(rules, clock.now().wall_us)
        self._heard: dict[DeviceId, list[TagRead]] = {}
        self._count = 0
        self._clocks: dict[DeviceId, ReaderClock] = {}
        self._readers: set[DeviceId] = set()
        self._offset_us = 0
        self._vouch_us = 0
        self._some = asyncio.Event()
        self._changed = asyncio.Event()
        self._writing = asyncio.Lock()
        self._refused = False

    def open(self) -> None:
        """Take up where the log's notes end."""
        now = self._clock.now()
        self._offset_us = now.wall_us - now.up_us
        self._engine = Engine(self._rules, now.wall_us)
        standings, bad = read_notes(self._stock.notes())
        if bad:
            _log.error("notes on tags not understood: their tags will arrive again", extra={"notes": len(bad)})
        self._engine.restore(standings)

    @property
    def waiting(self) -> int:
        """How many changes are not durable yet."""
        return len(self._engine.waiting)

    def standings(self) -> Iterable[Standing]:
        """Give the tags that are present or unknown, changes that still wait included."""
        self.take_heard()
        return self._engine.standings()

    async def inventory(self, zone: str | None, limit: int) -> Inventory:
        """Tell how many tags are where, and `limit` of them at most, of one zone if it is named."""
        zones = {one.name: 0 for one in self._rules.zones}
        unknown = 0
        listed: list[Standing] = []
        number = 0
        for number, one in enumerate(self.standings(), 1):
            if one.present:
                zones[one.zone] = zones.get(one.zone, 0) + 1
            else:
                unknown += 1
            if len(listed) < limit and zone in (None, one.zone):
                listed.append(one)
            if number % 1000 == 0:
                # Tens of thousands of tags take tens of milliseconds: no scan has to wait for that.
                await asyncio.sleep(0)
        pending = max(0, self._engine.known - number)
        return Inventory(zones, unknown, pending, self.waiting, replace(self._engine.counts), tuple(listed))

    # What comes in

    def heard(self, device: DeviceId, reading: TagRead | AntennaState) -> None:
        """Take what a reader said; reads that come together are taken together, a moment later."""
        self._readers.add(device)
        if isinstance(reading, AntennaState):
            self.take_heard()
            self._engine.on_antenna(device, reading.antenna, reading.connected, self._now_us())
            return
        self._heard.setdefault(device, []).append(reading)
        self._count += 1
        if self._count >= HEARD:
            self.take_heard()
        else:
            self._some.set()

    def closed(self, device: DeviceId) -> None:
        """Learn that a reader was closed or went away."""
        if device in self._readers:
            self.take_heard()
            self._engine.on_reader(device, False, self._now_us())

    def take_heard(self) -> None:
        """Give the engine the reads that wait."""
        if not self._count:
            return
        now_us = self._now_us()
        for device, reads in self._heard.items():
            self._engine.on_reads(device, reads, now_us, self._offset_of(device, reads[-1].seen_us, now_us))
        self._heard = {}
        self._count = 0
        self._note_changes()

    # In the background

    async def watch(self) -> None:
        """Take reads as they come and look after what is unread, until cancelled."""
        while True:
            left_s = self.look()
            try:
                async with asyncio.timeout(left_s):
                    await self._some.wait()
                self._some.clear()
            except TimeoutError:
                pass

    def look(self) -> float:
        """Ask the readers for their antennas if it is time, look after what is unread; say when to look again (s)."""
        self.take_heard()
        now_us = self._now_us()
        if now_us >= self._vouch_us:
            self._vouch_us = now_us + VOUCH_EVERY_US
            for device in self._readers:
                if self._is_ready(device):
                    self._engine.on_reader(device, True, now_us)
        self._engine.on_tick(now_us)
        self._note_changes()
        next_us = min(self._vouch_us, self._engine.next_deadline_us or self._vouch_us)
        return max(MOMENT_S, (next_us - now_us) / 1e6)

    async def write(self) -> None:
        """Append what changed as it comes, until cancelled; what is refused is tried again."""
        wait_s = FIRST_RETRY_S
        while True:
            await self._changed.wait()
            self._changed.clear()
            if await self.write_waiting():
                wait_s = FIRST_RETRY_S
                continue
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_RETRY_S)
            self._changed.set()

    async def write_waiting(self) -> bool:
        """Append all that changed so far; say whether that was done."""
        self.take_heard()
        async with self._writing:
            while self._engine.waiting:
                group = tuple(self._engine.waiting[:GROUP])
                when = self._clock.now()
                lines = [encode_entry(_entry(one, when)) for one in group]
                try:
                    await self._stock.append(lines, changed_notes(self._stock.notes(), group))
                except LogRefused as error:
                    if not self._refused:
                        _log.warning(
                            "tag changes not logged", extra={"error": str(error), "waiting": len(self._engine.waiting)}
                        )
                    self._refused = True
                    return False
                self._refused = False
                self._engine.told(len(group))
        return True

    def _offset_of(self, device: DeviceId, seen_us: int | None, now_us: int) -> int:
        """Tell how far the reader's clock is behind, its newest read having been made at `seen_us`."""
        clock = self._clocks.get(device)
        if clock is None:
            clock = self._clocks[device] = ReaderClock()
        if seen_us is not None and clock.heard(seen_us, now_us):
            _log.warning("reader's clock", extra={"device": device, "behind_ms": clock.offset_us // 1000})
        return clock.offset_us

    def _note_changes(self) -> None:
        if self._engine.waiting:
            self._changed.set()

    def _now_us(self) -> int:
        """Tell the wall clock, and the engine first if somebody set it."""
        now = self._clock.now()
        offset_us = now.wall_us - now.up_us
        if abs(offset_us - self._offset_us) > CLOCK_SET_US:
            _log.warning("clock was set", extra={"by_ms": (offset_us - self._offset_us) // 1000})
            self._engine.clock_set(now.wall_us)
            self._clocks.clear()
            self._vouch_us = 0
        # A clock that a time daemon speeds up or slows down is never far from where it was a moment ago.
        self._offset_us = offset_us
        return now.wall_us


def _entry(change: Change, when: When) -> TagChange:
    return TagChange(
        when=when,
        device=change.device,
        antenna=change.antenna,
        epc=change.epc.hex().upper(),
        change=change.change,
        zone=change.zone,
        from_zone=change.from_zone,
        seen_us=change.seen_us,
        reads=change.reads,
        rssi_cdbm=change.rssi_cdbm,
    )
