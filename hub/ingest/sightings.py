"""The newest scans that stations told of on `live`, until their logs bring them: shown to people, never counted.

In memory only, and nothing here leads to the store: what is counted comes by the log alone. Bounded in stations, scans
and time, whoever sends whatever.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from hub.store.saying import say
from hub.store.views import RecentEvent
from protocol.errors import BadInput
from protocol.identity import EntryId, StationId
from protocol.live import MAX_LIVE_SCANS, decode_live
from protocol.replication.ports import ReaderState

KEPT_US = 600_000_000
"""How long a scan is shown whose log does not come: its station may have gone in the middle of its backlog."""
MOST_STATIONS = 256

StateOf = Callable[[StationId], ReaderState | None]
"""How far the stock log of a station is read; None before anything of it came."""


@dataclass(frozen=True, slots=True)
class _Sighting:
    event: RecentEvent
    heard_us: int


class Sightings:
    """What is shown of every station."""

    def __init__(self, state_of: StateOf, now_us: Callable[[], int]) -> None:
        self._state_of = state_of
        self._now_us = now_us
        self._stations: OrderedDict[StationId, dict[EntryId, _Sighting]] = OrderedDict()
        self.heard = 0
        """Messages taken."""
        self.refused = 0
        """Messages that could not be understood."""

    def take(self, station: StationId, payload: bytes) -> bool:
        """Take a message; say whether it told anything new. Raises `BadInput` for one that is none."""
        try:
            live = decode_live(payload)
        except BadInput:
            self.refused += 1
            raise
        self.heard += 1
        known = self._stations.pop(station, {})
        fresh = {
            identity: _Sighting(say(identity, one.scan), self._now_us())
            for one in live.scans
            if (identity := EntryId(station, live.epoch, one.seq)) not in known and not self._has(identity)
        }
        newest = sorted((known | fresh).items(), key=lambda item: item[0])[-MAX_LIVE_SCANS:]
        if newest:
            self._stations[station] = dict(newest)
        while len(self._stations) > MOST_STATIONS:
            self._stations.popitem(last=False)
        return bool(fresh)

    def uncounted(self, limit: int) -> tuple[RecentEvent, ...]:
        """Give the scans that no log has brought yet, the newest heard first; forgets the others."""
        for station in list(self._stations):
            left = {
                identity: sighting
                for identity, sighting in self._stations[station].items()
                if not self._has(identity) and self._now_us() - sighting.heard_us < KEPT_US
            }
            if left:
                self._stations[station] = left
            else:
                del self._stations[station]
        told = [each for station in self._stations.values() for each in station.values()]
        told.sort(key=lambda each: (each.heard_us, each.event.entry), reverse=True)
        return tuple(each.event for each in told[:limit])

    def _has(self, entry: EntryId) -> bool:
        """Say whether the log has brought an entry, by this name or another that a newer epoch gave it."""
        state = self._state_of(entry.station)
        if state is None:
            return False
        record = state.record(entry.epoch)
        if record is not None and record.position.seq >= entry.seq:
            return True
        return entry.epoch.generation < state.generation
