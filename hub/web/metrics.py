"""`/metrics` for Prometheus: base units, prefix `shelfwire_`, labels for stations and devices and never for items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from hub.store.kept import BackupStatus
from hub.web.enrolling import EnrolmentStatus
from hub.web.health import READY, Health, Prices, StationLine
from hub.web.identities_judged import IdentityLine, State
from hub.web.overview import Glance
from protocol.state import MachineState, StationState

MEDIA_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
_SECOND_US: Final = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Gathered(Collector):
    """One scrape's answers, as metrics. Without equality, because a registry hashes its collectors."""

    glance: Glance
    listeners: int

    def collect(self) -> Iterator[Metric]:
        yield from self._books()
        yield from self._wires()
        yield from _stations(self.glance.stations)
        yield from _storage(self.glance.stations)
        yield from _machines(self.glance.stations)
        yield from _progress(self.glance)
        if self.glance.enrolment is not None:
            yield from _enrolment(self.glance.enrolment, self.glance.identities)
        if self.glance.backup is not None:
            yield from _second_keeping(self.glance.backup)
        devices = GaugeMetricFamily(
            "shelfwire_device_ready", "Whether a peripheral can be used.", labels=("station", "device", "kind")
        )
        figures = GaugeMetricFamily(
            "shelfwire_device_figure",
            "What a peripheral measures of itself, in the unit that its name ends in.",
            labels=("station", "device", "kind", "figure"),
        )
        for device in self.glance.devices:
            devices.add_metric((device.station, device.device, device.kind), device.state == READY)
            for figure, value in device.figures.items():
                figures.add_metric((device.station, device.device, device.kind, figure), value)
        yield devices
        yield figures

    def _books(self) -> Iterator[Metric]:
        totals = self.glance.totals
        yield CounterMetricFamily("shelfwire_entries_committed", "Entries committed.", totals.committed)
        yield CounterMetricFamily("shelfwire_entries_folded", "Entries passed by the fold.", totals.folded)
        yield CounterMetricFamily("shelfwire_movements", "Deltas, counts and reversals booked.", totals.movements)
        yield CounterMetricFamily("shelfwire_losses", "Records of entries that can never come.", totals.losses)
        for name, says, value in (
            ("quarantined_entries", "Entries held back.", totals.quarantined),
            ("fold_lag_entries", "Entries committed and not yet folded.", totals.fold_lag),
            ("log_bytes", "Size of the stored entries.", totals.chunk_bytes),
            ("store_file_bytes", "Size of the hub's file.", totals.file_bytes),
            ("catalogue_items", "Items in the live catalogue.", totals.items),
            ("catalogue_rows", "Rows of the live catalogue.", totals.catalogue_rows),
            ("stock_figures", "Items times areas that have books.", totals.scopes),
            ("stock_figures_negative", "Figures below zero.", totals.negative),
        ):
            yield GaugeMetricFamily(f"shelfwire_{name}", says, value)

    def _wires(self) -> Iterator[Metric]:
        glance = self.glance
        yield GaugeMetricFamily("shelfwire_broker_connected", "The store's broker is reached.", glance.broker_connected)
        if glance.broker_current is not None:
            says = "The store's broker is known to have taken who may speak and who no longer."
            yield GaugeMetricFamily("shelfwire_broker_current", says, glance.broker_current)
        if glance.broker_list_until_us is not None:
            yield GaugeMetricFamily(
                "shelfwire_broker_list_end_timestamp_seconds",
                "From then on the broker refuses everybody, its list of the revoked being too old.",
                glance.broker_list_until_us / _SECOND_US,
            )
        yield GaugeMetricFamily("shelfwire_contested_logs", "Logs with two live writers.", len(glance.contested))
        yield GaugeMetricFamily("shelfwire_page_listeners", "Pages kept up to date.", self.listeners)
        if glance.hq is not None:
            yield GaugeMetricFamily("shelfwire_hq_connected", "Head office's broker is reached.", glance.hq.connected)
            lag = GaugeMetricFamily(
                "shelfwire_hq_lag_entries", "Entries head office is not known to have.", labels=("log",)
            )
            for log, backlog in (("feed", glance.hq.feed_backlog), ("journal", glance.hq.journal_backlog)):
                if backlog is not None:
                    lag.add_metric((log,), backlog)
            yield lag
            word = glance.hq_word
            for name, says, value in (
                ("conflicts", "Figures of head office that differ and want an answer.", word.conflicts),
                ("statements_ahead", "Parts of statements that wait for the feed.", word.ahead),
                ("statements_unplaced", "Parts of statements of a feed that was never told.", word.never),
            ):
                yield GaugeMetricFamily(f"shelfwire_hq_{name}", says, value)


