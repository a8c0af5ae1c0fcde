"""The columns of scopes' and counts' figures, and the way between them and the ledger's values."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sqlalchemy import and_, bindparam, delete, func, select

from hub.ledger.entries import Scope
from hub.ledger.figures import CountFigure, ScopeState
from hub.store import tables
from hub.store.statements import changing, given, one_of, putting, replacing
from protocol.identity import EntryId

Row = tuple[Any, ...]

_c, _s = tables.count_figure.c, tables.scope.c
COUNT_COLUMNS: Final = (
    _c.epoch, _c.seq, _c.qty_milli, _c.t_us, _c.from_us, _c.to_us, _c.moved_milli, _c.expected_milli, _c.opening,
    _c.revision, _c.lo_milli, _c.hi_milli, _c.closed,
)  # fmt: skip
_SUMS = (
    "moved_milli", "under_milli", "over_milli", "ambiguous", "supplier_milli", "customer_milli", "shrink_milli",
    "opening_milli", "transit_milli", "conversion_milli", "newest_us", "reach_us", "before_us", "after_us",
)  # fmt: skip
_FIGURES = ("anchor_epoch", "anchor_seq", *_SUMS, "on_hand_milli")
_MOVED = (
    "moved_milli", "supplier_milli", "customer_milli", "shrink_milli", "transit_milli", "conversion_milli",
    "newest_us", "reach_us", "on_hand_milli",
)  # fmt: skip

SELECT_COUNT: Final = select(*COUNT_COLUMNS)
COUNTS_OF: Final = SELECT_COUNT.where(_c.scope == bindparam("scope"))
_other = tables.count_figure.alias().c
_EARLIER = select(func.max(_other.t_us)).where(_other.scope == bindparam("scope"), _other.t_us < bindparam("t_us"))
_LATER = select(func.min(_other.t_us)).where(_other.scope == bindparam("scope"), _other.t_us > bindparam("t_us"))
COUNTS_AROUND: Final = COUNTS_OF.where(
    _c.t_us >= func.coalesce(_EARLIER.scalar_subquery(), given("t_us", _c.t_us)),
    _c.t_us <= func.coalesce(_LATER.scalar_subquery(), given("t_us", _c.t_us)),
)
"""The counts of a scope at a time, with those of the last time before it and of the next one after it."""
DROP_COUNT: Final = delete(tables.count_figure).where(_c.epoch == bindparam("epoch"), _c.seq == bindparam("seq"))
REPLACE_COUNT: Final = replacing(tables.count_figure)
SELECT_SCOPE: Final = select(
    _s.id, _s.item, _s.area, _s.plain, _s.tail, *(_s[name] for name in _SUMS), _s.anchor_epoch, *COUNT_COLUMNS
).select_from(tables.scope.outerjoin(tables.count_figure, and_(_c.epoch == _s.anchor_epoch, _c.seq == _s.anchor_seq)))
SCOPE: Final = SELECT_SCOPE.where(_s.item == bindparam("item"), _s.area == bindparam("area"))
SCOPES_OF: Final = SELECT_SCOPE.where(one_of(_s.item, "items"))
SCOPES_AT: Final = SELECT_SCOPE.where(one_of(_s.id, "rows"))
INSERT_SCOPE: Final = putting(tables.scope, "id", "item", "area", *_FIGURES, "plain", "tail")
UPDATE_SCOPE: Final = changing(tables.scope, *_FIGURES, "plain", "tail")
# Deltas alone move these as long as none raises a doubt, and to bind a column costs as much as to store it.
UPDATE_MOVED: Final = changing(tables.scope, *_MOVED, "plain", "tail")


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
        figure.expected_milli, int(figure.opening), figure.revision, figure.lo_milli, figure.hi_milli,
        int(figure.closed),
    )  # fmt: skip


def to_figure(row: Row, identity: EntryId, scope: Scope) -> CountFigure:
    """Make the value of a row of `SELECT_COUNT`."""
    _, _, qty, t_us, from_us, to_us, moved_milli, expected, opening, revision, lo_milli, hi_milli, closed = row
    return CountFigure(
        identity, scope, qty, t_us, from_us, to_us, moved_milli, expected, bool(opening), revision, lo_milli, hi_milli,
        bool(closed),
    )  # fmt: skip


class ScopeRow(NamedTuple):
    """A row of `SELECT_SCOPE`; `anchor` are the `COUNT_COLUMNS` of what it rests on."""

    id: int
    item: str
    area: str
    plain: int
    tail: bytes
    sums: Row
    anchor_epoch: int | None
    anchor: Row

    @classmethod
    def of(cls, row: Row) -> ScopeRow:
        """Name the columns."""
        identity, item, area, plain, tail, *others = row
        sums = len(_SUMS)
        return cls(identity, item, area, plain, tail, tuple(others[:sums]), others[sums], tuple(others[sums + 1 :]))
