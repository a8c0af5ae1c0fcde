"""A small folder of secrets, the authority's, kept a second time: whole or not at all, and for its owner alone.

    <medium>/<store>-authority/          what was last there, 0700, its files 0600
    <medium>/<store>-authority.part/     being written
    <medium>/<store>-authority.before/   there only between two renames

Put back only where there is none: two authorities are never mixed.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from hub.errors import TryAgain
from hub.store.folder import sync_folder
from protocol.identity import StoreId

_MAX_FILES: Final = 16
_MAX_BYTES: Final = 64 * 1024


def copy_on(medium: Path, store: StoreId) -> Path:
    """Name the copy on a medium."""
    return medium / f"{store}-authority"


def keep_folder(folder: Path, copy: Path) -> bool:
    """Bring the copy up to date; say whether there is one. Nothing happens while `folder` is not there.

    Raises `TryAgain`: no medium, no room, a disk that fails, or what is no folder of a few small files.
    """
    before = _aside(copy, "before")
    try:
        if before.exists():
            # A power cut came between the two renames, or right after them.
            if copy.exists():
                shutil.rmtree(before)
            else:
                before.rename(copy)
        if not folder.is_dir():
            return copy.is_dir()
        files = _read(folder)
        if copy.is_dir() and _read(copy) == files:
            return True
        part = _aside(copy, "part")
        _write(part, files)
        if copy.exists():
            copy.rename(before)
        part.rename(copy)
        sync_folder(copy.parent)
        if before.exists():
            shutil.rmtree(before)
    except OSError as error:
        raise TryAgain(f"the authority is not kept on {copy.parent}: {error.strerror or error}") from error
    return True


def put_folder_back(copy: Path, folder: Path) -> bool:
    """Put the copy where there is no such folder; say whether that was done. Raises `TryAgain`."""
    try:
        found = next((each for each in (copy, _aside(copy, "before")) if each.is_dir()), None)
        if found is None or folder.exists():
            return False
        part = _aside(folder, "part")
        _write(part, _read(found))
        owner = folder.parent.stat()
        for path in (part, *part.iterdir()):
            if os.geteuid() == 0:
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
        part.rename(folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise TryAgain(f"the authority is not put back as {folder}: {error.strerror or error}") from error
    return True


def _aside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.name}.{ending}")


def _read(folder: Path) -> dict[str, bytes]:
    names = sorted(os.listdir(folder))
    if len(names) > _MAX_FILES:
        raise TryAgain(f"{folder} holds more than an authority does")
    files: dict[str, bytes] = {}
    for name in names:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with open(os.open(folder / name, flags), "rb") as file:
            files[name] = file.read(_MAX_BYTES + 1)
        if len(files[name]) > _MAX_BYTES:
            raise TryAgain(f"{folder / name} is larger than a key or a certificate")
    return files


def _write(folder: Path, files: dict[str, bytes]) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(0o700)
    for name, data in files.items():
        fd = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    sync_folder(folder)
