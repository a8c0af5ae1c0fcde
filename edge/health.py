"""Says how the station is: to its hub as a `StationState`, to till software as `HealthAnswer`."""

from __future__ import annotations

import os

from edge.api.messages import CatalogueAnswer, HealthAnswer, HubAnswer, LogAnswer, status_answer
from edge.buffer.api import StationLog
from edge.catalogue.api import Catalogue
from edge.clock import Clock
from edge.runner.runner import Runner
from edge.settings import Settings
from edge.uplink.uplink import Drained
from protocol.state import CatalogueState, DeviceState, StationState


class HealthDesk:
    """Asks every part; used while all of them are open."""

    def __init__(
        self,
        settings: Settings,
        version: str,
        clock: Clock,
        runner: Runner,
        stock: StationLog,
        chatter: StationLog,
        catalogue: Catalogue,
    ) -> None:
        self._settings = settings
        self._version = version
        self._clock = clock
        self._runner = runner
        self._stock = stock
        self._chatter = chatter
        self._catalogue = catalogue

    def state(self, drained: Drained, held: CatalogueState | None) -> StationState:
        """Describe the station to its hub."""
        now = self._clock.now()
        status = self._runner.status
        return StationState(
            state="online",
            at_us=now.wall_us,
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
            sync_p99_us=self._stock.stats.sync_p99_us,
            free_bytes=self._free_bytes(),
            catalogue=held,
            devices=tuple(
                DeviceState(one.device, one.kind, one.status, one.note, dict(one.figures)) for one in status.devices
            ),
        )

    def health(self, connected: bool, drained: Drained) -> HealthAnswer:
        """Describe the station to till software and technicians."""
        now = self._clock.now()
        at = self._catalogue.position
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
            stock=_log_answer(self._stock),
            chatter=_log_answer(self._chatter),
            catalogue=held,
            hub=HubAnswer(connected, drained.standing),
        )

    def _free_bytes(self) -> int | None:
        try:
            disk = os.statvfs(self._settings.data_dir)
        except OSError:
            return None
        return disk.f_bavail * disk.f_frsize


def _log_answer(log: StationLog) -> LogAnswer:
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
    )
