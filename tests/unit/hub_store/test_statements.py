"""The store's statements are made once, with their modules, and both engines understand them."""

from __future__ import annotations

import ast
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Executable, bindparam, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler

import hub.store
from hub.store import tables
from hub.store.engine import Engine
from hub.store.sql import Compiler, Sql
from hub.store.statements import changing, greatest, least, matches, one_of, putting, replacing, total
from tests.unit.hub_store.shop import BOTH_ENGINES, engine_at

pytestmark = BOTH_ENGINES


def _executables(value: Any) -> Iterator[Executable]:
    if isinstance(value, Executable) and hasattr(value, "compile"):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from _executables(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _executables(each)


def _statements() -> dict[str, Executable]:
    """Give the statements that stand in the store's modules, by where they stand."""
    return {
        f"{found.name}.{name}.{number}": statement
        for found in pkgutil.iter_modules(hub.store.__path__, "hub.store.")
        for name, value in vars(import_module(found.name)).items()
        for number, statement in enumerate(_executables(value))
    }


_STATEMENTS = _statements()
ONE_ENGINE = {"sqlite_file", "postgres", "copying", "seats", "backing_up", "restoring"}
"""What is of one engine alone: how it is opened, copied and told when to begin."""


def test_text_is_told_to_an_engine_only_where_there_is_no_other() -> None:
    told = {
        path.stem
        for folder in hub.store.__path__
        for path in Path(folder).glob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in ("execute", "executemany", "executescript")
        and call.args
        and isinstance(call.args[0], ast.Constant | ast.JoinedStr)
    }
    assert told <= ONE_ENGINE


def _dialect(engine: str) -> Dialect:
    if engine == "sqlite":
        return sqlite.dialect(paramstyle="qmark")
    return psycopg.dialect(paramstyle="format")  # type: ignore[no-untyped-call]


@pytest.fixture
def opened(tmp_path: Path, engine: str) -> Iterator[tuple[Engine, Sql]]:
    """An empty store's writer, in a transaction."""
    at = engine_at(tmp_path / "hub.db")
    sql = at.open_writer()
    at.begin(sql)
    yield at, sql
    at.undo(sql)
    at.close_writer()


def test_an_engine_understands_every_statement(opened: tuple[Engine, Sql], engine: str) -> None:
    assert len(_STATEMENTS) > 100
    dialect, (_, sql) = _dialect(engine), opened
    # Has the dialect say things as the store does.
    Compiler(dialect)
    for name, statement in _STATEMENTS.items():
        compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        assert isinstance(compiled, SQLCompiler), name
        # What SQLAlchemy fills in at each execution nobody fills in here.
        assert "POSTCOMPILE" not in compiled.string, name
        try:
            sql.driver.execute(f"EXPLAIN {compiled.string}", [None for _ in compiled.positiontup or ()])
        except Exception as error:
            raise AssertionError(f"{name}: {compiled.string}") from error


def test_a_walk_that_is_broken_off_reads_no_further(opened: tuple[Engine, Sql]) -> None:
    _, sql = opened
    sql.executemany(putting(tables.redocument), [(f"TR-{n}",) for n in range(10)])
    document = tables.redocument.c.document
    after = select(document).where(document > bindparam("after")).order_by(document)
    walk, other = sql.walk(after, {"after": "TR-3"}), sql.walk(after, {"after": "TR-7"})
    assert [next(walk)[0], next(other)[0], next(walk)[0]] == ["TR-4", "TR-8", "TR-5"]
    walk.close()
    assert [name for (name,) in other] == ["TR-9"]
    # No query of theirs holds the table.
    sql.execute("DROP TABLE redocument")


def test_sums_and_bounds(opened: tuple[Engine, Sql]) -> None:
    (_, sql), mark = opened, tables.mark.c
    (nothing,) = sql.execute(select(total(mark.t_us))).fetchone()
    assert (nothing, type(nothing)) == (0, int)
    sql.executemany(putting(tables.mark), [(1, 5, 0), (2, 7, 9)])
    (both,) = sql.execute(select(total(mark.t_us))).fetchone()
    assert (both, type(both)) == (12, int)
    rows = sql.execute(select(greatest(mark.t_us, mark.closing), least(mark.t_us, mark.closing)).order_by(mark.log))
    assert rows.fetchall() == [(5, 0), (9, 7)]


def test_a_row_is_put_in_the_place_of_another_or_changed_by_its_key(opened: tuple[Engine, Sql]) -> None:
    (_, sql), mark = opened, tables.mark.c
    sql.executemany(replacing(tables.mark), [(1, 5, 0), (2, 7, 9), (1, 6, 1)])
    sql.executemany(changing(tables.mark, "t_us"), [(8, 2)])
    rows = sql.execute(select(mark.log, mark.t_us, mark.closing).order_by(mark.log))
    assert rows.fetchall() == [(1, 6, 1), (2, 8, 9)]


def test_columns_are_searched_by_lists_and_patterns(opened: tuple[Engine, Sql]) -> None:
    (_, sql), document = opened, tables.redocument.c.document
    sql.executemany(putting(tables.redocument), [("Tea 10%",), ("tea",), ("JAM_1",), ("JAM21",)])
    named = select(document).where(one_of(document, "names")).order_by(document)
    assert sql.execute(named, {"names": {"tea", "JAM_1", "rye"}}).fetchall() == [("JAM_1",), ("tea",)]
    assert sql.execute(named, {"names": []}).fetchall() == []
    like = select(document).where(matches(document, "pattern")).order_by(document)
    for pattern, found in (("%TEA%", ["Tea 10%", "tea"]), ("jam\\_%", ["JAM_1"]), ("%\\%", ["Tea 10%"])):
        assert [name for (name,) in sql.execute(like, {"pattern": pattern}).fetchall()] == found


def test_what_a_statement_names_itself_is_part_of_its_words(engine: str) -> None:
    entry = tables.entry.c
    said = Compiler(_dialect(engine)).say(
        select(entry.seq).where(entry.kind == 2, entry.reverses == bindparam("named"))
    )
    # A partial index is found by them.
    assert "entry.kind = 2" in said.text
    assert said.values({"named": "till-1/1.1/7"}) == ["till-1/1.1/7"]