def _progress(glance: Glance) -> Iterator[Metric]:
    told = GaugeMetricFamily(
        "shelfwire_station_entries_told", "Entries the station told of, committed or not.", labels=("station",)
    )
    ratio = GaugeMetricFamily(
        "shelfwire_station_caught_up_ratio", "How much of the station's backlog is folded.", labels=("station",)
    )
    for station, progress in glance.catching_up.stations.items():
        told.add_metric((str(station),), progress.told)
        ratio.add_metric((str(station),), progress.percent / 100)
    yield from (told, ratio)
    yield GaugeMetricFamily("shelfwire_uncounted_scans", "Scans shown and not counted yet.", len(glance.uncounted))
    if glance.catching_up.seconds is not None:
        yield GaugeMetricFamily(
            "shelfwire_books_to_go_seconds", "Until all that was told is folded, about.", glance.catching_up.seconds
        )
    if glance.right_to_us is not None:
        yield GaugeMetricFamily(
            "shelfwire_books_right_to_timestamp_seconds",
            "The books hold all that was scanned before.",
            glance.right_to_us / _SECOND_US,
        )


def _second_keeping(status: BackupStatus) -> Iterator[Metric]:
    for name, says, at_us in (
        ("backup_good", "The moment that the newest whole backup shows.", status.good_us),
        ("archive", "All that was committed was archived.", status.archived_us),
    ):
        if at_us is not None:
            yield GaugeMetricFamily(f"shelfwire_{name}_timestamp_seconds", says, at_us / _SECOND_US)
    yield GaugeMetricFamily("shelfwire_backup_bytes", "Size of the newest whole backup.", status.good_bytes)
    yield GaugeMetricFamily("shelfwire_backups", "Whole backups on the medium.", status.backups)
    yield GaugeMetricFamily("shelfwire_backup_failing", "The last backup failed.", bool(status.failure))
    yield GaugeMetricFamily("shelfwire_archive_failing", "The medium takes no entries.", bool(status.archive_failure))


def _enrolment(status: EnrolmentStatus, lines: Iterable[IdentityLine]) -> Iterator[Metric]:
    yield GaugeMetricFamily("shelfwire_enrolment_failing", "No station can enrol.", bool(status.failure))
    if status.certificate_until_us is not None:
        yield GaugeMetricFamily(
            "shelfwire_enrolment_certificate_end_timestamp_seconds",
            "The certificate that the hub shows stations runs out.",
            status.certificate_until_us / _SECOND_US,
        )
    refused = CounterMetricFamily(
        "shelfwire_enrolment_refused", "What was asked for and not given since the hub's start.", labels=("problem",)
    )
    for problem, times in sorted(status.refused.items()):
        refused.add_metric((problem,), times)
    yield refused
    yield CounterMetricFamily(
        "shelfwire_enrolment_turned_away", "Connections beyond what is taken.", status.turned_away
    )
    states = GaugeMetricFamily("shelfwire_identities", "Identities by their state.", labels=("state",))
    ends = GaugeMetricFamily(
        "shelfwire_identity_certificate_end_timestamp_seconds",
        "The newest certificate of a live identity runs out.",
        labels=("identity", "position"),
    )
    count = Counter(line.state for line in lines)
    for state in State:
        states.add_metric((state.value,), count[state])
    for line in lines:
        if line.newest is not None and not line.over:
            standing = line.standing
            ends.add_metric((standing.identity, standing.terms.position), line.newest.not_after_us / _SECOND_US)
    yield from (states, ends)


