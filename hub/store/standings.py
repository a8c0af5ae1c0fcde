"""The figures of scopes as the writer's thread has them: remembered between transactions, written once in each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from hub.errors import ContractBroken
from hub.ledger.entries import Scope
from hub.ledger.figures import CountFigure, ScopeState
from hub.store import scope_rows, tables, tails
from hub.store.epochs import EpochRows
from hub.store.reading import NO_ITEM
from hub.store.sql import Sql
from hub.store.standing import Sort, Standing
from hub.store.statements import one_of, putting
from protocol.events import Reason
from protocol.identity import ItemId, PlaceId

_REMEMBERED = 100_000
"""Scopes remembered: one takes about two kilobytes."""


_c = tables.sort.c
_SELECT_SORT = select(_c.id, _c.scope, _c.code, _c.reason, _c.lead_us, _c.lag_us)
_SORT_BY_ROW = _SELECT_SORT.where(_c.id == bindparam("row"))
_SORTS_OF = _SELECT_SORT.where(one_of(_c.scope, "scopes")).order_by(_c.id)
_INSERT_SORT = putting(tables.sort)
_LAST_SCOPE = select(func.coalesce(func.max(tables.scope.c.id), 0))
_LAST_SORT = select(func.coalesce(func.max(_c.id), 0))


class Standings:
    """Belongs to the writer's thread; `forget` after a transaction that did not happen."""

    def __init__(self, epochs: EpochRows) -> None:
        self._epochs = epochs
        self._by_scope: dict[Scope, Standing] = {}
        self._by_row: dict[int, Standing] = {}
        self._sorts: dict[tuple[int, str, Reason, int, int], Sort] = {}
        self._sorts_by_row: dict[int, Sort] = {}
        self._whole: set[ItemId] = set()
        self._new_sorts: list[scope_rows.Row] = []
        self._last_row: int | None = None
        self._last_sort: int | None = None
        self.touched: dict[int, Standing] = {}
        """Those to be written, by row; whoever adds to `fresh` or `changed` puts the scope here."""
        self._written: set[ItemId] = set()
        self._new: list[Scope] = []
        self.as_of = 0
        """Grows when what was given before is not to be used any more."""

    def take_written(self) -> set[ItemId]:
        """Give the items whose figures were written since this was last asked."""
        written, self._written = self._written, set()
        return written

    def take_new(self) -> list[Scope]:
        """Give the scopes that got their rows since this was last asked."""
        new, self._new = self._new, []
        return new

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self.as_of += 1
        self._by_scope.clear()
        self._by_row.clear()
        self._sorts.clear()
        self._sorts_by_row.clear()
        self._whole.clear()
        self._new_sorts.clear()
        self.touched.clear()
        self._last_row = self._last_sort = None

    def of(self, connection: Sql, scope: Scope) -> Standing:
        """Give a scope's standing; one never heard of gets a row, of zeros."""
        known = self._by_scope.get(scope)
        if known is None:
            if scope.item == NO_ITEM:
                # Codes that mean no item may be without end.
                self._load(connection, connection.execute(scope_rows.SCOPE, scope._asdict()).fetchall())
            else:
                self.know(connection, (scope.item,))
            known = self._by_scope.get(scope)
        if known is None:
            if self._last_row is None:
                self._last_row = int(connection.execute(_LAST_SCOPE).fetchone()[0])
            self._last_row += 1
            known = self._remember(Standing(self._last_row, scope, None, 0, b""))
            self.touched[known.row] = known
            self._new.append(scope)
        return known

    def know(self, connection: Sql, items: Iterable[ItemId]) -> None:
        """Look up the scopes of items, all at once, before they are asked for one by one."""
        unknown = [item for item in items if item not in self._whole]
        if unknown:
            self._load(connection, connection.execute(scope_rows.SCOPES_OF, {"items": unknown}).fetchall())
            self._whole.update(unknown)

    def look_up(self, connection: Sql, rows: Iterable[int]) -> None:
        """Look up scopes by their rows, all at once, before they are asked for one by one."""
        unknown = [row for row in rows if row not in self._by_row]
        if unknown:
            self._load(connection, connection.execute(scope_rows.SCOPES_AT, {"rows": unknown}).fetchall())

    def by_row(self, connection: Sql, row: int) -> Standing:
        """Give the standing of a scope's row that is there."""
        known = self._by_row.get(row)
        if known is None:
            self.look_up(connection, (row,))
            known = self._by_row.get(row)
        if known is None:
            raise ContractBroken(f"there is no scope row {row}")
        return known

    def sort(self, connection: Sql, scope: Scope, code: str, reason: Reason, lead_us: int, lag_us: int) -> Sort:
        """Give the sort of these, which has a row from now on."""
        standing = self.of(connection, scope)
        key = (standing.row, code, reason, lead_us, lag_us)
        known = self._sorts.get(key)
        if known is None:
            if self._last_sort is None:
                self._last_sort = int(connection.execute(_LAST_SORT).fetchone()[0])
            self._last_sort += 1
            row = (self._last_sort, standing.row, code, reason.value, lead_us, lag_us)
            self._new_sorts.append(row)
            known = self._remember_sort(row, standing)
        return known

    def sort_by_row(self, connection: Sql, row: int) -> Sort:
        """Give the sort that a page names."""
        known = self._sorts_by_row.get(row)
        if known is None:
            found = connection.execute(_SORT_BY_ROW, {"row": row}).fetchone()
            if found is not None:
                # With it come all its sorts.
                self.by_row(connection, found[1])
            known = self._sorts_by_row.get(row)
        if known is None:
            raise ContractBroken(f"there is no sort {row}")
        return known

    def change(self, connection: Sql, states: Sequence[ScopeState]) -> None:
        """Replace the figures of scopes."""
        for state in states:
            standing = self.of(connection, state.scope)
            standing.replace(state)
            standing.changed = True
            self.touched[standing.row] = standing

    def strike(self, standing: Standing) -> None:
        """Note that a delta has left its page."""
        standing.plain -= 1
        standing.changed = True
        self.touched[standing.row] = standing

    def write(self, connection: Sql) -> None:
        """Write what was touched. Belongs at the end of a transaction, and before what looks for scopes by SQL."""
        new: list[scope_rows.Row] = []
        changed: list[scope_rows.Row] = []
        moved: list[scope_rows.Row] = []
        runs: list[tuple[int, int, int, bytes]] = []
        for row in sorted(self.touched):
            standing = self.touched[row]
            self._written.add(standing.scope.item)
            state, before = standing.close(), standing.filed
            if standing.fresh:
                standing.tail += tails.packed(standing.fresh)
                standing.plain += len(standing.fresh) // 2
                standing.fresh.clear()
                if len(standing.tail) > tails.LONGEST * tails.REF_BYTES:
                    runs.append(tails.spilled(row, standing.tail))
                    standing.tail = b""
            if state is None:
                state = standing.state = ScopeState(standing.scope)
            standing.filed, standing.changed = state, False
            kept = standing.plain, standing.tail
            if before is None or not scope_rows.moves_alone(before, state):
                anchor = None if state.anchor is None else self._place(connection, state.anchor)
                figures = scope_rows.figures(state, anchor or (None, None))
                if before is None:
                    new.append((row, *standing.scope, *figures, *kept))
                else:
                    changed.append((*figures, *kept, row))
            else:
                moved.append((*scope_rows.moved(state), *kept, row))
        connection.executemany(scope_rows.INSERT_SCOPE, new)
        connection.executemany(scope_rows.UPDATE_SCOPE, changed)
        connection.executemany(scope_rows.UPDATE_MOVED, moved)
        connection.executemany(tails.INSERT_RUN, runs)
        connection.executemany(_INSERT_SORT, self._new_sorts)
        self._new_sorts.clear()
        self.touched.clear()
        if len(self._by_row) > _REMEMBERED:
            self.forget()

    def _load(self, connection: Sql, rows: Sequence[scope_rows.Row]) -> None:
        """Take scopes as they are in the file, with all their sorts; those that are known are not."""
        loaded: dict[int, Standing] = {}
        for row in rows:
            found = scope_rows.ScopeRow.of(row)
            if found.id in self._by_row:
                continue
            scope = Scope(ItemId(found.item), PlaceId(found.area))
            anchor = None
            if found.anchor_epoch is not None:
                epoch, seq, *_ = found.anchor
                if epoch is None:
                    raise ContractBroken(f"{scope} rests on a count that has no figures")
                anchor = scope_rows.to_figure(found.anchor, self._epochs.by_id(connection, epoch).entry(seq), scope)
            state = ScopeState(scope, anchor, *found.sums)
            loaded[found.id] = self._remember(Standing(found.id, scope, state, found.plain, found.tail))
        if loaded:
            for row in connection.execute(_SORTS_OF, {"scopes": list(loaded)}).fetchall():
                self._remember_sort(row, loaded[row[1]])

    def _remember(self, standing: Standing) -> Standing:
        self._by_scope[standing.scope] = self._by_row[standing.row] = standing
        return standing

    def _remember_sort(self, row: tuple[Any, ...], standing: Standing) -> Sort:
        identity, _, code, reason, lead_us, lag_us = row
        sort = Sort(identity, standing, code, Reason(reason), lead_us, lag_us)
        standing.sorts.append(sort)
        self._sorts[standing.row, code, sort.reason, lead_us, lag_us] = self._sorts_by_row[identity] = sort
        return sort

    def _place(self, connection: Sql, figure: CountFigure) -> tuple[int, int]:
        epoch = self._epochs.of_entry(connection, figure.id)
        if epoch is None:
            raise ContractBroken(f"{figure.id} belongs to an epoch that never came")
        return epoch.id, figure.id.seq
