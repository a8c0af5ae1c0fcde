"""Keeps the hub's file a second time: the archive as it grows, a backup each night, and how both stand; and with them
the folder of the store's authority, where it has one.

Neither ever stops the hub. A medium that is full, slow or not there is a state that is shown, and is tried again.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from hub.errors import BadInput, TryAgain
from hub.folder_copy import copy_on, keep_folder
from hub.settings import BackupSettings
from hub.store.archive import Archive
from hub.store.backing_up import take_backup
from hub.store.copying import Cancelled
from hub.store.engine import StoreDamaged
from hub.store.kept import BackupStatus
from hub.store.manifest import Backup, backups_in, prune
from hub.store.restoring import stamp
from hub.store.seats import Seat
from hub.store.store import HubStore
from hub.store.worker import Worker
from protocol.identity import StoreId

RETRY_S = 600.0
"""After a backup that failed."""
LOOK_EVERY_S = 20.0
ARCHIVE_RETRY_S = 20.0
_DAY_US = 86_400_000_000
_MINUTE_US = 60_000_000
_AHEAD_US = 10 * _MINUTE_US

_log = logging.getLogger(__name__)


class Safekeeping:
    """Runs beside the hub's other parts while its store is open; `seat` is where it lives."""

    def __init__(
        self,
        store: HubStore,
        seat: Seat,
        name: StoreId,
        medium: Path,
        settings: BackupSettings,
        now_us: Callable[[], int],
        authority: Path | None = None,
    ) -> None:
        """`authority` is the folder of the store's, which need not be there."""
        self._authority = authority
        self._store = store
        self._seat = seat
        self._name = name
        self._medium = medium
        self._settings = settings
        self._now_us = now_us
        self._archive = Archive(store, name, medium)
        self._thread = Worker("hub-backup")
        self._one = asyncio.Lock()
        self._stop = threading.Event()
        self._asked = False
        self._look_now = asyncio.Event()
        self._good_life: str | None = None
        self._status = BackupStatus(str(medium))

    @property
    def status(self) -> BackupStatus:
        """How it stands."""
        return self._status

    def back_up_soon(self) -> None:
        """Have a backup made now, whatever the time; `status` tells of it."""
        self._asked = True
        self._look_now.set()

    async def run(self) -> None:
        """Keep on until cancelled; what is under way is then given up."""
        try:
            # First, because a backup tells of which life's archive it is the beginning.
            await self._tell_archive()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_archive(), name="archive")
                group.create_task(self._keep_backups(), name="backups")
        finally:
            self._stop.set()
            await asyncio.shield(self._close())

    async def _close(self) -> None:
        self._thread.stop()
        await self._archive.close()

    # The archive

    async def _keep_archive(self) -> None:
        while True:
            # Before it is told: what is decided meanwhile is news.
            seen = self._store.journal.view.head
            pause_s = await self._tell_archive()
            try:
                # What people decided is in no station's log: it does not wait for its turn.
                async with asyncio.timeout(pause_s):
                    await self._store.journal.wait_grown(seen)
            except TimeoutError:
                pass

    async def _tell_archive(self) -> float:
        """Archive all there is; give how long to wait then, in seconds."""
        life = self._archive.life
        try:
            async with self._one:
                while await self._archive.tell():
                    pass
                if self._authority is not None:
                    folder, copy = self._authority, copy_on(self._medium, self._name)
                    await self._thread.run(lambda: keep_folder(folder, copy))
        except (TryAgain, BadInput, StoreDamaged) as error:
            if self._status.archive_failure != str(error):
                _log.error("not archived", extra={"error": str(error)})
            self._status = replace(self._status, archive_failure=str(error))
            return ARCHIVE_RETRY_S
        if self._status.archive_failure:
            _log.info("archived again")
        self._status = replace(self._status, archived_us=self._now_us(), archive_failure="")
        if self._archive.life != life:
            self._look_now.set()
        return self._settings.archive_every_s

    # Backups

    async def _keep_backups(self) -> None:
        await self._look()
        while True:
            pause_s = LOOK_EVERY_S
            self._look_now.clear()
            if self._is_due():
                self._asked = False
                if not await self._back_up():
                    pause_s = RETRY_S
            try:
                async with asyncio.timeout(pause_s):
                    await self._look_now.wait()
            except TimeoutError:
                pass

    def _is_due(self) -> bool:
        """Say whether one is asked for, or the last good one is older than last night or of another life."""
        status, life = self._status, self._archive.life
        if self._asked or status.good_us is None or (life is not None and life != self._good_life):
            return True
        hours, minutes = map(int, self._settings.at.split(":"))
        of_day_us = (hours * 60 + minutes) * _MINUTE_US
        last_due_us = (self._now_us() - of_day_us) // _DAY_US * _DAY_US + of_day_us
        return status.good_us < last_due_us

    async def _back_up(self) -> bool:
        """Make a backup and remove what is not to be kept; say whether it is good."""
        self._status = replace(self._status, running=True)
        try:
            if self._archive.life is None:
                # A backup says which life's archive goes on from it.
                await self._tell_archive()
            await self._archive.turn()
            began_us = self._now_us()
            to = await self._thread.run(lambda: self._free_name(began_us))
            manifest = await self._thread.run(
                lambda: take_backup(self._seat, to, self._name, self._now_us, self._archive.segment, self._stop.is_set)
            )
            _log.info("backed up", extra={"file": str(to), "bytes": manifest.bytes})
            kept = await self._thread.run(lambda: prune(self._medium, self._name, self._settings.keep))
            await self._archive.prune(_oldest_segments(kept))
        except (TryAgain, BadInput, StoreDamaged, Cancelled, OSError) as error:
            if self._status.failure != str(error) and not self._stop.is_set():
                _log.error("not backed up", extra={"error": str(error)})
            self._status = replace(self._status, running=False, failure=str(error), failed_us=self._now_us())
            return False
        self._status = replace(self._status, running=False, failure="", failed_us=None)
        await self._look()
        return True

    def _free_name(self, at_us: int) -> Path:
        """Name a backup by its second, or, where one of that second is there already, by the next that is free."""
        while (to := self._medium / f"{self._name}-{stamp(at_us)}.db").exists():
            at_us += 1_000_000
        return to

    async def _look(self) -> None:
        """Find out what is on the medium."""
        try:
            found = await self._thread.run(lambda: backups_in(self._medium, self._name))
            same_disk = await self._thread.run(
                lambda: self._medium.stat().st_dev == self._seat.path.parent.stat().st_dev
            )
        except (TryAgain, OSError) as error:
            self._status = replace(self._status, failure=str(error), failed_us=self._now_us())
            return
        # One that a wrong clock dated ahead must not stand for those of all the nights till then.
        known_us = self._now_us() + _AHEAD_US
        newest = next((each for each in reversed(found) if each.manifest.at_us <= known_us), None)
        self._good_life = None if newest is None else newest.manifest.life
        self._status = replace(
            self._status,
            backups=len(found),
            good_us=None if newest is None else newest.manifest.at_us,
            good_file="" if newest is None else newest.path.name,
            good_bytes=0 if newest is None else newest.manifest.bytes,
            same_disk=same_disk,
        )


def _oldest_segments(kept: tuple[Backup, ...]) -> dict[str, int]:
    """Name the first segment of each life that a backup still needs."""
    oldest: dict[str, int] = {}
    for backup in reversed(kept):
        life = backup.manifest.life
        if life is not None:
            oldest[life] = backup.manifest.segment or 0
    return oldest
