"""Replaces small files so that a power cut leaves the old or the new.

put         NAME.new, synced, renamed, folder synced
overwrite   where it lies, in a single sector: on FAT, which frees the old file before its name leads to the new one
"""

from __future__ import annotations

import os
from pathlib import Path

from image.layout import SECTOR


def put(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace a file whole. Raises `OSError`."""
    new = path.with_name(f"{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        os.fchmod(descriptor, mode)
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(new, path)
    sync_folder(path.parent)


def overwrite(path: Path, data: bytes) -> None:
    """Have a text file of at most a sector say something else, filled up with empty lines. Raises `OSError`.

    One that is not there, or does not fit, is replaced by `put`, which on FAT is whole only when this returns.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        pass
    else:
        try:
            size = os.fstat(descriptor).st_size
            if len(data) <= size <= SECTOR:
                os.pwrite(descriptor, data.ljust(size, b"\n"), 0)
                os.fsync(descriptor)
                return
        finally:
            os.close(descriptor)
    put(path, data)
    # FAT keeps with a file's name where it begins, and writes that when the file is synced, not the folder.
    flush(path)


def get(path: Path, at_most: int) -> bytes | None:
    """Read the beginning of a file, one byte more than `at_most` where it is longer; None if there is none."""
    try:
        with path.open("rb") as file:
            return file.read(at_most + 1)
    except FileNotFoundError:
        return None


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Raises `OSError`."""
    flush(folder)


def flush(path: Path) -> None:
    """Make what was written to a file, folder or partition durable, by whomever it was. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def blot(device: Path, size: int) -> None:
    """Overwrite the first bytes of a partition with zeros. Raises `OSError`."""
    descriptor = os.open(device, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(descriptor, bytes(size), 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
