"""A simulated disk under SQLite: as slow, as full or as broken as is wanted, and it counts what it does."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import apsw

_names = (f"simulated disk {n}" for n in count())


class Disk(apsw.VFS):
    """Set the attributes at any time; they hold for the next operation.

    `sync_s` is what a sync takes, if the real one beneath takes no longer; those of several files come one after the
    other, as on a card.
    `room_bytes` is what may still be added to its files, None for no end; what is deleted does not come back to it.
    """

    def __init__(self) -> None:
        self.name = next(_names)
        self.sync_s = 0.0
        self.fails_sync: type[apsw.Error] | None = None
        self.fails_wal_write: type[apsw.Error] | None = None
        self.fails_file_write: type[apsw.Error] | None = None
        self.fails_read: type[apsw.Error] | None = None
        self.room_bytes: int | None = None
        self.sync_began = threading.Event()
        self.syncs_begun = 0
        self.syncs_done = 0
        self.bytes_read = 0
        self.bytes_written = 0
        self.device = threading.Lock()
        super().__init__(self.name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> _File:  # noqa: N802 - SQLite's name
        return _File(self, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        self._is_wal = bool(flags[0] & apsw.SQLITE_OPEN_WAL)
        super().__init__("", name, flags)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        disk = self._disk
        disk.syncs_begun += 1
        disk.sync_began.set()
        if disk.sync_s:
            with disk.device:
                began = time.monotonic()
                self._sync(flags)
                time.sleep(max(0.0, began + disk.sync_s - time.monotonic()))
        else:
            self._sync(flags)
        if disk.fails_sync is not None:
            raise disk.fails_sync("as is wanted")
        disk.syncs_done += 1

    def _sync(self, flags: int) -> None:
        if self._disk.fails_sync is None:
            super().xSync(flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        disk = self._disk
        fails = disk.fails_wal_write if self._is_wal else disk.fails_file_write
        if fails is not None:
            raise fails("as is wanted")
        if disk.room_bytes is not None:
            grows = max(0, offset + len(data) - self.xFileSize())
            if grows > disk.room_bytes:
                raise apsw.FullError("as is wanted")
            disk.room_bytes -= grows
        disk.bytes_written += len(data)
        super().xWrite(data, offset)

    def xFileControl(self, op: int, ptr: int) -> bool:  # noqa: N802 - SQLite's name
        disk = self._disk
        if op != apsw.SQLITE_FCNTL_SIZE_HINT or disk.room_bytes is None:
            return super().xFileControl(op, ptr)
        before = self.xFileSize()
        if ctypes.c_longlong.from_address(ptr).value - before > disk.room_bytes:
            raise apsw.IOError("as is wanted")
        known = super().xFileControl(op, ptr)
        disk.room_bytes = max(0, disk.room_bytes - (self.xFileSize() - before))
        return known

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - SQLite's name
        if self._disk.fails_read is not None:
            raise self._disk.fails_read("as is wanted")
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
