"""The entries behind an item's figures, newest first, from wherever the books keep them: rows and pages."""

# ruff: noqa: S608 - what is put into SQL text here are this module's own lists of columns

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from hub.store import tails
from hub.store.entry_rows import DELTA
from hub.store.sql import Sql
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


_SCOPE = "scope.id, scope.item, scope.area, anchor_epoch, anchor_seq, anchor.t_us"
_ANCHOR = "LEFT JOIN count_figure AS anchor ON anchor.epoch = anchor_epoch AND anchor.seq = anchor_seq"


def newest_first(connection: Sql, item: ItemId, area: PlaceId | None, below: Place, limit: int) -> list[Behind]:
    """Give the entries of an item's scopes below a place."""
    scopes = connection.execute(
        f"SELECT {_SCOPE}, tail FROM scope {_ANCHOR} WHERE item = ?1 AND (?2 IS NULL OR area = ?2)", (item, area)
    ).fetchall()
    known = Pages(connection)
    ways: list[Iterator[Behind]] = []
    for *row, tail in scopes:
        scope = ScopeRow(*row)
        ways += (_rows(connection, scope, below), _plain(connection, known, scope, tail, below))
    return list(islice(merge(*ways, key=_place, reverse=True), limit))


def entry_at(connection: Sql, known: Pages, epoch: int, seq: int) -> Behind | None:
    """Give an entry of the books; one that is in no scope has one without an item."""
    row = connection.execute(
        f"""SELECT key_us, kind, cause, entry.t_us, err_us, entry.qty_milli, reason, document, code, reverses,
                   reversed_by, {_SCOPE}
            FROM entry LEFT JOIN scope ON scope.id = entry.scope {_ANCHOR} WHERE entry.epoch = ? AND entry.seq = ?""",
        (epoch, seq),
    ).fetchone()
    if row is not None:
        key_us, *told = row[:11]
        return Behind((key_us, epoch, seq), ScopeRow(*row[11:]), *told)
    page = known.holding(epoch, seq)
    if page is None or not page.sort(seq - page.first):
        return None
    row = connection.execute(
        f"SELECT {_SCOPE} FROM sort JOIN scope ON scope.id = sort.scope {_ANCHOR} WHERE sort.id = ?",
        (page.sort(seq - page.first),),
    ).fetchone()
    return _behind(connection, Found(page.time(seq - page.first)[0], page, seq - page.first), ScopeRow(*row), {})


def _rows(connection: Sql, scope: ScopeRow, below: Place) -> Iterator[Behind]:
    rows = connection.execute(
        """SELECT key_us, entry.epoch, entry.seq, kind, cause, entry.t_us, err_us, entry.qty_milli, reason, document,
                  code, reverses, reversed_by, figure.qty_milli - figure.expected_milli,
                  lead_us, lag_us
           FROM entry LEFT JOIN count_figure AS figure ON figure.epoch = entry.epoch AND figure.seq = entry.seq
           WHERE entry.scope = ?1 AND (key_us, entry.epoch, entry.seq) < (?2, ?3, ?4)
           ORDER BY key_us DESC, entry.epoch DESC, entry.seq DESC""",
        (scope.id, *below),
    )
    for key_us, epoch, seq, *rest in rows:
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
        sorts[sort] = connection.execute(
            "SELECT reason, code, lead_us, lag_us FROM sort WHERE id = ?", (sort,)
        ).fetchone()
    reason, code, lead_us, lag_us = sorts[sort]
    t_us, err_us = page.time(at)
    place = t_us, page.epoch, found.seq
    told = t_us, err_us, page.qty_milli(at), reason, None, code
    return Behind(place, scope, DELTA, None, *told, None, None, None, lead_us, lag_us)


def _place(behind: Behind) -> Any:
    return behind.place
