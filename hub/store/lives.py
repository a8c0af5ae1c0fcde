"""The life of the hub's file, a random name in it: what is kept elsewhere belongs to the file of the same life.

A file that was restored, or rebuilt, begins another life, and with it another archive: what the lost life wrote after
that moment is not its own.
"""

from __future__ import annotations

import secrets

from hub.store.sql import Sql

_LIFE = "life"


def read_life(connection: Sql) -> str | None:
    """Give the life's name; None for a file of which nothing was ever kept elsewhere."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (_LIFE,)).fetchone()
    return None if row is None else str(row[0])


def begin_life(connection: Sql) -> str:
    """Begin another life; give its name."""
    life = secrets.token_hex(8)
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?,?)", (_LIFE, life))
    return life
