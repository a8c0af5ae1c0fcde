"""How tables of the hub's store are written down: their two parts, and columns alike on either engine.

Times are UTC microseconds, quantities milli-units, money minor units; yes and no are 1 and 0. Texts are compared byte
by byte, whatever the database's locale, since cursors of pages and the catalogue's hash go by that order.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text

KEPT: Final = MetaData()
"""What came from outside, and what was decided: brought from release to release by `hub.store.migrations`."""
MADE: Final = MetaData()
"""The books, which the fold makes of the logs: made anew where a release keeps them otherwise."""
_INT: Final = BigInteger().with_variant(Integer(), "sqlite")
_TEXT: Final = Text().with_variant(Text(collation="C"), "postgresql")


def number(name: str, default: int | None = None) -> Column[int]:
    """Make a column of integers; `default` is what a row has where nothing is said."""
    return Column(name, _INT, nullable=False, server_default=None if default is None else str(default))


def some_number(name: str) -> Column[int | None]:
    """Make a column of integers that may be NULL."""
    return Column(name, _INT, nullable=True)


def text(name: str) -> Column[str]:
    """Make a column of texts."""
    return Column(name, _TEXT, nullable=False)


def some_text(name: str) -> Column[str | None]:
    """Make a column of texts that may be NULL."""
    return Column(name, _TEXT, nullable=True)


def blob(name: str) -> Column[bytes]:
    """Make a column of bytes."""
    return Column(name, LargeBinary, nullable=False)


def some_blob(name: str) -> Column[bytes | None]:
    """Make a column of bytes that may be NULL."""
    return Column(name, LargeBinary, nullable=True)


def row_id() -> Column[int]:
    """Make the number of a row, given by the engine where it is not said."""
    return Column("id", _INT, primary_key=True, autoincrement=True)


def numbered(part: MetaData, name: str, *columns: Any, **options: Any) -> Table:
    """Make a table whose rows have an `id`."""
    return Table(name, part, row_id(), *columns, sqlite_strict=True, **options)


def keyed(part: MetaData, name: str, key: tuple[str, ...], *columns: Any) -> Table:
    """Make a table whose rows lie in the order of their key."""
    return Table(name, part, *columns, PrimaryKeyConstraint(*key), sqlite_strict=True, sqlite_with_rowid=False)
