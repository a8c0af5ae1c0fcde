"""Puts a backup, and what was archived after it, in the place of the hub's file; or the same file with its books anew.

What is to be the file is made beside it under another name, checked, and only then takes its place
(`hub.store.holding`); the file that was there is set aside. Killed at any moment, the hub has the one or the other.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from hub.errors import BadInput, ContractBroken, TryAgain
from hub.store import lives
from hub.store.archive import ARCHIVE, segments_from
from hub.store.archive_files import read_segment, segments_in
from hub.store.archive_rounds import Part, Round
from hub.store.backing_up import check_file
from hub.store.engine import StoreDamaged
from hub.store.epochs import JOURNAL
from hub.store.holding import being_made, discard
from hub.store.manifest import Manifest, backups_in, read_manifest, sha256_of
from hub.store.rebuilding import Difference, recompute
from hub.store.seats import FileSeat, Seat
from hub.store.sqlite_file import named, on_sqlite
from hub.store.store import HubStore
from hub.store.withdrawing import still_said, transfers_said, withdrawals
from protocol.decisions import TransferSaid
from protocol.identity import StoreId
from protocol.variable_measure import CodeRules

_FOLD_ENTRIES = 20_000
_LOOK_AGAIN_S = 0.2


@dataclass(frozen=True, slots=True)
class Place:
    """A store: where it is, whose, by which rules its labels are read, and the clock."""

    seat: Seat
    store: StoreId
    rules: CodeRules
    now_us: Callable[[], int]

    def open(self, path: Path) -> HubStore:
        """Make the store of another file as if it were this."""
        return HubStore(path, self.store, self.now_us, self.rules)


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of a restore.

    The file is as at `as_of_us` (UTC; None where there is no manifest to tell): the backup and `entries` archived after
    it. `aside` is where the old file is, None if there was none; `gap` says why the archive was left early, "" if not.
    """

    as_of_us: int | None
    entries: int
    aside: Path | None
    gap: str


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of a rebuild: where the books differed, and where the old file is; None if it was left as it is."""

    differences: tuple[Difference, ...]
    aside: Path | None


async def restore(
    place: Place, backup: Path, medium: Path | None, until_us: int | None, to_go: Callable[[int], None]
) -> Restored:
    """Restore `backup` and what is archived on `medium` after it, up to `until_us` (UTC) if that is said.

    `to_go` is told the entries that are still to be booked. What was decided later is taken back at head office, but
    for what was said of identities and of lost baskets: who was revoked stays so. Raises `BadInput` ("no-backup",
    "damaged-backup", "other-store", "bad-manifest", "too-late"), `StoreDamaged`, `TryAgain` (the hub runs; no room; the
    disk). The file is as it was then.
    """
    manifest = _manifest_for(place, backup)
    if until_us is not None and (manifest is None or manifest.at_us > until_us):
        raise BadInput("too-late", "the backup is not known to be older than that: choose an older one")
    with place.seat.held():
        prepared = being_made(place.seat.path)
        try:
            _copy_backup(backup, prepared, manifest)
            as_of_us, entries, gap = None if manifest is None else manifest.at_us, 0, ""
            is_later, left_out, gone = False, list[Part](), list[TransferSaid]()
            async with place.open(prepared) as store:
                try:
                    async for group in _archived(store, place.store, manifest, medium):
                        # All that follows is later, too, whatever a clock that was set back says of it.
                        is_later = is_later or (until_us is not None and group[-1].at_us > until_us)
                        if is_later:
                            left_out += (part for told in group for part in told.parts if part.log == JOURNAL)
                        else:
                            entries += await store.keeping.replay(group)
                            as_of_us = max(as_of_us or 0, group[-1].at_us)
                except (_BrokenOff, BadInput) as error:
                    gap = str(error)
                await store.keeping.begin_epochs()
                if until_us is not None:
                    # Head office heard more than is in the file now, and must not go on believing it.
                    await store.keeping.unfold()
                    feed, journal = store.feed.view.head.epoch, store.journal.view
                    gone = transfers_said(left_out, journal)
                    await store.feed.append(list(withdrawals(place.store, feed, left_out, journal)))
                    await store.journal.append(list(still_said(left_out, journal)))
                await _fold(store, to_go)
                await store.keeping.withdraw(gone)
            return Restored(as_of_us, entries, _put_in_place(place, prepared), gap)
        except OSError as error:
            raise TryAgain(f"{place.seat.path}: {error.strerror or error}") from error
        finally:
            discard(prepared)


async def rebuild(place: Place, to_go: Callable[[int], None], *, anyway: bool = False) -> Rebuilt:
    """Make the books anew from the stored lines if they differ, or `anyway`; `to_go` is told the entries left.

    Raises `BadInput` ("no-store"), `StoreDamaged`, `TryAgain` (the hub runs; no room; the disk; entries that were never
    folded). The file is as it was then.
    """
    with place.seat.held():
        differences = () if anyway else compare(place, wait_s=0)
        if not (differences or anyway):
            return Rebuilt((), None)
        prepared = being_made(place.seat.path)
        try:
            with place.seat.looking() as sql:
                place.seat.copy(sql, prepared, 0.0, lambda: False)
            async with place.open(prepared) as store:
                await store.keeping.unfold()
                await _fold(store, to_go)
            still = compare(replace(place, seat=FileSeat(prepared)), wait_s=0)
            if still:
                raise StoreDamaged(f"{still[0]} and {len(still) - 1} more differ even when made anew")
            return Rebuilt(differences, _put_in_place(place, prepared))
        except sqlite3.DatabaseError as error:
            raise named(error) from error
        except OSError as error:
            raise TryAgain(f"{place.seat.path}: {error.strerror or error}") from error
        finally:
            discard(prepared)


def compare(place: Place, wait_s: float) -> tuple[Difference, ...]:
    """Recompute the books from the stored lines, of one moment, beside a hub that may run; say where they differ.

    A moment at which all is folded is waited for, `wait_s` at most. Blocks; holds all entries in memory. Raises
    `BadInput` ("no-store", "older-store", "newer-store"), `TryAgain`, `StoreDamaged`.
    """
    deadline_s = time.monotonic() + wait_s
    while True:
        try:
            with place.seat.looking() as sql:
                place.seat.check_current(sql)
                return recompute(sql, place.rules)
        except (ContractBroken, TypeError, KeyError, ValueError) as error:
            # Rows that nothing of ours could have written.
            raise StoreDamaged(f"the books contradict themselves, and can only be made anew: {error!r}") from error
        except TryAgain:
            if time.monotonic() >= deadline_s:
                raise
            time.sleep(_LOOK_AGAIN_S)


def stamp(at_us: int) -> str:
    """Write a time as file names have it: 20261122T033000Z."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y%m%dT%H%M%SZ")


