"""One transaction's way to the tables: statements of SQLAlchemy Core, compiled once and run on the driver's connection.

SQLAlchemy knows the tables and how each engine says things. What it does around each execution costs several times what
SQLite does in it, and a fold of forty thousand entries a second has no room for that (ADR 0035). Values go to the
driver and come from it as they are: whole numbers, texts, bytes and None.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    ColumnElement,
    Executable,
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
from sqlalchemy.engine import Compiled, Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from hub.errors import ContractBroken

Row = Sequence[Any]
_NAMES: Final = "shelfwire_names"
"""Of a statement: what the values in a row are, one after the other."""
_AT_ONCE: Final = 100
"""Rows that a walk has the server send at a time."""


class Cursor(Protocol):
    """What a driver answers a statement with."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        ...

    def fetchone(self) -> Any:
        """Give the next row, None after the last."""
        ...

    def fetchall(self) -> list[Any]:
        """Give all rows that are left."""
        ...

    def fetchmany(self, size: int, /) -> list[Any]:
        """Give as many of the next rows as there are, `size` at most."""
        ...

    def close(self) -> None:
        """Give no more."""
        ...

    def __iter__(self) -> Iterator[Any]: ...
    def __next__(self) -> Any: ...


class Driver(Protocol):
    """A connection of sqlite3 or psycopg, as far as they agree."""

    def execute(self, text: Any, values: Any = (), /) -> Any:
        """Run a statement once."""
        ...

    @property
    def cursor(self) -> Callable[..., Any]:
        """Make what runs a statement for many rows, or in psycopg one by whose name rows are sent when asked for."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


class _Said:
    """A statement in the words of one engine."""

    __slots__ = ("_names", "text", "values")

    def __init__(self, compiled: Compiled, writes_lists: Callable[[Any], Any]) -> None:
        self.text: Final = compiled.string
        # What makes tables has no values.
        names: Sequence[str] | None = None
        binds: Mapping[str, BindParameter[Any]] = {}
        if isinstance(compiled, SQLCompiler):
            names, binds = compiled.positiontup, compiled.binds
        self._names = tuple(names or ())
        self.values: Final = _in_order([binds[name] for name in self._names], writes_lists)
        """Puts named values into their order."""

    def rows(self, names: Sequence[str], rows: Iterable[Row]) -> Iterable[Row]:
        """Put values that come in the order of `names` into that of the statement."""
        if tuple(names) == self._names:
            return rows
        try:
            places = [names.index(name) for name in self._names]
        except ValueError as error:
            raise ContractBroken(f"{self._names} are wanted, not {names}, by {self.text}") from error
        one = itemgetter(*places)
        return map(one, rows) if len(places) > 1 else ((one(row),) for row in rows)


def _in_order(
    binds: Sequence[BindParameter[Any]], writes_lists: Callable[[Any], Any]
) -> Callable[[Any], Sequence[Any]]:
    if len(binds) > 1 and all(bind.required and not isinstance(bind.type, ARRAY) for bind in binds):
        # Most statements, and ten times as fast.
        return itemgetter(*(bind.key for bind in binds))
    order = [_value(bind, writes_lists) for bind in binds]
    return lambda values: [of(values) for of in order]


def _value(bind: BindParameter[Any], writes_lists: Callable[[Any], Any]) -> Callable[[Mapping[str, Any]], Any]:
    key, value = bind.key, bind.value
    if not bind.required:
        return lambda _: value
    if isinstance(bind.type, ARRAY):
        return lambda values: writes_lists(values[key])
    return itemgetter(key)


class Compiler:
    """Says statements in the words of one engine, each compiled once.

    Numbers and texts that a statement itself names are part of its text: an engine finds a partial index by them.
    """

    __slots__ = ("_dialect", "_said", "_writes_lists", "dialect", "engine")

    def __init__(self, dialect: Dialect) -> None:
        """`dialect` has a positional style of parameters; it belongs to this compiler."""
        self.engine: Final[str] = dialect.name
        self.dialect: Final = f"{dialect.name}+{dialect.driver}"
        dialect.statement_compiler = _with_constants(dialect.statement_compiler)
        self._dialect = dialect
        self._said: WeakKeyDictionary[Executable, _Said] = WeakKeyDictionary()
        self._writes_lists = _as_json if self.engine == "sqlite" else list

    def say(self, statement: Executable) -> _Said:
        """Give what the engine is told."""
        said = self._said.get(statement)
        if said is None:
            compiled = statement.compile(dialect=self._dialect)  # type: ignore[attr-defined]
            said = self._said[statement] = _Said(compiled, self._writes_lists)
        return said


class Sql:
    """What runs statements in a transaction, in the thread of its connection."""

    __slots__ = ("_compiler", "_walks", "driver", "taken")

    def __init__(self, driver: Driver, compiler: Compiler, taken: type[Exception]) -> None:
        """`taken` is what the driver raises for a row whose key another has.

        `driver` may be changed between two transactions, for another to the same store.
        """
        self.driver = driver
        self.taken: Final = taken
        self._compiler = compiler
        self._walks = 0

    @property
    def engine(self) -> str:
        """Which engine it is: "sqlite" or "postgresql"."""
        return self._compiler.engine

    @property
    def dialect(self) -> str:
        """Which engine by which driver, as SQLAlchemy's addresses begin."""
        return self._compiler.dialect

    def execute(self, statement: Executable | str, values: Mapping[str, Any] | Row = ()) -> Cursor:
        """Run a statement, with values by the names of its `bindparam`s.

        A text is SQLite's own, with values by place: for what only a file of SQLite has.
        """
        if isinstance(statement, str):
            text, ordered = statement, values
        else:
            said = self._compiler.say(statement)
            text, ordered = said.text, said.values(values)
        cursor: Cursor = self.driver.execute(text, ordered)
        return cursor

    def walk(self, statement: Executable, values: Mapping[str, Any] | Row = ()) -> Generator[Any]:
        """Give the rows of a query one after the other, however many: whoever breaks off has read few more.

        Nothing may be written to its tables meanwhile. One that was not walked to its end is closed when it is let go.
        """
        rows: Any
        if self.engine == "sqlite":
            rows = self.execute(statement, values)
        else:
            said = self._compiler.say(statement)
            self._walks += 1
            rows = self.driver.cursor(f"walk_{self._walks}")
            rows.itersize = _AT_ONCE
            rows.execute(said.text, said.values(values))
        try:
            yield from rows
        finally:
            rows.close()

    def executemany(self, statement: Executable | str, rows: Iterable[Row], names: Sequence[str] = ()) -> None:
        """Run a statement once for each row of values.

        `names` are those of the statement's `bindparam`s, in the order of the values in a row; of a `putting` or
        `replacing` they need not be said.
        """
        text = statement
        if not isinstance(statement, str):
            said = self._compiler.say(statement)
            text = said.text
            rows = said.rows(names or statement.get_execution_options().get(_NAMES, ()), rows)
        self.driver.cursor().executemany(text, rows)