def exposition(gathered: Gathered) -> bytes:
    """Write the text format, version 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(gathered)
    return generate_latest(registry)


def _stations(lines: Iterable[StationLine]) -> Iterator[Metric]:
    station = ("station",)
    health = GaugeMetricFamily(
        "shelfwire_station_health", "1 for the one that holds: ok, degraded, silent.", labels=("station", "health")
    )
    prices = GaugeMetricFamily(
        "shelfwire_station_catalogue_current", "The station's catalogue is the hub's.", labels=station
    )
    seen = GaugeMetricFamily("shelfwire_station_last_seen_timestamp_seconds", "Last heard of.", labels=station)
    mark = GaugeMetricFamily("shelfwire_station_mark_timestamp_seconds", "Nothing older is unsent.", labels=station)
    backlog = GaugeMetricFamily("shelfwire_station_backlog_entries", "Entries last told unsent.", labels=station)
    held = GaugeMetricFamily("shelfwire_station_quarantined_entries", "Entries held back.", labels=station)
    lost = CounterMetricFamily("shelfwire_station_losses", "Records of entries that can never come.", labels=station)
    committed = CounterMetricFamily("shelfwire_station_entries_committed", "Entries committed.", labels=station)
    folded = CounterMetricFamily("shelfwire_station_entries_folded", "Entries passed by the fold.", labels=station)
    for line in lines:
        row = line.row
        name = (str(row.station),)
        for each in Health:
            health.add_metric((*name, each.value), line.health is each)
        if line.prices is not Prices.UNKNOWN:
            prices.add_metric(name, line.prices is Prices.CURRENT)
        if row.last_seen_us is not None:
            seen.add_metric(name, row.last_seen_us / _SECOND_US)
        if row.mark_us is not None:
            mark.add_metric(name, row.mark_us / _SECOND_US)
        if row.backlog is not None:
            backlog.add_metric(name, row.backlog)
        held.add_metric(name, row.quarantined)
        lost.add_metric(name, row.losses)
        committed.add_metric(name, row.committed)
        folded.add_metric(name, row.folded)
    yield from (health, prices, seen, mark, backlog, held, lost, committed, folded)


def _storage(lines: Iterable[StationLine]) -> Iterator[Metric]:
    """What stations say of their cards and logs; a figure that one does not tell is left out."""
    says = {line.row.station: line.row.report for line in lines if line.row.report is not None}
    for name, text, tell in _STORAGE:
        gauge = GaugeMetricFamily(f"shelfwire_station_{name}", text, labels=("station",))
        for station, report in says.items():
            value = tell(report)
            if value is not None:
                gauge.add_metric((str(station),), value)
        yield gauge


_STORAGE: Final[tuple[tuple[str, str, Callable[[StationState], float | None]], ...]] = (
    ("sync_p50_seconds", "Median of recent syncs of the stock log.", lambda one: one.sync_p50_us / _SECOND_US),
    ("sync_p99_seconds", "99th percentile of those.", lambda one: one.sync_p99_us / _SECOND_US),
    ("backlog_age_seconds", "Age of the oldest entry not at the hub.", lambda one: one.backlog_age_s),
    ("log_refused", "Appends refused by the stock log since the agent's start.", lambda one: one.log_refused),
    ("chatter_dropped", "Chatter not logged since the agent's start.", lambda one: one.chatter_dropped),
    ("chatter_thinned", "Chatter not logged for want of room.", lambda one: one.chatter_thinned),
    ("written_day_bytes", "What the logs write in a day at today's pace.", lambda one: one.written_day_bytes),
    ("free_bytes", "Free on the station's disk.", lambda one: one.free_bytes),
    ("room_seconds", "How long the stock log lasts at today's pace.", lambda one: _seconds(one.room_hours)),
    ("reserve_missing_bytes", "Given up of the reserve.", lambda one: one.reserve_missing_bytes),
)


def _machines(lines: Iterable[StationLine]) -> Iterator[Metric]:
    """What stations say of their machines; what one does not know is left out, for it is not 0."""
    says = {line.row.station: line.row.report.machine for line in lines if line.row.report is not None}
    for name, text, tell in _MACHINE:
        gauge = GaugeMetricFamily(f"shelfwire_station_{name}", text, labels=("station",))
        for station, machine in says.items():
            value = None if machine is None else tell(machine)
            if value is not None:
                gauge.add_metric((str(station),), value)
        yield gauge


_MACHINE: Final[tuple[tuple[str, str, Callable[[MachineState], float | None]], ...]] = (
    ("undervoltage", "1: too little voltage now.", lambda one: one.undervoltage),
    (
        "undervoltage_since_boot",
        "1: too little voltage at some time since its start.",
        lambda one: one.undervoltage_since_boot,
    ),
    ("throttled", "1: slowed down, by heat or for want of power.", lambda one: one.throttled),
    ("throttled_since_boot", "1: slowed down at some time since its start.", lambda one: one.throttled_since_boot),
    ("temperature_celsius", "Of its processor.", lambda one: _thousandths(one.temperature_milli_c)),
    (
        "update_failed",
        "1: its last update fell back.",
        lambda one: bool(one.update_failed) if one.slot else None,
    ),
    ("disk_errors", "Errors that its file systems noted.", lambda one: one.disk_errors),
    ("disk_read_only", "1: the disk with the logs takes nothing any more.", lambda one: one.disk_read_only),
    ("card_used_ratio", "Used of its eMMC's life.", lambda one: _hundredths(one.card_used_percent)),
    ("card_spare_low", "1: the spare blocks of its eMMC run out.", lambda one: one.card_spare_low),
    ("usb_lost", "USB devices gone or enumerated anew since the agent's start.", lambda one: one.usb_lost),
    ("memory_bytes", "Memory of the machine.", lambda one: one.memory_bytes),
    ("memory_free_bytes", "Of that, free for programs.", lambda one: one.memory_free_bytes),
)


def _thousandths(value: int | None) -> float | None:
    return None if value is None else value / 1000


def _hundredths(value: int | None) -> float | None:
    return None if value is None else value / 100


def _seconds(hours: int | None) -> int | None:
    return None if hours is None else hours * 3600
