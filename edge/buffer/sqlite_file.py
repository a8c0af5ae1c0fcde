"""Opens the SQLite file of a log, creating it if need be, so that what it commits survives a power cut.

WAL with `synchronous=FULL`: one sync makes a commit durable (SQLite, "Write-Ahead Logging", section 3, and PRAGMA
synchronous). The lock is held for as long as the file is open: there is one connection, no shared memory
file, and a second agent is turned away.
"""

from __future__ import annotations

import os
from pathlib import Path

import apsw

from edge.buffer.errors import LogDamaged, LogTooNew, LogUnusable, UnsafeSqlite

APPLICATION_ID = 0x5368_4C67  # "ShLg", PRAGMA application_id: what `file` and we know a station log by
SCHEMA_VERSION = 1
_CACHE_KIB = 512
WAL_KEPT_BYTES = 4 * 1024 * 1024
"""What of the write-ahead log stays when it begins anew: it is written over, and takes no more room."""
_SCHEMA = f"""
    CREATE TABLE entry (depth INTEGER PRIMARY KEY, line BLOB NOT NULL);
    CREATE TABLE chapter (
        ordinal INTEGER PRIMARY KEY, epoch TEXT NOT NULL UNIQUE, depth INTEGER NOT NULL,
        base_epoch TEXT, base_seq INTEGER, base_digest BLOB, carried BLOB
    );
    CREATE TABLE checkpoint (depth INTEGER PRIMARY KEY, digest BLOB NOT NULL, wall_us INTEGER NOT NULL);
    CREATE TABLE bounds (
        only_one INTEGER PRIMARY KEY CHECK (only_one = 1), kept INTEGER NOT NULL, acked INTEGER NOT NULL
    );
    CREATE TABLE note (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    PRAGMA application_id = {APPLICATION_ID};
    PRAGMA user_version = {SCHEMA_VERSION};
"""


def is_safe(version: tuple[int, ...]) -> bool:
    """Say whether this SQLite release has the WAL-reset fix: 3.51.3 and later, and 3.50.7 and 3.44.6 on."""
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)


def open_file(path: Path, vfs: str | None) -> apsw.Connection:
    """Open `path`; make its folder and tables if they are missing. Raises `LogUnusable` and its kinds.

    `vfs` names the layer through which SQLite reaches the disk, None for its own.
    """
    version = apsw.sqlite_lib_version()
    if not is_safe(tuple(int(part) for part in version.split("."))):
        raise UnsafeSqlite(f"SQLite {version} can lose commits in WAL mode")
    try:
        _make_folder(path.parent)
        # An agent that was killed may have left commits that never were on the disk: before they are taken for stored,
        # and sent on, they have to be.
        _sync_existing(path.with_name(f"{path.name}-wal"))
        connection = apsw.Connection(str(path), vfs=vfs)
        # What is wrong with a file may show in its write-ahead log only, so a failure to open it leaves that alone.
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    except (apsw.Error, OSError) as error:
        raise LogUnusable(f"{path}: {error}") from error
    try:
        _prepare(connection, path)
        # At every start: who created the file may have been killed before it came to this.
        sync_folder(path.parent)
    except apsw.BusyError as error:
        connection.close()
        raise LogUnusable(f"{path} is open elsewhere") from error
    except (apsw.NotADBError, apsw.CorruptError) as error:
        connection.close()
        raise LogDamaged(f"{path}: {error}") from error
    except (apsw.Error, OSError) as error:
        connection.close()
        raise LogUnusable(f"{path}: {error}") from error
    except LogUnusable:
        connection.close()
        raise
    return connection


def _prepare(connection: apsw.Connection, path: Path) -> None:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").get
    application_id, version = connection.pragma("application_id"), connection.pragma("user_version")
    if tables and application_id != APPLICATION_ID:
        raise LogUnusable(f"{path} is not a station log")
    if version > SCHEMA_VERSION:
        raise LogTooNew(f"{path} has schema {version}; this release knows up to {SCHEMA_VERSION}")
    if connection.pragma("journal_mode", "wal") != "wal":
        raise LogUnusable(f"{path} cannot have a write-ahead log")
    connection.pragma("synchronous", "FULL")
    connection.pragma("cache_size", -_CACHE_KIB)
    connection.pragma("journal_size_limit", WAL_KEPT_BYTES)
    if not tables:
        with connection:
            connection.execute(_SCHEMA)


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def _sync_existing(file: Path) -> None:
    if not file.exists():
        return
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable. Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
