"""Whether an open file is still found by its name: what is written to one that is not, nobody will read again.

Somebody may delete a log while it is open, move it, or lay an older copy over it. SQLite writes on, and all seems well.
"""

from __future__ import annotations

import os
from pathlib import Path


class Place:
    """For the thread that owns the file; opened after it."""

    def __init__(self, path: Path) -> None:
        self._name = os.fspath(path)
        # Opened for its place alone, so that closing it leaves SQLite's locks on the file (open(2), O_PATH);
        # and open, so that no other file gets its number.
        self._descriptor: int | None = None
        self._opened: tuple[int, int] | None = None
        try:
            self._descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
            self._opened = _place(os.fstat(self._descriptor))
        except OSError:
            pass  # out of descriptors, say: a log that cannot be watched is still a log

    def is_ours(self) -> bool:
        """Tell whether its name leads to the file that was opened; true where that cannot be asked."""
        if self._opened is None:
            return True
        try:
            return _place(os.stat(self._name)) == self._opened
        except FileNotFoundError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        """Let the file go; harmless when repeated."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _place(told: os.stat_result) -> tuple[int, int]:
    return told.st_dev, told.st_ino
