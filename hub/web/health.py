"""What a station's figures mean: whether it is well, what is not, whether its prices are the hub's. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hub.store.views import DeviceRow, StationRow
from hub.web.wording import duration, plain
from protocol.catalogue_set import SetHash
from protocol.state import MachineState, StationState

SILENT_AFTER_US: Final = 3 * 60_000_000
UNSENT_TOO_LONG_US: Final = 15 * 60_000_000
LITTLE_SPACE_BYTES: Final = 256 * 1024 * 1024
SLOW_SYNC_US: Final = 100_000
LITTLE_ROOM_HOURS: Final = 24
READY: Final = "ready"
HOT_MILLI_C: Final = 80_000
"""At 80 °C a Raspberry Pi begins to slow down (its documentation, "Frequency management and thermal control")."""
WORN_PERCENT: Final = 80
LITTLE_MEMORY_BYTES: Final = 32 * 1024 * 1024

_STANDINGS: Final = {
    "held": "held: another copy of its log is alive, and a person must choose",
    "sealed": "sealed: another copy of its log was chosen, this one is taken no more",
}


class Health(StrEnum):
    """How a station is."""

    OK = "ok"
    DEGRADED = "degraded"
    SILENT = "silent"


class Prices(StrEnum):
    """Whether a station's catalogue is the hub's, by the hash of the set."""

    CURRENT = "current"
    BEHIND = "behind"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class StationLine:
    """A station with its judgement; `reasons` say in words why it is not ok.

    `unsent_us` bounds the age of its oldest unsent entry, None if nothing is unsent or nobody knows.
    """

    row: StationRow
    health: Health
    reasons: tuple[str, ...]
    prices: Prices
    unsent_us: int | None

    @property
    def standing(self) -> str:
        """How replication of its stock log stands, in the station's word; "" before it said."""
        return "" if self.row.report is None else self.row.report.standing


def judge(row: StationRow, devices: Iterable[DeviceRow], head: SetHash, now_us: int) -> StationLine:
    """Judge one station; `devices` are its own, `head` is the hash of the hub's live catalogue rows."""
    unsent_us = None
    if row.backlog and row.mark_us is not None:
        unsent_us = max(0, now_us - row.mark_us)
    silence = _silence(row, now_us)
    reasons = [silence] if silence else [*_complaints(row, devices, unsent_us)]
    health = Health.SILENT if silence else Health.DEGRADED if reasons else Health.OK
    return StationLine(row, health, tuple(reasons), _prices(row, head), unsent_us)


def complete_to_us(rows: Sequence[StationRow]) -> int | None:
    """Give the time before which nothing is on its way any more; None while a station has not said."""
    marks = [row.mark_us for row in rows]
    known = [mark for mark in marks if mark is not None]
    return min(known) if known and len(known) == len(marks) else None


def _silence(row: StationRow, now_us: int) -> str:
    if row.last_seen_us is None:
        return "never heard of"
    quiet_us = now_us - row.last_seen_us
    if row.state == "offline":
        return f"offline for {duration(quiet_us)}"
    if quiet_us < -SILENT_AFTER_US:
        # Else it would pass for well until then.
        return "last heard by a clock that has been set back since"
    return f"nothing heard for {duration(quiet_us)}" if quiet_us > SILENT_AFTER_US else ""


def _complaints(row: StationRow, devices: Iterable[DeviceRow], unsent_us: int | None) -> Iterable[str]:
    report = row.report
    if report is not None and report.standing in _STANDINGS:
        yield _STANDINGS[report.standing]
    if unsent_us is not None and unsent_us > UNSENT_TOO_LONG_US:
        yield f"unsent for {duration(unsent_us)}"
    for device in devices:
        if device.state != READY:
            yield f"{plain(device.device, 40)} {plain(device.state, 40)}"
    if report is not None and report.free_bytes is not None and report.free_bytes < LITTLE_SPACE_BYTES:
        yield f"{report.free_bytes // 1_000_000} MB left on its disk"
    settings = None if report is None else report.settings
    if settings is not None and settings.failed and settings.failed == settings.held:
        yield f"new settings failed: {plain(settings.reason, 80)}"
    if report is not None:
        yield from _storage_complaints(report)
        if report.machine is not None:
            yield from _machine_complaints(report.machine)


def _storage_complaints(report: StationState) -> Iterable[str]:
    if report.reserve_missing_bytes > 0:
        yield "its disk is full: it lives on its reserve"
    if report.log_refused > 0:
        yield f"its log refused {report.log_refused:,} times since its start"
    if report.room == "scarce" and report.chatter_thinned > 0:
        yield f"short of room: {report.chatter_thinned:,} weights and refusals not logged"
    if report.room_hours is not None and report.room_hours < LITTLE_ROOM_HOURS:
        yield f"room for {max(0, report.room_hours)} h at today's rate"
    if report.sync_p99_us >= SLOW_SYNC_US:
        yield f"slow disk: a sync takes up to {report.sync_p99_us // 1000:,} ms"


def _machine_complaints(machine: MachineState) -> Iterable[str]:
    if machine.disk_read_only:
        yield "its disk takes nothing any more: replace the card"
    if machine.disk_errors:
        yield f"its file system noted {machine.disk_errors:,} errors"
    if machine.card_spare_low or (machine.card_used_percent or 0) >= WORN_PERCENT:
        used = "" if machine.card_used_percent is None else f": {machine.card_used_percent} % of its life is used"
        yield f"its card is worn out{used}"
    if machine.undervoltage:
        yield "too little voltage now: look at its power supply"
    elif machine.undervoltage_since_boot:
        yield "too little voltage since its start: look at its power supply"
    if machine.throttled:
        yield "it is slowed down, by heat or for want of power"
    if (machine.temperature_milli_c or 0) >= HOT_MILLI_C:
        yield f"{(machine.temperature_milli_c or 0) // 1000} °C hot"
    if machine.memory_free_bytes is not None and machine.memory_free_bytes < LITTLE_MEMORY_BYTES:
        yield f"{machine.memory_free_bytes // 1_000_000} MB of memory left"
    if machine.update_failed:
        yield f"an update fell back: {plain(machine.update_failed, 160)}"
    if machine.boot_file:
        yield plain(machine.boot_file, 160)


def _prices(row: StationRow, head: SetHash) -> Prices:
    if row.report is None or row.report.catalogue is None:
        return Prices.UNKNOWN
    return Prices.CURRENT if row.report.catalogue.set_hash == str(head) else Prices.BEHIND
