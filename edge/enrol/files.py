"""Writes the few files of an identity so that a power cut leaves the old or the new, and overwrites secrets.

    write NAME.new -> sync -> rename to NAME -> sync the folder

All steps here are single calls of `os`, so that a test can cut the power before each.
"""

from __future__ import annotations

import os
from pathlib import Path

from edge.folders import sync_folder

MAX_BYTES = 256 * 1024
"""No file of an identity is larger; one that claims to be is not read."""


def put(path: Path, data: bytes) -> None:
    """Replace a file whole, readable by its owner only. Raises `OSError`."""
    new = path.with_name(f"{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(new, path)
    sync_folder(path.parent)


def get(path: Path) -> bytes | None:
    """Read a file; None if there is none. Raises `OSError`, also for one that is too large."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    if len(data) > MAX_BYTES:
        raise OSError(f"{path} has more than {MAX_BYTES} bytes")
    return data


def erase(path: Path) -> None:
    """Write over a file, then delete it; nothing if there is none. Raises `OSError`.

    Flash may keep the old blocks all the same: what is erased must also have become worthless.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.write(descriptor, bytes(os.fstat(descriptor).st_size))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.unlink(path)
    sync_folder(path.parent)


def erase_folder(folder: Path) -> None:
    """Erase the files of a folder that has no folders in it, then remove it; nothing if there is none."""
    if not folder.is_dir():
        return
    for name in sorted(os.listdir(folder)):
        erase(folder / name)
    os.rmdir(folder)
    sync_folder(folder.parent)
