"""Who holds the hub's file: one process at a time, and nobody while another file is being put in its place.

To put a prepared file in the place of the live one takes three renames (the old write-ahead log, the old file, the new
file), and a power cut may come between any two. So the prepared file first gets a name that says what is to happen,
`<file>-restored-<when>`, which is the moment it is decided; whoever holds the file next finishes what is left of it.
Nothing is overwritten: the old file and its log stay beside it, under `<file>-before-<when>`.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.errors import TryAgain
from hub.store.folder import sync_folder
from hub.store.whole_files import sync_file

_DECIDED = "-restored-"
_ASIDE = "-before-"
_BEING_MADE = "-being-made"
_BESIDE = ("-wal", "-shm", "-journal")


def hold(path: Path) -> int:
    """Take the file for this process, and finish or clear away a swap that was cut short; give what `release` takes.

    Raises `TryAgain` while another process has it, or if the folder cannot be written to.
    """
    # A file of its own: closing any descriptor of the database drops the locks SQLite holds on it.
    real = path.resolve()
    try:
        fd = os.open(real.with_name(real.name + "-lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise TryAgain(f"{path}: {error}") from error
    try:
        _hand_over(real.with_name(real.name + "-lock"))
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise TryAgain(f"{path} is in use by another hub") from error
    try:
        discard(being_made(path))
        _finish_swap(real)
    except OSError as error:
        os.close(fd)
        raise TryAgain(f"{path}: {error}") from error
    return fd


def release(held: int) -> None:
    """Let the file go."""
    os.close(held)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the file while the context lasts. Raises as `hold` does."""
    fd = hold(path)
    try:
        yield
    finally:
        release(fd)


def being_made(path: Path) -> Path:
    """Name the file that is made to take the place of `path`."""
    real = path.resolve()
    return real.with_name(real.name + _BEING_MADE)


def swap_in(path: Path, prepared: Path, when: str) -> Path:
    """Put `prepared`, in the same folder and closed, in the place of the file that is held; give where the old one is.

    From the first rename on it is decided. `when` names this time among others. Raises `OSError`.
    """
    real = path.resolve()
    _hand_over(prepared)
    sync_file(prepared)
    name, times = when, 1
    while list(real.parent.glob(f"{real.name}{_ASIDE}{name}*")):
        times += 1
        name = f"{when}-{times}"
    prepared.rename(real.with_name(f"{real.name}{_DECIDED}{name}"))
    sync_folder(real.parent)
    _finish_swap(real)
    return real.with_name(f"{real.name}{_ASIDE}{name}")


def discard(prepared: Path) -> None:
    """Remove a prepared file, and what SQLite left beside it, that was not put in place. Raises `OSError`."""
    for ending in ("", *_BESIDE, "-lock"):
        prepared.with_name(prepared.name + ending).unlink(missing_ok=True)


def _hand_over(path: Path) -> None:
    """Let a file that root made belong to whom its folder belongs to, as whom the hub runs."""
    owner, mine = path.parent.stat(), path.stat()
    if os.geteuid() == 0 and (mine.st_uid, mine.st_gid) != (owner.st_uid, owner.st_gid):
        try:
            os.chown(path, owner.st_uid, owner.st_gid)
        except OSError:
            pass  # A file system that knows no owners.


def _finish_swap(path: Path) -> None:
    # Two can be there only if two swaps were decided and neither was finished: the later one counts.
    for decided in sorted(path.parent.glob(f"{path.name}{_DECIDED}*")):
        aside = path.with_name(path.name + _ASIDE + decided.name.partition(_DECIDED)[2])
        # A file without its log may contradict itself, so nobody opens one before this is finished.
        for ending in ("-wal", "-journal", ""):
            old = path.with_name(path.name + ending)
            if old.exists():
                old.rename(aside.with_name(aside.name + ending))
                sync_folder(path.parent)
        path.with_name(path.name + "-shm").unlink(missing_ok=True)
        decided.rename(path)
        sync_folder(path.parent)
