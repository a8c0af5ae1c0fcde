"""A disk under SQLite that is as slow, as full or as broken as a test wants, and counts what it does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import apsw

_names = (f"test disk {n}" for n in count())


class Disk(apsw.VFS):
    """Set the attributes at any time; they hold for the next operation."""

    def __init__(self) -> None:
        self.name = next(_names)
        self.sync_s = 0.0
        self.fails_sync: type[apsw.Error] | None = None
        self.fails_wal_write: type[apsw.Error] | None = None
        self.fails_file_write: type[apsw.Error] | None = None
        self.fails_read: type[apsw.Error] | None = None
        self.sync_began = threading.Event()
        self.syncs_begun = 0
        self.syncs_done = 0
        self.bytes_read = 0
        self.bytes_written = 0
        super().__init__(self.name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> _File:  # noqa: N802 - SQLite's name
        return _File(self, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        self._is_wal = bool(flags[0] & apsw.SQLITE_OPEN_WAL)
        super().__init__("", name, flags)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        self._disk.syncs_begun += 1
        self._disk.sync_began.set()
        if self._disk.sync_s:
            time.sleep(self._disk.sync_s)
        if self._disk.fails_sync is not None:
            raise self._disk.fails_sync("as the test wants it")
        super().xSync(flags)
        self._disk.syncs_done += 1

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        fails = self._disk.fails_wal_write if self._is_wal else self._disk.fails_file_write
        if fails is not None:
            raise fails("as the test wants it")
        self._disk.bytes_written += len(data)
        super().xWrite(data, offset)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - SQLite's name
        if self._disk.fails_read is not None:
            raise self._disk.fails_read("as the test wants it")
        self._disk.bytes_read += amount
        return super().xRead(amount, offset)


@contextmanager
def mounted() -> Iterator[Disk]:
    """Give a disk that SQLite knows by `Disk.name`."""
    disk = Disk()
    try:
        yield disk
    finally:
        disk.unregister()
