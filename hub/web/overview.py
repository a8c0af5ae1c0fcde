"""The hub at a glance: asked of the store once, judged, and put into the words of the page's first line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hub.store.store import HubStore
from hub.store.views import DeviceRow, RecentEvent, StationRow, Totals
from hub.web.health import UNSENT_TOO_LONG_US, Health, Prices, StationLine, complete_to_us, judge
from hub.web.outside import HqStatus, Outside
from hub.web.wording import clock_time, duration, whole
from protocol.catalogue_set import SetHash
from protocol.identity import StationId

EVENTS_SHOWN: Final = 30
LAG_WORTH_A_LOOK: Final = 1000


class Level(StrEnum):
    """How much a figure wants a person."""

    FINE = "fine"
    LOOK = "look"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the first line; `href` is where more is told, "" if nowhere."""

    label: str
    value: str
    note: str
    level: Level = Level.FINE
    href: str = ""


@dataclass(frozen=True, slots=True)
class Glance:
    """What the store and the rest of the hub answered, all at about `now_us`."""

    now_us: int
    stations: tuple[StationLine, ...]
    devices: tuple[DeviceRow, ...]
    events: tuple[RecentEvent, ...]
    totals: Totals
    head: SetHash
    hq: HqStatus | None
    broker_connected: bool
    contested: Mapping[str, tuple[int, ...]]

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """The first line."""
        return (
            _stations_tile(self.stations),
            _unsent_tile(self.stations),
            _complete_tile([line.row for line in self.stations], self.totals.fold_lag, self.now_us),
            _held_back_tile(self.totals, len(self.contested)),
            _hq_tile(self.hq),
            _prices_tile(self.stations, self.totals.catalogue_rows),
        )


async def glance(store: HubStore, outside: Outside, events: int = EVENTS_SHOWN) -> Glance:
    """Ask the store and the rest of the hub. Raises `TryAgain`."""
    now_us = outside.now_us()
    head = await store.catalogue_hash()
    devices = await store.devices()
    return Glance(
        now_us,
        judged(await store.stations(), devices, head, now_us),
        devices,
        await store.recent_events(events),
        await store.totals(),
        head,
        outside.hq(),
        outside.broker_connected(),
        dict(outside.contested()),
    )


def judged(
    rows: Sequence[StationRow], devices: Sequence[DeviceRow], head: SetHash, now_us: int
) -> tuple[StationLine, ...]:
    """Judge all stations."""
    own: defaultdict[StationId, list[DeviceRow]] = defaultdict(list)
    for device in devices:
        own[device.station].append(device)
    return tuple(judge(row, own[row.station], head, now_us) for row in rows)


def _stations_tile(lines: Sequence[StationLine]) -> Tile:
    ok, degraded, silent = (sum(line.health is health for line in lines) for health in Health)
    if not lines:
        return Tile("Stations", "none yet", "none has ever said anything", Level.LOOK, "#stations")
    level = Level.ALARM if silent else Level.LOOK if degraded else Level.FINE
    return Tile("Stations", f"{ok} of {len(lines)} ok", f"{degraded} degraded · {silent} silent", level, "#stations")


def _unsent_tile(lines: Sequence[StationLine]) -> Tile:
    waiting = [line for line in lines if line.row.backlog]
    if not waiting:
        return Tile("Oldest unsent", "none", "all that stations told of is here")
    entries = sum(line.row.backlog or 0 for line in waiting)
    note = f"{whole(entries)} at {_counted(len(waiting), 'station')}"
    ages = [line.unsent_us for line in waiting if line.unsent_us is not None]
    if len(ages) < len(waiting):
        return Tile("Oldest unsent", "age unknown", note, Level.LOOK, "#stations")
    late = max(ages) > UNSENT_TOO_LONG_US or any(line.health is Health.SILENT for line in waiting)
    return Tile("Oldest unsent", f"≤ {duration(max(ages))}", note, Level.LOOK if late else Level.FINE, "#stations")


def _complete_tile(rows: Sequence[StationRow], fold_lag: int, now_us: int) -> Tile:
    complete_us = complete_to_us(rows)
    books = f"{whole(fold_lag)} still to be booked" if fold_lag else "all of it booked"
    level = Level.LOOK if fold_lag > LAG_WORTH_A_LOOK else Level.FINE
    if complete_us is None:
        unmarked = [row.station for row in rows if row.mark_us is None]
        return Tile("Complete to", "unknown", f"no mark from {', '.join(unmarked[:3])}" if unmarked else books, level)
    return Tile("Complete to", clock_time(complete_us, now_us), f"UTC · {books}", level)


def _held_back_tile(totals: Totals, contested: int) -> Tile:
    note = f"{_counted(contested, 'conflict')} · {_counted(totals.losses, 'loss', 'losses')}"
    level = Level.ALARM if contested else Level.LOOK if totals.quarantined or totals.losses else Level.FINE
    value = f"{whole(totals.quarantined)} quarantined" if totals.quarantined else "nothing"
    return Tile("Held back", value, note, level, "/quarantine")


def _hq_tile(hq: HqStatus | None) -> Tile:
    label = "Head office"
    if hq is None:
        return Tile(label, "none", "this hub runs by itself")
    unsent = "backlog unknown" if hq.feed_backlog is None else f"{whole(hq.feed_backlog)} to be sent"
    if not hq.connected:
        return Tile(label, "not reached", unsent, Level.ALARM)
    if hq.feed_backlog is None:
        return Tile(label, "not answering", "connected, feed not taken up yet", Level.LOOK)
    if hq.feed_backlog == 0:
        return Tile(label, "up to date", "has all of the feed")
    level = Level.LOOK if hq.feed_backlog > LAG_WORTH_A_LOOK else Level.FINE
    return Tile(label, f"{whole(hq.feed_backlog)} behind", "entries of the feed", level)


def _prices_tile(lines: Sequence[StationLine], rows: int) -> Tile:
    behind = sum(line.prices is Prices.BEHIND for line in lines)
    unknown = sum(line.prices is Prices.UNKNOWN for line in lines)
    note = f"{whole(rows)} rows" + (f" · {unknown} not told" if unknown else "")
    if behind:
        return Tile("Prices", f"{behind} of {len(lines)} behind", note, Level.LOOK, "#stations")
    if unknown == len(lines):
        return Tile("Prices", "not told", f"{whole(rows)} rows at the hub", Level.LOOK if lines else Level.FINE)
    return Tile("Prices", "current", note)


def _counted(n: int, one: str, many: str = "") -> str:
    return f"{whole(n) if n else 'no'} {one if n == 1 else many or one + 's'}"
