"""The catalogue's SQLite file: its tables, and how it is opened, or set aside and begun anew when it is damaged.

    page      the live rows, many to a page: see `edge.catalogue.page_rows`
    standing  one row: the reader's state, the set hash, how many rows live, how many lines were ever put aside
    passed    the log's chain where commits ended, the newest
    aside     lines that were no rows, the newest

Two connections, both of this process: one writes and checkpoints, in its own thread; one only reads, on the event
loop. In WAL mode a read takes microseconds and never waits for the writer's syncs, which take many milliseconds on
a card; with one connection for both it would. SQLite's race of a checkpoint with a writer (fixed in 3.51.3) needs two
connections that write or checkpoint; the second of these is opened read-only and does neither.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import apsw

from edge.catalogue.errors import CatalogueFailing, CatalogueUnusable, Damaged
from edge.catalogue.migrating import VERSION_1, from_version_1
from edge.catalogue.page_rows import TABLE

APPLICATION_ID: Final = 0x53574341
"""SWCA, in the database header, so that no other database is ever taken for a catalogue."""
SCHEMA_VERSION: Final = 2
CONDEMNED: Final = -1
"""The schema version that a file found damaged is given, so that the next opening begins anew."""
_TABLES: Final = """
create table standing (
    one integer primary key check (one = 1), state blob not null, hash text not null,
    live integer not null, aside integer not null
);
create table passed (
    n integer primary key, epoch text not null, seq integer not null, digest blob not null,
    unique (epoch, seq)
);
create table aside (
    n integer primary key, epoch text not null, seq integer, name text not null, line blob not null
);
"""
_BUSY_MS: Final = 5000
_READ_CACHE_KIB: Final = 4096
"""Enough for the goods that sell every day; the rest is one read from the system's own cache away."""
_WAL_KEPT_BYTES: Final = 4 * 1024 * 1024


_Stood = TypeVar("_Stood")


def open_writer(
    path: Path, begin: Callable[[apsw.Connection], None], stood: Callable[[apsw.Connection], _Stood]
) -> tuple[apsw.Connection, _Stood, str | None]:
    """Open the file for writing, made if it is not there; tell what stood in it, and why one was set aside, if so.

    `begin` fills `standing` in a new file; `stood` reads it, and raises `Damaged` if it cannot. A file of an earlier
    release is brought to this one's form. One that is damaged, or of a later release, is renamed to `<name>.damaged`:
    its content can be had again from the hub. Raises `CatalogueUnusable`, `CatalogueFailing`.
    """
    try:
        return *_open(path, begin, stood), None
    except (Damaged, apsw.CorruptError, apsw.NotADBError) as damage:
        why = str(damage)
    except apsw.Error as error:
        raise CatalogueFailing(f"{path}: {error}") from error
    try:
        for tail in ("-wal", "-shm"):
            Path(f"{path}{tail}").unlink(missing_ok=True)
        path.replace(f"{path}.damaged")
        return *_open(path, begin, stood), why
    except (OSError, apsw.Error, Damaged) as error:
        raise CatalogueFailing(f"{path}: damaged ({why}) and cannot be begun anew: {error}") from error


def open_reader(path: Path) -> apsw.Connection:
    """Open the file for reading only, while a writer has it open. Raises `CatalogueFailing`."""
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        _settle(connection)
        connection.pragma("cache_size", -_READ_CACHE_KIB)
    except apsw.Error as error:
        raise CatalogueFailing(f"{path}: {error}") from error
    return connection


def _open(
    path: Path, begin: Callable[[apsw.Connection], None], stood: Callable[[apsw.Connection], _Stood]
) -> tuple[apsw.Connection, _Stood]:
    connection = apsw.Connection(str(path))
    try:
        _settle(connection)
        # Whose file it is comes first: nothing may be changed in a stranger's.
        application = connection.pragma("application_id")
        version = connection.pragma("user_version")
        new = not (application or version or connection.execute("select 1 from sqlite_schema").fetchall())
        if not new and application != APPLICATION_ID:
            raise CatalogueUnusable(f"{path} is a database of something else")
        if not new and version not in (SCHEMA_VERSION, VERSION_1):
            raise Damaged("found damaged before" if version == CONDEMNED else f"schema version {version}")
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full")
        connection.pragma("journal_size_limit", _WAL_KEPT_BYTES)
        if version == VERSION_1:
            with connection:
                from_version_1(connection)
                connection.pragma("user_version", SCHEMA_VERSION)
        elif new:
            with connection:
                connection.execute(TABLE + _TABLES)
                begin(connection)
                connection.pragma("application_id", APPLICATION_ID)
                connection.pragma("user_version", SCHEMA_VERSION)
        return connection, stood(connection)
    except BaseException:
        connection.close(True)
        raise


def _settle(connection: apsw.Connection) -> None:
    connection.set_busy_timeout(_BUSY_MS)
    # Without it this SQLite plans a statement anew whenever a bound value changes: twice the time of a look-up.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
