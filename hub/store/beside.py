"""Lines of stations that move nothing by themselves and yet happened at some time, by which something else goes.

They are no entries of the books; their time is that of a station's clock, raised to the entry of the books before them,
and they raise nothing. When a clock is known better they are taken again, at their new time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import bindparam, select

from hub.ledger.timefit import Timed
from hub.store.clocks import Clocks
from hub.store.epochs import EpochRow
from hub.store.sql import Sql
from hub.store.statements import replacing
from hub.store.tables import beside
from protocol.events import ShelfCounted, Sweep

_KEEP = replacing(beside)
_KNOWN = select(beside.c.t_us, beside.c.err_us).where(
    beside.c.epoch == bindparam("epoch"), beside.c.seq == bindparam("seq")
)
_SEQS = select(beside.c.seq).where(
    beside.c.epoch == bindparam("epoch"), beside.c.seq.between(bindparam("first"), bindparam("last"))
)

BesideEvent = ShelfCounted | Sweep
Take = Callable[[Sql, EpochRow, int, Any, Timed], None]
"""(epoch, seq, event, its time): takes a line, or takes it again."""


class Beside:
    """Works in the writer's transactions. `takers` says who takes which kind of event."""

    def __init__(self, clocks: Clocks, takers: Mapping[type[BesideEvent], Take]) -> None:
        self._clocks = clocks
        self._takers = takers

    def take(self, sql: Sql, epoch: EpochRow, seq: int, event: BesideEvent, before: Timed) -> None:
        """Take an event, unless its time is known; `before` is that of the last entry of the books before it."""
        taker = self._takers.get(type(event))
        if taker is None:
            return
        timed = self._clocks.timed(sql, epoch, seq, event.when, before)
        known = sql.execute(_KNOWN, {"epoch": epoch.id, "seq": seq}).fetchone()
        if known is None or tuple(known) != (timed.t_us, timed.err_us):
            sql.execute(_KEEP, {"epoch": epoch.id, "seq": seq, "t_us": timed.t_us, "err_us": timed.err_us})
            taker(sql, epoch, seq, event, timed)

    @staticmethod
    def seqs(sql: Sql, epoch: int, first: int, last: int) -> set[int]:
        """Name the lines taken of an epoch row from seq `first` to `last`."""
        return {seq for (seq,) in sql.execute(_SEQS, {"epoch": epoch, "first": first, "last": last})}
