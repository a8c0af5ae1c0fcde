"""How far the books have caught up with what the stations told of, and how long the rest will take.

An entry is behind from when its station told of it until it is folded: first *to come*, then *to book*. The estimate
adds both ways' work at the speed measured for each. Entries are folded in the order they were committed, whatever
station they are of, so it is one for the store. Folding steps back while much comes in: its speed counts only while it
does not, and where it never yet had a backlog to itself nothing is promised.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hub.errors import TryAgain
from hub.store.store import HubStore
from hub.store.views import StationRow
from protocol.identity import StationId

LITTLE: Final = 1000
"""Fewer entries behind are no backlog: they are booked before a person has read the figure."""
DONE: Final = 50
WINDOW_S: Final = 10.0
MEASURED_S: Final = 2.0
"""How long a speed must have been watched before it is believed."""
LOOK_EVERY_S: Final = 1.0
_FRESH: Final = 0.3

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StationProgress:
    """One station's stock log: entries it told of, those of them not committed, those committed and not folded.

    `percent` is how much of its backlog is booked, 100 only when none is left.
    """

    told: int
    to_come: int
    to_book: int
    percent: int

    @property
    def behind(self) -> int:
        """Entries that the books lack."""
        return self.to_come + self.to_book


@dataclass(frozen=True, slots=True)
class CatchingUp:
    """All stations; `seconds` until the books have what the stations in touch told of, None if that cannot be said."""

    stations: Mapping[StationId, StationProgress]
    seconds: int | None

    @property
    def to_come(self) -> int:
        """Entries told of and not committed."""
        return sum(each.to_come for each in self.stations.values())

    def seconds_of(self, row: StationRow) -> int | None:
        """Until the books have what this station told of; None if that cannot be said."""
        progress = self.stations.get(row.station)
        if progress is None or progress.percent == 100:
            return 0
        return None if progress.to_come and row.state == "offline" else self.seconds


NOTHING: Final = CatchingUp({}, 0)


@dataclass(frozen=True, slots=True)
class _Look:
    at_s: float
    committed: int
    folded: int
    to_come: int
    to_book: int


class Pace:
    """Watches counts go by and tells how it goes. Pure: whoever has a clock says what time it is."""

    def __init__(self) -> None:
        self._looks: deque[_Look] = deque()
        self._most: dict[StationId, int] = {}
        self._folds_per_s: float | None = None

    def look(self, now_s: float, rows: Sequence[StationRow], to_come: Mapping[StationId, int]) -> CatchingUp:
        """Take counts as they are now; `to_come` of stations heard since the hub's start, else as they last said."""
        stations = {row.station: self._station(row, to_come.get(row.station)) for row in rows}
        in_touch = [stations[row.station] for row in rows if row.state != "offline"]
        look = _Look(
            now_s,
            sum(row.committed for row in rows),
            sum(row.folded for row in rows),
            sum(each.to_come for each in in_touch),
            sum(each.to_book for each in stations.values()),
        )
        self._learn(look)
        return CatchingUp(stations, self._seconds(look))

    def _station(self, row: StationRow, to_come: int | None) -> StationProgress:
        left = (row.backlog or 0) if to_come is None else to_come
        to_book = max(0, row.committed - row.folded)
        behind = left + to_book
        most = max(self._most.get(row.station, 0), behind)
        if behind <= DONE or most <= LITTLE:
            self._most.pop(row.station, None)
            return StationProgress(row.committed + left, left, to_book, 100)
        self._most[row.station] = most
        return StationProgress(row.committed + left, left, to_book, min(99, 100 * (most - behind) // most))

    def _learn(self, look: _Look) -> None:
        last = self._looks[-1] if self._looks else None
        if (
            last is not None
            and look.at_s > last.at_s
            and max(look.to_come, last.to_come) <= LITTLE
            and min(look.to_book, last.to_book) > 0
        ):
            speed = max(0, look.folded - last.folded) / (look.at_s - last.at_s)
            known = self._folds_per_s
            self._folds_per_s = speed if known is None else known + _FRESH * (speed - known)
        self._looks.append(look)
        while self._looks[0].at_s < look.at_s - WINDOW_S:
            self._looks.popleft()

    def _seconds(self, look: _Look) -> int | None:
        if look.to_come + look.to_book <= LITTLE:
            return 0
        if not self._folds_per_s:
            return None
        seconds = (look.to_come + look.to_book) / self._folds_per_s
        if look.to_come > LITTLE:
            first = self._looks[0]
            watched_s = look.at_s - first.at_s
            committed = look.committed - first.committed
            if watched_s < MEASURED_S or committed <= 0:
                return None
            seconds += look.to_come * watched_s / committed
        return math.ceil(seconds)


class ProgressWatch:
    """Looks at the store while something changes, at most once a second."""

    def __init__(self, store: HubStore, to_come: Callable[[], Mapping[StationId, int]]) -> None:
        """`to_come` gives the entries that stations told of and that are not committed."""
        self._store = store
        self._to_come = to_come
        self._pace = Pace()
        self.latest = NOTHING
        """As of the last look."""

    async def run(self) -> None:
        """Look, until cancelled or the store closes."""
        loop = asyncio.get_running_loop()
        async for _ in self._store.changes():
            try:
                rows = await self._store.stations()
            except TryAgain as error:
                _log.warning("progress not known", extra={"error": str(error)})
            else:
                self.latest = self._pace.look(loop.time(), rows, self._to_come())
            await asyncio.sleep(LOOK_EVERY_S)
