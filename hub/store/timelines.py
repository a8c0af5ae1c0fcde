"""The entries behind an item's figures, newest first, from wherever the books keep them: rows and pages."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, or_, select, tuple_

from hub.store import tables, tails
from hub.store.entry_rows import DELTA
from hub.store.sql import Sql
from hub.store.statements import given
from hub.store.tails import Found, Pages
from protocol.identity import ItemId, PlaceId

_Sort = tuple[str, str, int, int]
Place = tuple[int, int, int]
"""What entries are ordered by: key_us, epoch row, seq."""


class Behind(NamedTuple):
    """An entry behind the figures of a scope, as the columns of `entry` have it; `figures` are its scope's row's."""

    place: Place
    scope: ScopeRow
    kind: int
    cause: str | None
    t_us: int
    err_us: int
    qty_milli: int
    reason: str | None
    document: str | None
    code: str | None
    reverses: str | None
    reversed_by: str | None
    variance_milli: int | None = None
    lead_us: int = 0
    lag_us: int = 0


class ScopeRow(NamedTuple):
    """A scope, and the count it rests on: epoch row, seq and time. All None: no scope."""

    id: int | None
    item: str | None
    area: str | None
    anchor_epoch: int | None
    anchor_seq: int | None
    anchor_us: int | None


def in_area(column: ColumnElement[str]) -> ColumnElement[bool]:
    """Make the condition that a column is the `area` given, if one is."""
    area = given("area", column)
    return or_(area.is_(None), column == area)


_scope, _entry, _sort, _anchor = tables.scope.c, tables.entry.c, tables.sort.c, tables.count_figure.alias("anchor").c
_SCOPE = (_scope.id, _scope.item, _scope.area, _scope.anchor_epoch, _scope.anchor_seq, _anchor.t_us)
_RESTING = and_(_anchor.epoch == _scope.anchor_epoch, _anchor.seq == _scope.anchor_seq)
_SCOPES: Final = (
    select(*_SCOPE, _scope.tail)
    .select_from(tables.scope.outerjoin(_anchor.t_us.table, _RESTING))
    .where(_scope.item == bindparam("item"), in_area(_scope.area))
)
_ENTRY_AT: Final = (
    select(
        _entry.key_us, _entry.kind, _entry.cause, _entry.t_us, _entry.err_us, _entry.qty_milli, _entry.reason,
        _entry.document, _entry.code, _entry.reverses, _entry.reversed_by, *_SCOPE,
    )
    .select_from(
        tables.entry.outerjoin(tables.scope, _scope.id == _entry.scope).outerjoin(_anchor.t_us.table, _RESTING)
    )
    .where(_entry.epoch == bindparam("epoch"), _entry.seq == bindparam("seq"))
)  # fmt: skip
_SCOPE_OF_SORT: Final = (
    select(*_SCOPE)
    .select_from(tables.sort.join(tables.scope, _scope.id == _sort.scope).outerjoin(_anchor.t_us.table, _RESTING))
    .where(_sort.id == bindparam("sort"))
)
_SORT: Final = select(_sort.reason, _sort.code, _sort.lead_us, _sort.lag_us).where(_sort.id == bindparam("sort"))
_figure = tables.count_figure.c
_ROWS: Final = (
    select(
        _entry.key_us, _entry.epoch, _entry.seq, _entry.kind, _entry.cause, _entry.t_us, _entry.err_us,
        _entry.qty_milli, _entry.reason, _entry.document, _entry.code, _entry.reverses, _entry.reversed_by,
        _figure.qty_milli - _figure.expected_milli, _entry.lead_us, _entry.lag_us,
    )
    .select_from(
        tables.entry.outerjoin(
            tables.count_figure, and_(_figure.epoch == _entry.epoch, _figure.seq == _entry.seq)
        )
    )
    .where(
        _entry.scope == bindparam("scope"),
        tuple_(_entry.key_us, _entry.epoch, _entry.seq)
        < tuple_(given("key_us", _entry.key_us), given("epoch", _entry.epoch), given("seq", _entry.seq)),
    )
    .order_by(_entry.key_us.desc(), _entry.epoch.desc(), _entry.seq.desc())
    .limit(bindparam("limit"))
)  # fmt: skip


def newest_first(connection: Sql, item: ItemId, area: PlaceId | None, below: Place, limit: int) -> list[Behind]:
    """Give the entries of an item's scopes below a place."""
    scopes = connection.execute(_SCOPES, {"item": item, "area": area}).fetchall()
    known = Pages(connection)
    ways: list[Iterator[Behind]] = []
    for *row, tail in scopes:
        scope = ScopeRow(*row)
        ways += (_rows(connection, scope, below, limit), _plain(connection, known, scope, tail, below))
    return list(islice(merge(*ways, key=_place, reverse=True), limit))


def entry_at(connection: Sql, known: Pages, epoch: int, seq: int) -> Behind | None:
    """Give an entry of the books; one that is in no scope has one without an item."""
    row = connection.execute(_ENTRY_AT, {"epoch": epoch, "seq": seq}).fetchone()
    if row is not None:
        key_us, *told = row[:11]
        return Behind((key_us, epoch, seq), ScopeRow(*row[11:]), *told)
    page = known.holding(epoch, seq)
    if page is None or not page.sort(seq - page.first):
        return None
    row = connection.execute(_SCOPE_OF_SORT, {"sort": page.sort(seq - page.first)}).fetchone()
    return _behind(connection, Found(page.time(seq - page.first)[0], page, seq - page.first), ScopeRow(*row), {})


def _rows(connection: Sql, scope: ScopeRow, below: Place, limit: int) -> Iterator[Behind]:
    key_us, epoch, seq = below
    values = {"scope": scope.id, "key_us": key_us, "epoch": epoch, "seq": seq, "limit": limit}
    for key_us, epoch, seq, *rest in connection.execute(_ROWS, values).fetchall():
        yield Behind((key_us, epoch, seq), scope, *rest)


def _plain(connection: Sql, known: Pages, scope: ScopeRow, tail: bytes, below: Place) -> Iterator[Behind]:
    sorts: dict[int, _Sort] = {}
    for part in tails.newest_first(connection, known, scope.id or 0, tail, below[0]):
        for found in part:
            if (found.t_us, found.page.epoch, found.seq) < below:
                yield _behind(connection, found, scope, sorts)


def _behind(connection: Sql, found: Found, scope: ScopeRow, sorts: dict[int, _Sort]) -> Behind:
    page, at = found.page, found.place
    sort = page.sort(at)
    if sort not in sorts:
        sorts[sort] = connection.execute(_SORT, {"sort": sort}).fetchone()
    reason, code, lead_us, lag_us = sorts[sort]
    t_us, err_us = page.time(at)
    place = t_us, page.epoch, found.seq
    told = t_us, err_us, page.qty_milli(at), reason, None, code
    return Behind(place, scope, DELTA, None, *told, None, None, None, lead_us, lag_us)


def _place(behind: Behind) -> Any:
    return behind.place
