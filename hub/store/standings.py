"""The figures of scopes as the writer's thread has them: remembered between transactions, written once in each.

Plain deltas go into a scope by its sorts. A `Sort` is a scope, the code that was scanned, the reason, and how far
around its time the goods may have moved; nearly every item has one. Pages name it by its row, and it has a lane in the
books.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.errors import ContractBroken
from hub.ledger.entries import Delta, Scope
from hub.ledger.figures import CountFigure, ScopeState
from hub.ledger.lane import Lane
from hub.store import scope_rows, tails
from hub.store.entry_rows import Kept
from hub.store.epochs import EpochRows
from hub.store.pages import Page
from hub.store.reading import Read
from hub.store.scope_rows import SELECT_COUNT
from hub.store.sql import Sql
from protocol.events import Reason
from protocol.identity import EntryId, ItemId, PlaceId

_REMEMBERED = 100_000
"""Scopes remembered: one takes about two kilobytes."""


class Standing:
    """A scope: its row, its figures but for its lanes', and the places of its plain deltas.

    `filed` are the figures that the file holds; None if it has no row. `plain` counts the deltas in pages, `fresh` are
    the times and places that `tail` does not hold yet.
    """

    __slots__ = ("changed", "filed", "fresh", "plain", "row", "scope", "sorts", "state", "tail")

    def __init__(self, row: int, scope: Scope, state: ScopeState | None, plain: int, tail: bytes) -> None:
        self.row = row
        self.scope = scope
        self.state = self.filed = state
        self.plain = plain
        self.tail = tail
        self.fresh: list[int] = []
        self.sorts: list[Sort] = []
        self.changed = False

    def close(self) -> ScopeState | None:
        """Give the figures with all that came."""
        state = self.state
        if self.fresh:
            if state is None:
                state = ScopeState(self.scope)
            for sort in self.sorts:
                state = sort.lane.close(state)
            self.state = state
        return state

    def all_refs(self) -> bytes:
        """Give the tail as it will be written."""
        return self.tail + tails.packed(self.fresh)

    def replace(self, state: ScopeState) -> None:
        """Put other figures, made of those of `close`, in their place."""
        self.state = state
        for sort in self.sorts:
            sort.lane.rest_on(state.anchor)


class Sort:
    """See the module. `fresh` is its standing's."""

    __slots__ = ("area", "code", "fresh", "item", "lag_us", "lane", "lead_us", "reason", "row", "standing")

    def __init__(self, row: int, standing: Standing, code: str, reason: Reason, lead_us: int, lag_us: int) -> None:
        self.row = row
        self.standing = standing
        self.item, self.area = standing.scope
        self.fresh = standing.fresh
        self.code = code
        self.reason = reason
        self.lead_us = lead_us
        self.lag_us = lag_us
        state = standing.state
        self.lane = Lane(reason, lead_us, lag_us, None if state is None else state.anchor)

    def kept(self, identity: EntryId, page: Page, place: int) -> Kept:
        """Give an entry of this sort."""
        t_us, err_us = page.time(place)
        delta = Delta(
            identity, self.standing.scope, page.qty_milli(place), self.reason, t_us, err_us, self.lead_us, self.lag_us
        )
        return Kept(Read(delta, self.code), None, 1)


_SELECT_SORT = "SELECT id, scope, code, reason, lead_us, lag_us FROM sort"


