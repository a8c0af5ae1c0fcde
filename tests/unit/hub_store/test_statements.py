"""The store's statements are made once, with their modules, and say the same to each engine."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import pytest
from sqlalchemy import Executable, bindparam, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler

import hub.store
from hub.store import tables
from hub.store.sql import Sql, greatest, least, putting, total
from hub.store.sqlite_file import in_memory


def _modules() -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(hub.store.__path__, "hub.store."):
        yield import_module(found.name)


def _statements() -> dict[str, Executable]:
    """Give the statements that stand in the modules, by where they stand."""
    found: dict[str, Executable] = {}
    for module in _modules():
        for name, value in vars(module).items():
            several = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)
            for number, each in enumerate(several):
                for part in each if isinstance(each, tuple) else (each,):
                    if isinstance(part, Executable) and hasattr(part, "compile"):
                        found[f"{module.__name__}.{name}.{number}.{len(found)}"] = part
    return found


_STATEMENTS = _statements()
_ENGINES: dict[str, Dialect] = {
    "sqlite": sqlite.dialect(paramstyle="qmark"),
    "postgresql": psycopg.dialect(paramstyle="format"),  # type: ignore[no-untyped-call]
}


def test_there_are_statements() -> None:
    assert len(_STATEMENTS) > 30


@pytest.mark.parametrize("engine", _ENGINES)
@pytest.mark.parametrize("name", _STATEMENTS)
def test_a_statement_is_whole_when_compiled(name: str, engine: str) -> None:
    compiled = _STATEMENTS[name].compile(dialect=_ENGINES[engine])  # type: ignore[attr-defined]
    assert isinstance(compiled, SQLCompiler)
    # What SQLAlchemy would fill in at each execution is left to nobody here.
    assert "POSTCOMPILE" not in compiled.string
    assert not compiled.post_compile_params
    assert not compiled.literal_execute_params


@pytest.fixture(scope="module")
def made() -> Iterator[Sql]:
    """A store's tables in memory."""
    sql = in_memory()
    yield sql
    sql.driver.close()


@pytest.mark.parametrize("name", _STATEMENTS)
def test_sqlite_takes_a_statement(name: str, made: Sql) -> None:
    compiled = _STATEMENTS[name].compile(dialect=_ENGINES["sqlite"])  # type: ignore[attr-defined]
    made.execute(f"EXPLAIN {compiled.string}", [None for _ in compiled.positiontup])


def test_a_walk_that_is_broken_off_lets_its_query_go(made: Sql) -> None:
    made.executemany(putting(tables.redocument), [(f"TR-{n}",) for n in range(10)])
    document = tables.redocument.c.document
    walk = made.walk(select(document).where(document > bindparam("after")).order_by(document), {"after": "TR-3"})
    assert next(walk) == ("TR-4",)
    walk.close()
    made.execute("DROP TABLE redocument")
    assert list(walk) == []


def test_sums_and_bounds(made: Sql) -> None:
    mark = tables.mark.c
    assert made.execute(select(total(mark.t_us))).fetchone() == (0,)
    made.executemany(putting(tables.mark), [(1, 5, 0), (2, 7, 9)])
    assert made.execute(select(total(mark.t_us))).fetchone() == (12,)
    rows = made.execute(select(greatest(mark.t_us, mark.closing), least(mark.t_us, mark.closing)).order_by(mark.log))
    assert rows.fetchall() == [(5, 0), (9, 7)]
