"""Copies the store's file while it is written to: one moment of it, whole and checked, under the name asked for.

The copy is read through a connection of its own that is read-only and never checkpoints, in one read transaction: the
writer commits on meanwhile, its write-ahead log growing until the copy is made. Nothing is asked of the writer's
thread, and no second connection writes or checkpoints, which releases of SQLite before 3.51.3 do not survive. So the
hub and a command beside it may both do this, whether the hub runs or not.

    source ─ read transaction, some pages at a time ─> name.part ─ sync ─ quick_check ─ SHA-256 ─> name.json, name
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import bindparam, select

from hub.errors import BadInput, TryAgain
from hub.store import chunks, tables
from hub.store.engine import StoreDamaged
from hub.store.epochs import CATALOGUE, FEED, JOURNAL
from hub.store.lives import read_life
from hub.store.manifest import LogPosition, Manifest, sha256_of, write_manifest
from hub.store.reader_logs import load_state
from hub.store.schema import REVISION
from hub.store.seats import Seat
from hub.store.sql import Sql
from hub.store.sqlite_file import named
from hub.store.whole_files import finish, unfinished
from protocol.identity import StoreId

REST = 1.0
"""For how many times as long as a step took the disk is left to the hub."""
_EPOCH: Final = tables.epoch.c
_LOGS: Final = select(tables.log.c.id, tables.log.c.name).order_by(tables.log.c.name)
_NEWEST: Final = (
    select(_EPOCH.id, _EPOCH.name, _EPOCH.head)
    .where(_EPOCH.log == bindparam("log"), _EPOCH.told != 0)
    .order_by(_EPOCH.id.desc())
    .limit(1)
)


def take_backup(
    source: Seat,
    to: Path,
    store: StoreId,
    now_us: Callable[[], int],
    segment: Callable[[str], int | None] = lambda life: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Manifest:
    """Back a store up as `to`, which must not be there, in a folder that is.

    `segment` names the part of a life's archive that is being written. Blocks for as long as it takes. Raises
    `BadInput` ("backup-exists", "no-store", "not-a-store"), `TryAgain` (no folder, no room, a disk that fails),
    `StoreDamaged`, `Cancelled`; no backup is left then.
    """
    if to.exists():
        raise BadInput("backup-exists", f"{to} is there already")
    part = unfinished(to)
    try:
        part.unlink(missing_ok=True)
        try:
            manifest = _copied(source, part, store, now_us, segment, cancelled)
            # A manifest without its file is nothing; a file without its manifest would be in the way.
            write_manifest(to, manifest)
            finish(to)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except sqlite3.DatabaseError as error:
        raise named(error) from error
    except OSError as error:
        raise TryAgain(f"{to}: {error.strerror or error}") from error
    return manifest


def check_file(path: Path) -> None:
    """Have SQLite look through a file that nobody writes to. Raises `StoreDamaged`, `TryAgain`."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise named(error) from error
    if found != "ok":
        raise StoreDamaged(f"{path}: {found}")


def _copied(
    source: Seat,
    part: Path,
    store: StoreId,
    now_us: Callable[[], int],
    segment: Callable[[str], int | None],
    cancelled: Callable[[], bool],
) -> Manifest:
    with source.looking() as sql:
        life = read_life(sql)
    # Asked before the moment that is copied: what this part of the archive misses is then in the copy.
    archived = None if life is None else segment(life)
    with source.looking() as sql:
        positions, at_us = _positions(sql), now_us()
        source.copy(sql, part, REST, cancelled)
    _forget_cached(part)
    check_file(part)
    return Manifest(
        store=store,
        at_us=at_us,
        bytes=part.stat().st_size,
        sha256=sha256_of(part),
        store_schema=int(REVISION),
        positions=positions,
        life=life,
        segment=archived,
    )


def _forget_cached(part: Path) -> None:
    """Have what is checked come from the disk and not from memory, as far as the system will."""
    fd = os.open(part, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(fd)


def _positions(connection: Sql) -> tuple[LogPosition, ...]:
    found: list[LogPosition] = []
    for log, name in connection.execute(_LOGS).fetchall():
        if name in (FEED, JOURNAL, CATALOGUE):
            row, epoch, head = connection.execute(_NEWEST, {"log": log}).fetchone()
            digest = chunks.digests(connection, row, [head])[head] if head else b""
            found.append(LogPosition(name, epoch, head, (digest or b"").hex()))
        else:
            at = load_state(connection, name).at
            if at is not None:
                found.append(LogPosition(name, str(at.epoch), at.seq, at.digest.hex()))
    return tuple(found)
