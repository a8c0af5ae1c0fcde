"""Changes the few files that the machine's own start decides by, each step a single call of `os`.

So a test can cut the power before each of them, as the power is cut in a shop.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 64 * 1024
"""No file read here is longer; one that is was not meant for us."""


def get(path: Path) -> bytes | None:
    """Read a file; None if there is none. Raises `OSError`, also for one that is too long."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if len(data) > MAX_BYTES:
        raise OSError(f"{path} has more than {MAX_BYTES} bytes")
    return data


def put(path: Path, data: bytes, mode: int = 0o644, owner: tuple[int, int] | None = None) -> None:
    """Replace a file whole: a power cut leaves the old or the new. `owner` is user and group. Raises `OSError`."""
    new = path.with_name(f".{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, mode)
        if owner is not None:
            os.fchown(descriptor, *owner)
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(new, path)
    sync_folder(path.parent)


def put_if_other(path: Path, data: bytes, mode: int = 0o644, owner: tuple[int, int] | None = None) -> bool:
    """Replace a file that holds something else; say whether it did. A card is not written for nothing."""
    if get(path) == data:
        return False
    put(path, data, mode, owner)
    return True


def write_over(path: Path, pieces: Mapping[int, bytes]) -> None:
    """Write bytes over those that stand at these places of a file, which keeps its length and its blocks."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        for at, data in sorted(pieces.items()):
            os.pwrite(descriptor, data, at)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Delete a file; nothing if there is none."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    sync_folder(path.parent)


def remove_tree(path: Path) -> None:
    """Delete a file, or a folder and what is in it."""
    if path.is_symlink() or not path.is_dir():
        remove(path)
        return
    for name in sorted(os.listdir(path)):
        remove_tree(path / name)
    os.rmdir(path)
    sync_folder(path.parent)


def erase_tree(path: Path) -> None:
    """Write over the files of a folder, then delete it. Flash may keep the old blocks all the same."""
    if path.is_symlink() or not path.exists():
        remove(path)
        return
    for each in sorted(path.rglob("*")):
        if each.is_file() and not each.is_symlink():
            write_over(each, {0: bytes(each.stat().st_size)})
    remove_tree(path)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
