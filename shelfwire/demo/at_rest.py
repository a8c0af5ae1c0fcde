"""Reads a station's log while the station is down: what is on its disk is what a power cut left.

A copy is read, so that the file stays as the station left it, write-ahead log and all.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from protocol.events import Count, CountReading, Delta, Reversal, StationEntry, decode_station_entry

STOCK_LOG = "stock.db"


@dataclass(frozen=True, slots=True)
class LogAtRest:
    """All entries of a station's stock log, in order."""

    entries: tuple[StationEntry, ...]

    def scans(self, first: int | None = None) -> int:
        """Count, among the first so many entries (None: all), what a scan makes: movements, readings, undos."""
        return sum(isinstance(entry, Delta | CountReading | Reversal) for entry in self.entries[:first])

    def counts(self) -> int:
        """Count the entries that close counts, one a code."""
        return sum(isinstance(entry, Count) for entry in self.entries)

    def booked(self, first: int | None = None) -> int:
        """Count, among the first so many entries, those that the hub files in its books."""
        return sum(isinstance(entry, Delta | Count | Reversal) for entry in self.entries[:first])

    def told(self) -> int:
        """Count the entries that HQ is told of by name; an undo is told as a revision of what it undoes."""
        return sum(isinstance(entry, Delta | Count) for entry in self.entries)


def read_log(data_dir: Path) -> LogAtRest:
    """Read the log of a station that is down; nothing of one that never began. Raises `BadInput`, `sqlite3.Error`."""
    source = data_dir / STOCK_LOG
    if not source.exists():
        return LogAtRest(())
    with tempfile.TemporaryDirectory(prefix="shelfwire-log-") as folder:
        copy = Path(folder) / STOCK_LOG
        shutil.copyfile(source, copy)
        wal = source.with_name(f"{source.name}-wal")
        if wal.exists():
            shutil.copyfile(wal, copy.with_name(f"{copy.name}-wal"))
        with closing(sqlite3.connect(copy)) as connection:
            rows = connection.execute("SELECT line FROM entry ORDER BY depth").fetchall()
    return LogAtRest(tuple(decode_station_entry(bytes(line)) for (line,) in rows))
