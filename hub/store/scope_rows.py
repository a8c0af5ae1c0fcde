"""The columns of scopes' and counts' figures, and the way between them and the ledger's values."""

# ruff: noqa: S608 - what is put into SQL text here are this module's own lists of columns

from __future__ import annotations

from typing import Any

from hub.ledger.entries import Scope
from hub.ledger.figures import CountFigure, ScopeState
from protocol.identity import EntryId

Row = tuple[Any, ...]

_COUNT = "qty_milli, t_us, from_us, to_us, moved_milli, expected_milli, opening, revision"
_SCOPE = """moved_milli, under_milli, over_milli, ambiguous, supplier_milli, customer_milli, shrink_milli,
            opening_milli, transit_milli, conversion_milli, newest_us, reach_us, before_us, after_us"""
_FIGURES = f"anchor_epoch, anchor_seq, {_SCOPE}, on_hand_milli"
_MOVED = """moved_milli, supplier_milli, customer_milli, shrink_milli, transit_milli, conversion_milli,
            newest_us, reach_us, on_hand_milli"""


def _marks(columns: int) -> str:
    return ",".join("?" * columns)


SELECT_COUNT = f"SELECT epoch, seq, {_COUNT} FROM count_figure"
REPLACE_COUNT = f"INSERT OR REPLACE INTO count_figure (epoch, seq, scope, {_COUNT}) VALUES ({_marks(11)})"
SELECT_SCOPE = f"SELECT id, anchor_epoch, anchor_seq, {_SCOPE}, plain, tail FROM scope"
INSERT_SCOPE = f"INSERT INTO scope (id, item, area, {_FIGURES}, plain, tail) VALUES ({_marks(22)})"
UPDATE_SCOPE = f"UPDATE scope SET ({_FIGURES}, plain, tail) = ({_marks(19)}) WHERE id = ?"
# Deltas alone move these as long as none raises a doubt, and to bind a column costs as much as to store it.
UPDATE_MOVED = f"UPDATE scope SET ({_MOVED}, plain, tail) = ({_marks(11)}) WHERE id = ?"


def figures(state: ScopeState, anchor: tuple[int, int] | tuple[None, None]) -> Row:
    """Make the columns of `INSERT_SCOPE` between area and plain; `anchor` is the place of the count."""
    return (
        *anchor, state.moved_milli, state.under_milli, state.over_milli, state.ambiguous, state.supplier_milli,
        state.customer_milli, state.shrink_milli, state.opening_milli, state.transit_milli, state.conversion_milli,
        state.newest_us, state.reach_us, state.before_us, state.after_us, state.on_hand_milli,
    )  # fmt: skip


def moved(state: ScopeState) -> Row:
    """Make the columns that `UPDATE_MOVED` has before plain, tail and id."""
    return (
        state.moved_milli, state.supplier_milli, state.customer_milli, state.shrink_milli, state.transit_milli,
        state.conversion_milli, state.newest_us, state.reach_us, state.on_hand_milli,
    )  # fmt: skip


def moves_alone(before: ScopeState, after: ScopeState) -> bool:
    """Whether nothing but the columns of `UPDATE_MOVED` differs."""
    return (
        after.anchor is before.anchor
        and after.ambiguous == before.ambiguous
        and after.under_milli == before.under_milli
        and after.over_milli == before.over_milli
        and after.opening_milli == before.opening_milli
        and after.before_us == before.before_us
        and after.after_us == before.after_us
    )


def count_row(figure: CountFigure, place: tuple[int, int], scope: int) -> Row:
    """Make the columns of `REPLACE_COUNT`."""
    return (
        *place, scope, figure.qty_milli, figure.t_us, figure.from_us, figure.to_us, figure.moved_milli,
        figure.expected_milli, figure.opening, figure.revision,
    )  # fmt: skip


def to_figure(row: Row, identity: EntryId, scope: Scope) -> CountFigure:
    """Make the value of a row of `SELECT_COUNT`."""
    _, _, qty, t_us, from_us, to_us, moved_milli, expected, opening, revision = row
    return CountFigure(identity, scope, qty, t_us, from_us, to_us, moved_milli, expected, bool(opening), revision)


def to_state(row: Row, scope: Scope, anchor: CountFigure | None) -> ScopeState:
    """Make the value of a row of `SELECT_SCOPE`."""
    return ScopeState(scope, anchor, *row[3:])
