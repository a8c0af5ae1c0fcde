"""What statements say alike on both engines: rows put and changed by name, and what the two say differently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    ColumnElement,
    Select,
    Table,
    Update,
    bindparam,
    cast,
    func,
    update,
)
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as insert_into
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

NAMES: Final = "shelfwire_names"
"""The option of a statement that says what the values in a row are, one after the other."""


def putting(table: Table, *columns: str) -> Insert:
    """Make the statement that adds a row, its values named like the columns: of all columns if none is named."""
    names = _named(table, columns)
    statement = insert_into(table).inline().values({name: bindparam(name) for name in names})
    return statement.execution_options(**{NAMES: tuple(names)})


def putting_found(table: Table, columns: Sequence[str], found: Select[*tuple[Any, ...]]) -> Insert:
    """Make the statement that adds a row for each that a query finds."""
    return insert_into(table).inline().from_select(columns, found)


def replacing(table: Table, *columns: str) -> Insert:
    """Make the statement that adds a row, or puts it in the place of the one with its primary key."""
    names = _named(table, columns)
    key = [column.name for column in table.primary_key.columns]
    statement = putting(table, *names)
    others = {name: statement.excluded[name] for name in names if name not in key}
    if not others:
        return statement.on_conflict_do_nothing(index_elements=key)
    return statement.on_conflict_do_update(index_elements=key, set_=others)


def changing(table: Table, *columns: str) -> Update:
    """Make the statement that changes columns of the row with a primary key: the values are the columns', then its."""
    key = [column.name for column in table.primary_key.columns]
    statement = update(table).where(*(table.c[name] == bindparam(name) for name in key))
    statement = statement.values({name: bindparam(name) for name in columns})
    return statement.execution_options(**{NAMES: (*columns, *key)})


def given(name: str, column: ColumnElement[Any]) -> BindParameter[Any]:
    """Make the place of a value that goes beside a column: of its type."""
    return bindparam(name, type_=column.type)


def total(of: ColumnElement[Any]) -> ColumnElement[int]:
    """Make the sum of a column, 0 of no rows. PostgreSQL's own sum of whole numbers is a decimal."""
    return cast(func.coalesce(func.sum(of), 0), BigInteger)


class greatest(FunctionElement[int]):  # noqa: N801 - named as a function of SQL, which it is
    """The greater of two numbers."""

    inherit_cache = True
    type = BigInteger()

    def __init__(self, one: ColumnElement[int], other: ColumnElement[int]) -> None:
        super().__init__(one, other)


class least(greatest):  # noqa: N801 - named as a function of SQL, which it is
    """The lesser of two numbers."""

    inherit_cache = True


class bytes_kept(FunctionElement[int]):  # noqa: N801 - named as a function of SQL, which it is
    """How many bytes the whole store takes where it is kept."""

    inherit_cache = True
    type = BigInteger()


class one_of(FunctionElement[bool]):  # noqa: N801 - reads as a condition
    """Whether a column is one of a list of values, given by name when the statement is run."""

    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        super().__init__(column, bindparam(name, type_=ARRAY(column.type)))


class matches(FunctionElement[bool]):  # noqa: N801 - reads as a condition
    """Whether a column is like a pattern, given by name when the statement is run.

    It has the wildcards of LIKE, taken for what they are after a backslash. The letters of ASCII are like their others.
    """

    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        super().__init__(column, bindparam(name, type_=column.type))


@compiles(greatest)
@compiles(least)
def _greatest(element: greatest, compiler: SQLCompiler, **options: Any) -> str:
    on_sqlite, elsewhere = ("min", "least") if isinstance(element, least) else ("max", "greatest")
    word = on_sqlite if compiler.dialect.name == "sqlite" else elsewhere
    return f"{word}({compiler.process(element.clauses, **options)})"


@compiles(bytes_kept)
def _bytes_kept(element: bytes_kept, compiler: SQLCompiler, **options: Any) -> str:
    if compiler.dialect.name == "sqlite":
        return "(SELECT page_count * page_size FROM pragma_page_count, pragma_page_size)"
    return "pg_database_size(current_database())"


@compiles(one_of)
def _one_of(element: one_of, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(part, **options) for part in element.clauses)
    if compiler.dialect.name == "sqlite":
        return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - compiled, no values in it
    return f"{column} = ANY ({values})"


@compiles(matches)
def _matches(element: matches, compiler: SQLCompiler, **options: Any) -> str:
    column, pattern = (compiler.process(part, **options) for part in element.clauses)
    word = "LIKE" if compiler.dialect.name == "sqlite" else "ILIKE"
    return f"{column} {word} {pattern} ESCAPE '\\'"


def _named(table: Table, columns: Sequence[str]) -> Sequence[str]:
    return columns or [column.name for column in table.columns]
