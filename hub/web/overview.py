"""The hub at a glance: asked of the store once, judged, and put into the words of the page's first line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from hub.store.baskets import BasketRow
from hub.store.kept import BackupStatus
from hub.store.stated_queries import NO_WORD, HqWord
from hub.store.store import HubStore
from hub.store.views import DeviceRow, RecentEvent, StationRow, Totals
from hub.web.catching_up import LITTLE, CatchingUp, StationProgress
from hub.web.enrolling import EnrolmentStatus
from hub.web.health import UNSENT_TOO_LONG_US, Health, Prices, StationLine, complete_to_us, judge
from hub.web.identities_judged import IdentityLine, State, judge_identities
from hub.web.outside import HqStatus, Outside
from hub.web.wording import clock_time, duration, plain, to_go, whole
from protocol.catalogue_set import SetHash
from protocol.handshake import Trouble
from protocol.identity import StationId

EVENTS_SHOWN: Final = 30
UNCOUNTED_SHOWN: Final = 20
LAG_WORTH_A_LOOK: Final = 1000
BACKUP_LATE_US: Final = 26 * 3_600_000_000
BACKUP_TOO_LATE_US: Final = 3 * 86_400_000_000
ARCHIVE_LATE_US: Final = 2 * 60_000_000
LIST_SHORT_US: Final = 30 * 86_400_000_000
"""The list of the revoked lasts forty days and is made anew each day."""
LIST_STALE_US: Final = 37 * 86_400_000_000
BASKET_TOO_LONG_US: Final = 30 * 60_000_000
"""A shopper who has not paid half an hour after the first scan is a matter for a person."""


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
    uncounted: tuple[RecentEvent, ...]
    totals: Totals
    head: SetHash
    hq: HqStatus | None
    broker_connected: bool
    contested: Mapping[str, tuple[int, ...]]
    catching_up: CatchingUp
    backup: BackupStatus | None = None
    hq_word: HqWord = NO_WORD
    enrolment: EnrolmentStatus | None = None
    identities: tuple[IdentityLine, ...] = ()
    baskets: tuple[BasketRow, ...] = ()
    """Those that tills have not closed, however long they are open."""
    broker_current: bool | None = None
    broker_list_until_us: int | None = None

    @property
    def right_to_us(self) -> int | None:
        """The time up to which the books hold all that was scanned; None while a station has not said."""
        return complete_to_us([line.row for line in self.stations])

    @property
    def forgotten_baskets(self) -> list[BasketRow]:
        """Those that are open for too long, or nobody can tell since when, and that nobody ended."""
        return [row for row in self.baskets if is_forgotten(row, self.now_us)]

    def progress(self, station: StationId) -> StationProgress | None:
        """How far a station's backlog is booked; None if it has none."""
        progress = self.catching_up.stations.get(station)
        return None if progress is None or progress.percent == 100 else progress

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """The first line."""
        return (
            _stations_tile(self.stations),
            _unsent_tile(self.stations),
            _right_tile(self),
            _held_back_tile(self.totals, len(self.contested)),
            _hq_tile(self.hq, self.hq_word),
            _prices_tile(self.stations, self.totals.catalogue_rows),
            *(() if self.backup is None else (_backup_tile(self.backup, self.now_us),)),
            *(() if self.enrolment is None else (_enrolled_tile(self.enrolment, self.identities),)),
            *(() if self.broker_current is None else (_broker_tile(self),)),
        )


async def glance(store: HubStore, outside: Outside, events: int = EVENTS_SHOWN) -> Glance:
    """Ask the store and the rest of the hub. Raises `TryAgain`."""
    now_us = outside.now_us()
    head = await store.catalogue_hash()
    devices = await store.devices()
    lines = judged(await store.stations(), devices, head, now_us)
    enrolling = outside.enrolling
    return Glance(
        now_us,
        lines,
        devices,
        await store.recent_events(events),
        # After the store's own, so that what its log brought meanwhile is shown once.
        outside.uncounted(UNCOUNTED_SHOWN),
        await store.totals(),
        head,
        outside.hq(),
        outside.broker_connected(),
        dict(outside.contested()),
        outside.catching_up(),
        None if outside.safekeeping is None else outside.safekeeping.status,
        await store.head_office.word(),
        None if enrolling is None else enrolling.status,
        () if enrolling is None else judge_identities(await store.identities.standings(), lines, now_us),
        await store.baskets(),
        outside.broker_current(),
        outside.broker_list_until_us(),
    )


def is_forgotten(row: BasketRow, now_us: int) -> bool:
    """Say whether a basket is open for too long, and nobody has said what became of it."""
    return row.ended is None and (row.from_us is None or now_us - row.from_us > BASKET_TOO_LONG_US)


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


