"""Makes the folder of the store's file so that a power cut leaves it in place: its name is synced, in its parent."""

from __future__ import annotations

import os
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make a folder, parents first, and make its name durable. Raises `OSError`.

    One that is there is made durable too: who made it may have been killed before it came to that.
    """
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable; nothing where it may not be read, for then it cannot be. Raises `OSError`."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
