"""Stores that lose what they acknowledged, by which the harness is proved: SQLite in ways that do not sync."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from tests.power.subject import Found, Job, Say

PAUSE_S = 0.0005


def open_lazy(path: Path, synchronous: str) -> sqlite3.Connection:
    """Open a write-ahead log that is not synced at every commit."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("CREATE TABLE IF NOT EXISTS event (number INTEGER PRIMARY KEY)")
    return connection


def work(job: Job, say: Say) -> None:
    connection = open_lazy(job.folder / "events.db", "NORMAL")
    (number,) = connection.execute("SELECT coalesce(max(number), 0) FROM event").fetchone()
    while True:
        number += 1
        connection.execute("INSERT INTO event VALUES (?)", (number,))
        say("events", number)
        time.sleep(PAUSE_S)


def look(job: Job) -> Found:
    connection = open_lazy(job.folder / "events.db", "FULL")
    return Found({"events": [number for (number,) in connection.execute("SELECT number FROM event ORDER BY number")]})
