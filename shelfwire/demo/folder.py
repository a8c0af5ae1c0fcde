"""The folder a demo lives in: made anew, removed afterwards, and those of demos that were killed are removed, too."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "shelfwire-demo-"
_LOCK = "lock"


@contextmanager
def demo_folder(keep: Path | None) -> Iterator[Path]:
    """Give an empty folder: a temporary one that is removed at the end, or `keep`, which stays. Raises `OSError`."""
    if keep is not None:
        keep.mkdir(parents=True)
        yield keep.absolute()
        return
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _sweep() -> None:
    """Remove what killed demos left: folders of our own whose lock nobody holds any more."""
    for folder in Path(tempfile.gettempdir()).glob(_PREFIX + "*"):
        try:
            if folder.stat().st_uid != os.getuid():
                continue
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            pass  # a demo that runs now
        finally:
            os.close(lock)
