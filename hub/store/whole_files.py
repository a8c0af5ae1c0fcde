"""Files that are either not there or whole and durable: written under another name, synced, renamed, folder synced."""

from __future__ import annotations

import os
from pathlib import Path

from hub.store.folder import sync_folder

UNFINISHED = ".part"
"""Ends the name of a file that is still being written; one that is found without its writer is rubbish."""


def unfinished(path: Path) -> Path:
    """Name a file while it is being written."""
    return path.with_name(path.name + UNFINISHED)


def sync_file(path: Path) -> None:
    """Have a file's bytes on its disk. Raises `OSError`."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def finish(path: Path) -> None:
    """Give what was written under the unfinished name its own, in the place of whatever has it. Raises `OSError`."""
    sync_file(unfinished(path))
    unfinished(path).replace(path)
    sync_folder(path.parent)


def write_whole(path: Path, data: bytes) -> None:
    """Write a small file. Raises `OSError`."""
    unfinished(path).write_bytes(data)
    finish(path)
