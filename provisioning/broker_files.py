"""Puts the broker's files in place: each whole or not at all, readable by its group (mosquitto's) and nobody else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

MODE = 0o640


def write_files(folder: Path, files: Mapping[str, bytes], mode: int = MODE) -> tuple[str, ...]:
    """Write those that are not there with this very content, and give their names. Raises `OSError`.

    A new file has the folder's group: make it mosquitto's, with the set-group-ID bit (`chmod 2750`).
    """
    changed = [name for name, wanted in files.items() if content(folder / name, mode) != wanted]
    for name in changed:
        part = folder / f".{name}.part"
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        with open(descriptor, "wb") as file:
            # Whatever the process's mask is.
            os.fchmod(descriptor, mode)
            file.write(files[name])
            file.flush()
            os.fsync(descriptor)
        part.rename(folder / name)
    if changed:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return tuple(changed)


def content(path: Path, mode: int = MODE) -> bytes | None:
    """Give what such a file holds; None if it is not there, or not as it was written."""
    try:
        if path.is_symlink() or path.stat().st_mode & 0o777 != mode:
            return None
        return path.read_bytes()
    except FileNotFoundError:
        return None
