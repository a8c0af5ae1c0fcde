"""What the store keeps by a name: cursors, the catalogue's hash, the life of the file."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, select

from hub.store import tables
from hub.store.sql import Sql
from hub.store.statements import replacing

_READ: Final = select(tables.meta.c.value).where(tables.meta.c.name == bindparam("name"))
_WRITE: Final = replacing(tables.meta)


def read(connection: Sql, name: str) -> str | None:
    """Give what is kept by a name, None if nothing is."""
    row = connection.execute(_READ, {"name": name}).fetchone()
    return None if row is None else str(row[0])


def write(connection: Sql, name: str, value: str) -> None:
    """Keep a value in the place of what was kept by the name."""
    connection.execute(_WRITE, {"name": name, "value": value})
