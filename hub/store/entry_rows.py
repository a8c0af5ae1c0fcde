"""The columns of an entry's row, and the way between them and the ledger's values."""

from __future__ import annotations

from typing import Any, NamedTuple

from hub.errors import ContractBroken
from hub.ledger.entries import Count, Delta, Entry, Reversal, Scope
from hub.ledger.figures import Filed
from hub.store.reading import Read
from protocol.events import Reason
from protocol.identity import EntryId

SELECT_ENTRY = """SELECT epoch, seq, kind, scope, t_us, err_us, span_us, lead_us, lag_us, qty_milli, reason, document,
                         code, fit, reverses, reversed_by, told FROM entry"""
INSERT_ENTRY = "INSERT INTO entry VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
REPLACE_ENTRY = INSERT_ENTRY.replace("INSERT", "INSERT OR REPLACE")
# Nearly every entry is a delta heard for the first time; to bind a column costs as much as to store it.
INSERT_PLAIN = """INSERT INTO entry VALUES
                  (?1, ?2, 0, ?3, ?4, ?4, ?5, NULL, ?6, ?7, ?8, ?9, ?10, ?11, 0, NULL, NULL, NULL, 1)"""
DELTA, COUNT, REVERSAL = 0, 1, 2

Row = tuple[Any, ...]


class Kept(NamedTuple):
    """An entry of the books as its row holds it; `told` counts the feed's statements about it."""

    read: Read
    reversed_by: EntryId | None
    told: int


def to_row(filed: Filed, epoch: int, scope: int | None, code: str | None, told: int) -> Row:
    """Make the row for `INSERT_ENTRY`. `epoch` and `scope` are the rows of those; the scope is that of `placed`."""
    entry = filed.entry
    cause = None if filed.cause is None else filed.cause.value
    reversed_by = None if filed.reversed_by is None else str(filed.reversed_by)
    if isinstance(entry, Delta):
        return (
            epoch, entry.id.seq, DELTA, scope, entry.t_us, entry.t_us, entry.err_us, None, entry.lead_us,
            entry.lag_us, entry.qty_milli, entry.reason.value, entry.document, code, entry.fit, cause, None,
            reversed_by, told,
        )  # fmt: skip
    if isinstance(entry, Count):
        return (
            epoch, entry.id.seq, COUNT, scope, entry.t_us, entry.t_us, entry.err_us, entry.span_us, 0, 0,
            entry.qty_milli, None, entry.document, code, entry.fit, cause, None, reversed_by, told,
        )  # fmt: skip
    key_us = entry.t_us if filed.target is None else filed.target.t_us
    return (
        epoch, entry.id.seq, REVERSAL, scope, key_us, entry.t_us, entry.err_us, None, 0, 0, filed.qty_milli, None,
        entry.document, None, entry.fit, cause, str(entry.reverses), None, told,
    )  # fmt: skip


def to_plain_row(delta: Delta, epoch: int, scope: int, code: str | None) -> Row:
    """Make the row for `INSERT_PLAIN` of a delta that stands, read and told of for the first time."""
    return (
        epoch, delta.id.seq, scope, delta.t_us, delta.err_us, delta.lead_us, delta.lag_us, delta.qty_milli,
        delta.reason.value, delta.document, code,
    )  # fmt: skip


def from_row(row: Row, identity: EntryId, scope: Scope | None) -> Kept:
    """Make the values of a row of `SELECT_ENTRY`."""
    (_, _, kind, _, t_us, err_us, span_us, lead_us, lag_us, qty, reason, document, code, fit, reverses, by, told) = row
    entry: Entry
    if kind == REVERSAL:
        entry = Reversal(identity, EntryId.parse(reverses), t_us, err_us, document, fit)
    elif scope is None:
        raise ContractBroken(f"{identity} has no scope")
    elif kind == COUNT:
        entry = Count(identity, scope, qty, span_us, t_us, err_us, document, fit)
    else:
        entry = Delta(identity, scope, qty, Reason(reason), t_us, err_us, lead_us, lag_us, document, fit)
    return Kept(Read(entry, code), None if by is None else EntryId.parse(by), told)
