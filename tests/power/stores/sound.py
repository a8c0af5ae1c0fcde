"""Whether SQLite finds a file sound."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def faults_of(path: Path) -> list[str]:
    """Give what `PRAGMA quick_check` says of the file but "ok"; nothing of one that is not there."""
    if not path.exists():
        return []
    connection = sqlite3.connect(path)
    try:
        return [f"quick_check: {row[0]}" for row in connection.execute("PRAGMA quick_check") if row[0] != "ok"]
    finally:
        connection.close()
