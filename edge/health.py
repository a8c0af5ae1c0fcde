"""Says how the station is: to its hub as a `StationState`, to till software as `HealthAnswer`."""

from __future__ import annotations

from collections.abc import Callable

from edge.api.health_messages import CatalogueAnswer, HealthAnswer, HubAnswer, LogAnswer, StorageAnswer, standing_answer
from edge.api.messages import status_answer
from edge.buffer.api import StationLog
from edge.catalogue.api import Catalogue
from edge.clock import Clock
from edge.configuring.desk import SettingsDesk
from edge.enrol.api import Enrolling
from edge.machine import MachineDesk
from edge.runner.runner import Runner
from edge.settings import Settings
from edge.storage import StorageDesk
from edge.uplink.uplink import Drained
from protocol.events import When
from protocol.state import CatalogueState, DeviceState, StationState


class HealthDesk:
    """Asks every part; used while all of them are open."""

    def __init__(
        self,
        settings: Settings,
        version: str,
        clock: Clock,
        utc_us: Callable[[When], int],
        runner: Runner,
        stock: StationLog,
        chatter: StationLog,
        catalogue: Catalogue,
        storage: StorageDesk,
        enrol: Enrolling | None = None,
        given: SettingsDesk | None = None,
        machine: MachineDesk | None = None,
    ) -> None:
        """`utc_us` says what UTC a moment was, as far as the station knows. `enrol`: None where settings name us;
        `given` knows what the hub has us set to."""
        self._settings = settings
        self._version = version
        self._clock = clock
        self._utc_us = utc_us
        self._runner = runner
        self._stock = stock
        self._chatter = chatter
        self._catalogue = catalogue
        self._storage = storage
        self._enrol = enrol
        self._given = given
        self._machine = machine

    def state(self, drained: Drained, held: CatalogueState | None) -> StationState:
        """Describe the station to its hub."""
        now = self._clock.now()
        status = self._runner.status
        stock, pace = self._stock.stats, self._storage.pace
        oldest_us, now_us = stock.oldest_unacked_us, self._utc_us(now)
        return StationState(
            state="online",
            at_us=now_us,
            place=self._settings.place,
            mode=status.mode.value,
            version=self._version,
            boot=now.boot,
            synced=now.synced,
            backlog=drained.stock,
            chatter_backlog=drained.chatter,
            standing=drained.standing,
            accepted=status.accepted,
            refused=status.rejected,
            sync_p99_us=stock.sync_p99_us,
            free_bytes=self._storage.free_bytes,
            sync_p50_us=stock.sync_p50_us,
            backlog_age_s=None if oldest_us is None else max(0, now_us - oldest_us) // 1_000_000,
            log_refused=stock.refused,
            chatter_dropped=status.chatter_dropped,
            chatter_thinned=status.chatter_thinned,
            written_day_bytes=None if pace is None else pace.written_day_bytes,
            measured_s=0 if pace is None else pace.over_s,
            room=self._storage.room.value,
            room_hours=self._storage.room_hours,
            reserve_missing_bytes=stock.reserve_missing_bytes,
            catalogue=held,
            devices=tuple(
                DeviceState(one.device, one.kind, one.status, one.note, dict(one.figures)) for one in status.devices
            ),
            settings=None if self._given is None else self._given.state,
            machine=None if self._machine is None else self._machine.state,
        )

    def health(self, connected: bool, drained: Drained, trouble: str | None = None) -> HealthAnswer:
        """Describe the station to till software and technicians."""
        now = self._clock.now()
        at, pace = self._catalogue.position, self._storage.pace
        held = None
        if at is not None:
            held = CatalogueAnswer(
                str(at.epoch),
                at.seq,
                self._catalogue.count,
                str(self._catalogue.set_hash),
                self._catalogue.quarantined,
            )
        return HealthAnswer(
            store=self._settings.store,
            station=self._settings.station,
            version=self._version,
            boot=now.boot,
            up_us=now.up_us,
            clock_synced=now.synced,
            status=status_answer(self._runner.status),
            stock=log_answer(self._stock),
            chatter=log_answer(self._chatter),
            storage=StorageAnswer(
                room=self._storage.room.value,
                free_bytes=self._storage.free_bytes,
                measured_s=0 if pace is None else pace.over_s,
                written_day_bytes=None if pace is None else pace.written_day_bytes,
                room_hours=self._storage.room_hours,
            ),
            catalogue=held,
            hub=HubAnswer(connected, drained.standing, trouble),
            enrolment=None if self._enrol is None else standing_answer(self._enrol.standing),
            settings=None if self._given is None else self._given.state,
            machine=None if self._machine is None else self._machine.state,
        )


def log_answer(log: StationLog) -> LogAnswer:
    """Describe one of the station's logs, as it is now."""
    head, stats = log.view.head, log.stats
    return LogAnswer(
        epoch=str(head.epoch),
        head=head.seq,
        entries=stats.entries,
        unacked=stats.unacked,
        bytes_on_disk=stats.bytes_on_disk,
        refused=stats.refused,
        sync_p50_us=stats.sync_p50_us,
        sync_p99_us=stats.sync_p99_us,
        oldest_unacked_us=stats.oldest_unacked_us,
        stored_bytes=stats.stored_bytes,
        written_bytes=stats.written_bytes,
        room_bytes=stats.room_bytes,
        reserve_bytes=stats.reserve_bytes,
        reserve_missing_bytes=stats.reserve_missing_bytes,
    )
