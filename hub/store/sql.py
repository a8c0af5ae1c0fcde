"""One transaction's way to the tables: statements of SQLAlchemy Core, compiled once and run on the driver's connection.

SQLAlchemy knows the tables and how each engine says things. What it does around each execution costs several times what
SQLite does in it, and a fold of forty thousand entries a second has no room for that (ADR 0035). Values go to the
driver and come from it as they are: whole numbers, texts, bytes and None.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, Protocol
from weakref import ref

import msgspec
from sqlalchemy import (
    ARRAY,
    BindParameter,
    Executable,
)
from sqlalchemy.engine import Compiled, Dialect
from sqlalchemy.sql.compiler import SQLCompiler

from hub.errors import ContractBroken
from hub.store.statements import NAMES

Row = Sequence[Any]
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
        # By identity: a WeakKeyDictionary, which makes a reference of the key each time, takes longer than SQLite does.
        self._said: dict[int, tuple[ref[Executable], _Said]] = {}
        self._writes_lists = _as_json if self.engine == "sqlite" else list

    def say(self, statement: Executable) -> _Said:
        """Give what the engine is told."""
        known = self._said.get(id(statement))
        if known is not None:
            return known[1]
        compiled = statement.compile(dialect=self._dialect)  # type: ignore[attr-defined]
        said, number = _Said(compiled, self._writes_lists), id(statement)
        # Forgotten with the statement, before another can have its number.
        self._said[number] = ref(statement, lambda _: self._said.pop(number, None)), said
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
        if not rows:
            # Most of what a transaction may have to write it has not.
            return
        text = statement
        if not isinstance(statement, str):
            said = self._compiler.say(statement)
            text = said.text
            rows = said.rows(names or statement.get_execution_options().get(NAMES, ()), rows)
        self.driver.cursor().executemany(text, rows)


def _with_constants(base: type[SQLCompiler]) -> type[SQLCompiler]:
    class WithConstants(base):  # type: ignore[valid-type, misc]
        def visit_bindparam(self, bindparam: BindParameter[Any], *places: Any, **options: Any) -> str:
            if not bindparam.required and isinstance(bindparam.value, int | str | list):
                options["literal_binds"] = True
            text: str = super().visit_bindparam(bindparam, *places, **options)
            return text

    return WithConstants


def _as_json(values: Iterable[Any]) -> str:
    return msgspec.json.encode(list(values)).decode()