class Standings:
    """Belongs to the writer's thread; `forget` after a transaction that did not happen."""

    def __init__(self, epochs: EpochRows) -> None:
        self._epochs = epochs
        self._by_scope: dict[Scope, Standing] = {}
        self._by_row: dict[int, Standing] = {}
        self._sorts: dict[tuple[int, str, Reason, int, int], Sort] = {}
        self._sorts_by_row: dict[int, Sort] = {}
        self._last_row: int | None = None
        self._last_sort: int | None = None
        self.touched: dict[int, Standing] = {}
        """Those to be written, by row; whoever adds to `fresh` or `changed` puts the scope here."""
        self._written: set[ItemId] = set()
        self.as_of = 0
        """Grows when what was given before is not to be used any more."""

    def take_written(self) -> set[ItemId]:
        """Give the items whose figures were written since this was last asked."""
        written, self._written = self._written, set()
        return written

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self.as_of += 1
        self._by_scope.clear()
        self._by_row.clear()
        self._sorts.clear()
        self._sorts_by_row.clear()
        self.touched.clear()
        self._last_row = self._last_sort = None

    def of(self, connection: Sql, scope: Scope) -> Standing:
        """Give a scope's standing; one never heard of gets a row, of zeros."""
        known = self._by_scope.get(scope)
        if known is None:
            row = connection.execute(f"{scope_rows.SELECT_SCOPE} WHERE item = ? AND area = ?", scope).fetchone()
            if row is None:
                self._last_row = self._after(connection, "scope", self._last_row)
                known = self._remember(Standing(self._last_row, scope, None, 0, b""))
                self.touched[known.row] = known
            else:
                known = self._load(connection, scope, row)
        return known

    def by_row(self, connection: Sql, row: int) -> Standing:
        """Give the standing of a scope's row that is there."""
        known = self._by_row.get(row)
        if known is None:
            found = connection.execute("SELECT item, area FROM scope WHERE id = ?", (row,)).fetchone()
            if found is None:
                raise ContractBroken(f"there is no scope row {row}")
            known = self.of(connection, Scope(ItemId(found[0]), PlaceId(found[1])))
        return known

    def sort(self, connection: Sql, scope: Scope, code: str, reason: Reason, lead_us: int, lag_us: int) -> Sort:
        """Give the sort of these, which has a row from now on."""
        standing = self.of(connection, scope)
        key = (standing.row, code, reason, lead_us, lag_us)
        known = self._sorts.get(key)
        if known is None:
            row = connection.execute(
                f"{_SELECT_SORT} WHERE (scope, code, reason, lead_us, lag_us) = (?,?,?,?,?)",
                (standing.row, code, reason.value, lead_us, lag_us),
            ).fetchone()
            if row is None:
                self._last_sort = self._after(connection, "sort", self._last_sort)
                row = (self._last_sort, standing.row, code, reason.value, lead_us, lag_us)
                connection.execute(
                    "INSERT INTO sort (id, scope, code, reason, lead_us, lag_us) VALUES (?,?,?,?,?,?)", row
                )
            known = self._remember_sort(row, standing)
        return known

    def sort_by_row(self, connection: Sql, row: int) -> Sort:
        """Give the sort that a page names."""
        known = self._sorts_by_row.get(row)
        if known is None:
            found = connection.execute(f"{_SELECT_SORT} WHERE id = ?", (row,)).fetchone()
            if found is None:
                raise ContractBroken(f"there is no sort {row}")
            known = self._remember_sort(found, self.by_row(connection, found[1]))
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
        self.touched.clear()
        if len(self._by_row) > _REMEMBERED:
            self.forget()

    @staticmethod
    def _after(connection: Sql, table: str, last: int | None) -> int:
        """Give the row after the last of a table; None: look it up."""
        if last is None:
            last = int(connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0])  # noqa: S608 - ours
        return last + 1

    def _load(self, connection: Sql, scope: Scope, row: scope_rows.Row) -> Standing:
        anchor = None
        if row[1] is not None:
            found = connection.execute(f"{SELECT_COUNT} WHERE epoch = ? AND seq = ?", row[1:3]).fetchone()
            if found is None:
                raise ContractBroken(f"{scope} rests on a count that has no figures")
            anchor = scope_rows.to_figure(found, self._epochs.by_id(connection, found[0]).entry(found[1]), scope)
        *figures, plain, tail = row
        return self._remember(Standing(row[0], scope, scope_rows.to_state(tuple(figures), scope, anchor), plain, tail))

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
