"""The columns of an entry's row, and the way between them and the ledger's values."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, select, update

from hub.errors import ContractBroken
from hub.ledger.entries import Cause, Count, Delta, Entry, Reversal, Scope
from hub.ledger.figures import Filed
from hub.store import tables
from hub.store.reading import Read
from hub.store.statements import one_of, putting, replacing
from protocol.events import Reason
from protocol.identity import EntryId

DELTA, COUNT, REVERSAL = 0, 1, 2

Row = tuple[Any, ...]

_c = tables.entry.c
SELECT_ENTRY: Final = select(
    _c.epoch, _c.seq, _c.kind, _c.scope, _c.t_us, _c.err_us, _c.span_us, _c.lead_us, _c.lag_us, _c.qty_milli, _c.reason,
    _c.document, _c.code, _c.fit, _c.reverses, _c.reversed_by, _c.told, _c.lo_milli, _c.hi_milli, _c.closed, _c.stands,
)  # fmt: skip
IN_RANGE: Final = SELECT_ENTRY.where(
    _c.epoch == bindparam("epoch"), _c.seq >= bindparam("first"), _c.seq <= bindparam("last")
)
OF_PLACES: Final = SELECT_ENTRY.where(_c.epoch == bindparam("epoch"), one_of(_c.seq, "seqs"))
REVERSALS_OF: Final = SELECT_ENTRY.where(_c.kind == REVERSAL, one_of(_c.reverses, "ids"))
_DELTAS_BETWEEN = SELECT_ENTRY.where(
    _c.scope == bindparam("scope"), _c.kind == DELTA, _c.key_us >= bindparam("low"), _c.key_us <= bindparam("high")
)
STANDING_BETWEEN: Final = _DELTAS_BETWEEN.where(_c.reversed_by.is_(None))
UNDONE_BETWEEN: Final = _DELTAS_BETWEEN.where(_c.reversed_by.is_not(None))
AWAITED: Final = select(_c.reverses).where(_c.kind == REVERSAL, _c.cause == Cause.REVERSES_UNKNOWN.value)
"""What reversals name and nobody knows yet."""
OF_EPOCHS: Final = SELECT_ENTRY.where(
    _c.seq <= select(tables.epoch.c.head).where(tables.epoch.c.id == _c.epoch).scalar_subquery()
)
"""All but those that their log has carried on under other ids."""
TELL_AGAIN: Final = (
    update(tables.entry)
    .where(_c.epoch == bindparam("in_epoch"), _c.seq == bindparam("at_seq"))
    .values(told=_c.told + 1)
)
REPLACE_ENTRY: Final = replacing(tables.entry)
# Nearly every entry is a delta heard for the first time; to bind a column costs as much as to store it.
INSERT_PLAIN: Final = putting(
    tables.entry, "epoch", "seq", "scope", "key_us", "t_us", "err_us", "lead_us", "lag_us", "qty_milli", "reason",
    "document", "code",
).values(kind=DELTA, fit=0, told=1, closed=0, stands=1)  # fmt: skip


class Kept(NamedTuple):
    """An entry of the books as its row holds it; `told` counts the feed's statements about it."""

    read: Read
    reversed_by: EntryId | None
    told: int


def to_row(filed: Filed, epoch: int, scope: int | None, code: str | None, told: int) -> Row:
    """Make the row for `REPLACE_ENTRY`. `epoch` and `scope` are the rows of those; the scope is that of `placed`."""
    entry = filed.entry
    cause = None if filed.cause is None else filed.cause.value
    reversed_by = None if filed.reversed_by is None else str(filed.reversed_by)
    if isinstance(entry, Delta):
        return (
            epoch, entry.id.seq, DELTA, scope, entry.t_us, entry.t_us, entry.err_us, None, entry.lead_us,
            entry.lag_us, entry.qty_milli, entry.reason.value, entry.document, code, entry.fit, cause, None,
            reversed_by, told, None, None, 0, 1,
        )  # fmt: skip
    if isinstance(entry, Count):
        return (
            epoch, entry.id.seq, COUNT, scope, entry.t_us, entry.t_us, entry.err_us, entry.span_us, 0, 0,
            entry.qty_milli, None, entry.document, code, entry.fit, cause, None, reversed_by, told, entry.lo_milli,
            entry.hi_milli, int(entry.closed), int(entry.stands),
        )  # fmt: skip
    key_us = entry.t_us if filed.target is None else filed.target.t_us
    return (
        epoch, entry.id.seq, REVERSAL, scope, key_us, entry.t_us, entry.err_us, None, 0, 0, filed.qty_milli, None,
        entry.document, None, entry.fit, cause, str(entry.reverses), None, told, None, None, 0, 1,
    )  # fmt: skip


def to_plain_row(delta: Delta, epoch: int, scope: int, code: str | None) -> Row:
    """Make the row for `INSERT_PLAIN` of a delta that stands, read and told of for the first time."""
    return (
        epoch, delta.id.seq, scope, delta.t_us, delta.t_us, delta.err_us, delta.lead_us, delta.lag_us, delta.qty_milli,
        delta.reason.value, delta.document, code,
    )  # fmt: skip


def from_row(row: Row, identity: EntryId, scope: Scope | None) -> Kept:
    """Make the values of a row of `SELECT_ENTRY`."""
    (
        _, _, kind, _, t_us, err_us, span_us, lead_us, lag_us, qty, reason, document, code, fit, reverses, by, told,
        lo_milli, hi_milli, closed, stands,
    ) = row  # fmt: skip
    entry: Entry
    if kind == REVERSAL:
        entry = Reversal(identity, EntryId.parse(reverses), t_us, err_us, document, fit)
    elif scope is None:
        raise ContractBroken(f"{identity} has no scope")
    elif kind == COUNT:
        entry = Count(
            identity, scope, qty, span_us, t_us, err_us, document, fit, lo_milli, hi_milli, bool(closed), bool(stands)
        )
    else:
        entry = Delta(identity, scope, qty, Reason(reason), t_us, err_us, lead_us, lag_us, document, fit)
    return Kept(Read(entry, code), None if by is None else EntryId.parse(by), told)
