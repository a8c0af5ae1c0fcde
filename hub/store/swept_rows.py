"""Sweeps of tags as rows, without the tags, and which passes of sessions are to be counted by them again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from hub.ledger.timefit import Timed
from hub.store.epochs import EpochRow
from hub.store.sql import Sql
from hub.store.statements import one_of, replacing
from hub.store.tables import resweep, tag
from hub.store.tables import swept as rows
from protocol.events import Sweep as SweepEvent

_PUT: Final = replacing(rows)
_DUE: Final = replacing(resweep)
_ALL_DUE: Final = (
    insert(resweep)
    .from_select(
        ["session", "pass"],
        select(rows.c.session, rows.c["pass"])
        .group_by(rows.c.session, rows.c["pass"])
        .having(func.max(rows.c.to_us) >= bindparam("since")),
    )
    .on_conflict_do_nothing()
)
_ANY: Final = select(rows.c.seq).limit(1)
_ANY_OF_CODES: Final = select(tag.c.epc).where(one_of(tag.c.gtin, "some")).limit(1)


class SweptRow(NamedTuple):
    """A sweep without its tags; `epoch` is that epoch's row."""

    epoch: int
    seq: int
    session: str
    pass_: int
    place: str
    from_us: int
    to_us: int
    err_us: int
    person: str


def swept_row(epoch: EpochRow, seq: int, event: SweepEvent, timed: Timed) -> SweptRow:
    """Make the row of a sweep."""
    return SweptRow(
        epoch.id, seq, event.session, event.pass_, event.place,
        timed.t_us - max(0, event.when.up_us - event.from_up_us), timed.t_us, timed.err_us, event.person,
    )  # fmt: skip


def keep(sql: Sql, sweeps: Sequence[SweptRow]) -> None:
    """Write sweeps, in the place of what was known of the same entries, and have their passes counted again."""
    sql.executemany(_PUT, sweeps)
    sql.executemany(_DUE, {(row.session, row.pass_) for row in sweeps})


def sweep_again(sql: Sql, since_us: int, codes: Sequence[str] | None = None) -> None:
    """Have the passes counted again that ended at `since_us` or later; about codes, only if tags have those."""
    if sql.execute(_ANY).fetchone() is None:
        return
    if codes is None or sql.execute(_ANY_OF_CODES, {"some": codes}).fetchone() is not None:
        sql.execute(_ALL_DUE, {"since": since_us})