def _manifest_for(place: Place, backup: Path) -> Manifest | None:
    if not backup.is_file():
        raise BadInput("no-backup", f"there is no file {backup}")
    manifest = read_manifest(backup)
    if manifest is not None and manifest.store != place.store:
        raise BadInput("other-store", f"{backup} is of {manifest.store}, not of {place.store}")
    return manifest


def _copy_backup(backup: Path, prepared: Path, manifest: Manifest | None) -> None:
    there, size = os.statvfs(prepared.parent), backup.stat().st_size
    if there.f_bavail * there.f_frsize < size:
        raise TryAgain(f"no room in {prepared.parent}: {size // 1_000_000} MB wanted")
    shutil.copyfile(backup, prepared)
    if manifest is not None and sha256_of(prepared) != manifest.sha256:
        raise BadInput("damaged-backup", f"{backup} is not what its manifest says")
    check_file(prepared)


class _BrokenOff(Exception):
    """The archive cannot be followed further; says why."""


async def _archived(
    into: HubStore, store: StoreId, manifest: Manifest | None, medium: Path | None
) -> AsyncIterator[Sequence[Round]]:
    """Give the rounds after a backup in groups that each end whole. Raises `_BrokenOff`, `OSError`."""
    if manifest is None or manifest.life is None:
        if medium is not None and (medium / ARCHIVE).is_dir() and segments_in(medium / ARCHIVE, store):
            why = "has no manifest" if manifest is None else "was made before its archive was begun"
            raise _BrokenOff(f"the backup {why}, so nothing on {medium} is known to go on from it")
        return
    if medium is None:
        raise _BrokenOff("the settings name no [backup] folder")
    if not (medium / ARCHIVE).is_dir():
        raise _BrokenOff(f"there is no {medium / ARCHIVE}")
    begun: list[Round] = []
    digest: bytes | None = None
    for segment in segments_from(medium, store, manifest.life, manifest.segment or 1):
        part = read_segment(segment.path)
        if part is None:
            # Cut short before it told anything; the next goes on from the one before.
            continue
        if digest is None and not await into.keeping.agrees(part.start.cursor()):
            raise _BrokenOff(f"entries between the backup and {segment.path} are not there")
        if digest is not None and part.start.prior != digest:
            raise _BrokenOff(f"{segment.path} does not go on from the one before it")
        digest = part.digest
        for told in part.rounds:
            begun.append(told)
            if told.whole:
                yield begun
                begun = []
    if digest is None and (later := _later_backup(medium, store, manifest)) is not None:
        raise _BrokenOff(f"what was archived after it is kept no more; {later} is later")


def _later_backup(medium: Path, store: StoreId, manifest: Manifest) -> Path | None:
    """Find the newest backup of the same life before which more was archived than before this one."""
    for backup in reversed(backups_in(medium, store)):
        other = backup.manifest
        if other.life == manifest.life and (other.segment or 1) > (manifest.segment or 1):
            return backup.path
    return None


async def _fold(store: HubStore, to_go: Callable[[int], None]) -> None:
    while lag := (await store.fold_some(_FOLD_ENTRIES)).lag:
        to_go(lag)


def _put_in_place(place: Place, prepared: Path) -> Path | None:
    """Let a prepared file begin its life where the old one was."""
    with closing(sqlite3.connect(prepared, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        lives.begin_life(on_sqlite(connection))
        connection.execute("COMMIT")
    return place.seat.put(prepared, stamp(place.now_us()))
