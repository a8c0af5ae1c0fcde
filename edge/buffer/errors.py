"""What a station log refuses, and why."""

from __future__ import annotations

from typing import ClassVar

from edge.errors import EdgeError


class LogRefused(EdgeError):
    """Nothing of this append was acknowledged: the light goes red and the refusal is counted.

    `name` is a short stable word for counters, lights and health.
    """

    name: ClassVar[str] = "refused"


class LogFull(LogRefused):
    """The size cap is reached, or the disk has no room left. Room returns as the reader acknowledges."""

    name = "full"


class LogBusy(LogRefused):
    """More lines wait for the disk than may wait; the same append may succeed in a moment."""

    name = "busy"


class LogFailing(LogRefused):
    """The storage failed: an I/O error, a read-only remount. A later append may succeed.

    If power goes before one does, what was refused may yet be found in the log: the disk may have taken it
    before it failed. So a refused scan that is scanned again can count twice then, and only then.
    """

    name = "failing"


class LogCorrupt(LogFailing):
    """What is stored is damaged: pages that SQLite cannot make sense of, lines missing between others."""

    name = "corrupt"


class LineTooLong(LogRefused):
    """A line is longer than an entry may be (`protocol.frames.MAX_LINE_BYTES`)."""

    name = "too-long"


class NotKept(EdgeError):
    """What was asked for is not here: pruned, of an epoch this log does not tell, or past its end."""


class LogUnusable(EdgeError):
    """The file cannot serve as a log: locked by another process, not a log of ours, or no permission."""


class LogTooNew(LogUnusable):
    """The file was written by a newer release; this one would not understand it and leaves it alone."""


class LogDamaged(LogUnusable):
    """The file's own records contradict each other or its chain."""


class UnsafeSqlite(LogUnusable):
    """This SQLite can lose commits when a WAL checkpoint races a writer (fixed in 3.51.3, 3.50.7, 3.44.6)."""
