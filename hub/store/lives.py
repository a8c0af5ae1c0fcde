"""The life of the hub's file, a random name in it: what is kept elsewhere belongs to the file of the same life.

A file that was restored, or rebuilt, begins another life, and with it another archive: what the lost life wrote after
that moment is not its own.
"""

from __future__ import annotations

import secrets

from hub.store import meta
from hub.store.sql import Sql

_LIFE = "life"


def read_life(connection: Sql) -> str | None:
    """Give the life's name; None for a file of which nothing was ever kept elsewhere."""
    return meta.read(connection, _LIFE)


def begin_life(connection: Sql) -> str:
    """Begin another life; give its name."""
    life = secrets.token_hex(8)
    meta.write(connection, _LIFE, life)
    return life