def putting(table: Table, *columns: str) -> Insert:
    """Make the statement that adds a row, its values named like the columns: of all columns if none is named."""
    names = _named(table, columns)
    statement = insert_into(table).inline().values({name: bindparam(name) for name in names})
    return statement.execution_options(**{_NAMES: tuple(names)})


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
    return statement.execution_options(**{_NAMES: (*columns, *key)})


def given(name: str, column: ColumnElement[Any]) -> BindParameter[Any]:
    """Make the place of a value that goes beside a column: of its type."""
    return bindparam(name, type_=column.type)


def total(of: ColumnElement[Any]) -> ColumnElement[int]:
    """Make the sum of a column, 0 of no rows. PostgreSQL's own sum of whole numbers is a decimal."""
    return cast(func.coalesce(func.sum(of), 0), BigInteger)


def _with_constants(base: type[SQLCompiler]) -> type[SQLCompiler]:
    class WithConstants(base):  # type: ignore[valid-type, misc]
        def visit_bindparam(self, bindparam: BindParameter[Any], *places: Any, **options: Any) -> str:
            if not bindparam.required and isinstance(bindparam.value, int | str | list):
                options["literal_binds"] = True
            text: str = super().visit_bindparam(bindparam, *places, **options)
            return text

    return WithConstants


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


def _as_json(values: Iterable[Any]) -> str:
    return msgspec.json.encode(list(values)).decode()


def _named(table: Table, columns: Sequence[str]) -> Sequence[str]:
    return columns or [column.name for column in table.columns]