def _right_tile(seen: Glance) -> Tile:
    label = "Books right up to"
    behind = seen.totals.fold_lag + seen.catching_up.to_come
    books = f"{whole(behind)} still to be booked" if behind else "all of it booked"
    if behind > LITTLE:
        books += to_go(seen.catching_up.seconds)
    level = Level.LOOK if behind > LAG_WORTH_A_LOOK else Level.FINE
    if seen.right_to_us is None:
        unmarked = [line.row.station for line in seen.stations if line.row.mark_us is None]
        return Tile(label, "unknown", f"no mark from {', '.join(unmarked[:3])}" if unmarked else books, level)
    return Tile(label, clock_time(seen.right_to_us, seen.now_us), f"UTC · {books}", level)


def _held_back_tile(totals: Totals, contested: int) -> Tile:
    note = f"{_counted(contested, 'conflict')} · {_counted(totals.losses, 'loss', 'losses')}"
    level = Level.ALARM if contested else Level.LOOK if totals.quarantined or totals.losses else Level.FINE
    value = f"{whole(totals.quarantined)} quarantined" if totals.quarantined else "nothing"
    return Tile("Held back", value, note, level, "/quarantine")


def _hq_tile(hq: HqStatus | None, word: HqWord) -> Tile:
    tile = _line_tile(hq)
    odd = word.conflicts + word.never
    if not odd or tile.level is Level.ALARM:
        return replace(tile, href="/head-office")
    value = _counted(word.conflicts, "conflict") if word.conflicts else "odd statement"
    return Tile(tile.label, value, f"its figures differ · {tile.value}", Level.LOOK, "/head-office")


def _line_tile(hq: HqStatus | None) -> Tile:
    label = "Head office"
    if hq is None:
        return Tile(label, "none", "this hub runs by itself")
    unsent = "backlog unknown" if hq.feed_backlog is None else f"{whole(hq.feed_backlog)} to be sent"
    if not hq.connected:
        why = "" if hq.trouble is None or hq.trouble is Trouble.NOT_REACHED else f"{hq.trouble} · "
        return Tile(label, "not reached", why + unsent, Level.ALARM)
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


def _backup_tile(status: BackupStatus, now_us: int) -> Tile:
    label = "Last backup"
    archive_us = None if status.archived_us is None else now_us - status.archived_us
    if archive_us is None:
        note = "nothing archived since the start"
    else:
        note = f"all archived {duration(archive_us)} ago"
    late = archive_us is None or archive_us > ARCHIVE_LATE_US
    if status.failure or status.archive_failure:
        note = f"failing: {plain(status.failure or status.archive_failure, 120)}"
    elif status.same_disk:
        note = "on the hub's own disk, with which it would be lost"
    level = Level.LOOK if late or status.failure or status.archive_failure or status.same_disk else Level.FINE
    if status.good_us is None:
        return Tile(label, "being made" if status.running else "none", note, Level.ALARM if status.failure else level)
    age_us = now_us - status.good_us
    if age_us > BACKUP_LATE_US:
        level = Level.ALARM if age_us > BACKUP_TOO_LATE_US else Level.LOOK
    return Tile(label, f"{duration(age_us)} ago", note, level)


def _counted(n: int, one: str, many: str = "") -> str:
    return f"{whole(n) if n else 'no'} {one if n == 1 else many or one + 's'}"


def _broker_tile(glance: Glance) -> Tile:
    """Say whether the broker goes by what the hub knows, and for how long it can."""
    label, until_us = "Broker's lists", glance.broker_list_until_us
    if until_us is None:
        return Tile(label, "not taken", "the broker has not said that it has read who may speak", Level.LOOK)
    left_us = until_us - glance.now_us
    if left_us <= 0:
        return Tile(label, "too old", "the broker lets nobody in", Level.ALARM)
    note = "read by the broker" if glance.broker_current else "the broker has yet to read the newest"
    # Made anew each day: one that is days old says that nobody takes them any more.
    level = Level.ALARM if left_us < LIST_SHORT_US else Level.LOOK if left_us < LIST_STALE_US else Level.FINE
    return Tile(label, f"good for {left_us // 86_400_000_000} days", note, level)


def _enrolled_tile(status: EnrolmentStatus, lines: Sequence[IdentityLine]) -> Tile:
    label, href = "Enrolled", "/stations"
    if status.failure:
        return Tile(label, "none can", plain(status.failure, 80), Level.ALARM, href)
    enrolled = sum(line.state is State.ENROLLED for line in lines)
    ran_out = sum(line.state is State.RUN_OUT for line in lines)
    late, awaited = sum(line.late for line in lines), sum(line.awaited for line in lines)
    said = [
        *([f"{ran_out} run out"] if ran_out else ()),
        *([f"{late} not renewed"] if late else ()),
        *([f"{awaited} awaited"] if awaited else ()),
    ]
    level = Level.ALARM if ran_out else Level.LOOK if late else Level.FINE
    return Tile(label, _counted(enrolled, "station"), " · ".join(said) or "nobody is awaited", level, href)
