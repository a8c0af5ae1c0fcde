"""Room on the disk that a log keeps for itself, for the day when somebody else has filled it.

A file of blocks that are really taken (posix_fallocate(3)) lies beside the log. When the disk has no room left, the log
gives up a part of it and takes what became free at once, before whoever filled the disk can.
"""

from __future__ import annotations

import os
from pathlib import Path


class Reserve:
    """Belongs to the thread that owns the log; `missing` may be read by any. Nothing here ever raises for the disk."""

    def __init__(self, path: Path, size: int) -> None:
        """`size` in bytes; 0 for no reserve, which removes one that was kept before."""
        self._path = path
        self._size = size
        self.held = path.stat().st_size if path.exists() else 0
        self.keep()

    @property
    def missing(self) -> int:
        """How many bytes of it are given up and not yet back."""
        return max(0, self._size - self.held)

    def give(self, size: int) -> bool:
        """Give up so much of it; say whether there was any left."""
        if not self.held:
            return False
        left = max(0, self.held - size)
        try:
            os.truncate(self._path, left)
        except OSError:
            return False  # read-only, or dying: there is no room to be had here
        self.held = left
        return True

    def keep(self) -> None:
        """Take up what is missing, if the disk then still has half as much again for others."""
        if self.held > self._size:
            try:
                os.truncate(self._path, self._size)
            except OSError:
                return
            self.held = self._size
        if not self.missing or free_bytes(self._path.parent) < self.missing + self._size // 2:
            return
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            try:
                os.posix_fallocate(descriptor, 0, self._size)
                self.held = self._size
            finally:
                os.close(descriptor)
        except OSError:
            self.held = self._path.stat().st_size if self._path.exists() else 0


def free_bytes(folder: Path) -> int:
    """Tell what the file system would still give us; 0 where it does not say."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return 0
    return disk.f_bavail * disk.f_frsize


def claim(path: Path, size: int) -> None:
    """Have a file's blocks up to `size` allocated and written once, if the disk will. What is in the file stays.

    A block that was only allocated is noted as written by the sync of what first goes into it, which takes the file
    system's journal and twice the time (ext4, "unwritten extents"); one that holds zeros is written over.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return
    try:
        there = os.fstat(descriptor).st_size
        if there < size:
            os.posix_fallocate(descriptor, 0, size)
            os.pwrite(descriptor, bytes(size - there), there)
            os.fsync(descriptor)
    except OSError:
        pass  # whoever needs the room is told when it is not there
    finally:
        os.close(descriptor)
