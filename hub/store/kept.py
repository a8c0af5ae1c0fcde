"""How the second keeping of the hub's file stands, as the page, REST and metrics show it."""

from __future__ import annotations

import msgspec


class BackupStatus(msgspec.Struct, frozen=True):
    """Times are UTC in microseconds; a failure is "" while there is none.

    `good_us` is the moment that the newest whole backup on the medium shows, None where there is none; `failed_us` when
    the last attempt failed. `archived_us` is when the archive last had all that was committed. `same_disk`: the medium
    is the disk that the hub's own file is on.
    """

    folder: str
    backups: int = 0
    good_us: int | None = None
    good_file: str = ""
    good_bytes: int = 0
    running: bool = False
    failure: str = ""
    failed_us: int | None = None
    archived_us: int | None = None
    archive_failure: str = ""
    same_disk: bool = False
