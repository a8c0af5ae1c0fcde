"""Baskets that are open at tills: since when, and how many lines are in them.

A basket moves nothing until it is sold, and then its lines come as movements at the times they were scanned at. So
while it is open, nothing since its opening is final, whatever its station says has been sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, delete, select

from hub.errors import ContractBroken
from hub.ledger.timefit import TimeSource
from hub.store.clocks import Clocks
from hub.store.epochs import EpochRow, EpochRows, station_of
from hub.store.sql import Row, Sql
from hub.store.statements import replacing
from hub.store.tables import basket, log
from protocol.events import BasketClosed, BasketEvent, BasketLine, BasketOpened, LineTakenOut, decode_station_entry
from protocol.identity import EntryId, PlaceId, StationId

_PUT: Final = replacing(basket)
_ALL: Final = select(*basket.columns)
_CLOSE: Final = delete(basket).where(basket.c.log == bindparam("in_log"), basket.c.name == bindparam("of"))
_OPEN: Final = _ALL.add_columns(log.c.name).join(log, log.c.id == basket.c.log).order_by(log.c.name, basket.c.name)


@dataclass(frozen=True, slots=True)
class BasketRow:
    """An open basket with so many lines; `from_us` None: the clock it was opened by is not known yet."""

    station: StationId
    name: str
    place: PlaceId
    document: str | None
    entry: EntryId
    from_us: int | None
    lines: int

    @property
    def source(self) -> str:
        """How it is named among what may still have something to say."""
        return source_name(self.station, self.name)


@dataclass(slots=True)
class _Open:
    epoch: EpochRow
    seq: int
    line: bytes
    event: BasketOpened
    lines: int = 0
    written: Row | None = None


class Baskets:
    """Takes what stations say of baskets. Belongs to the writer's thread; `forget` after what did not happen."""

    def __init__(self, epochs: EpochRows, clocks: Clocks) -> None:
        self._epochs = epochs
        self._clocks = clocks
        self._open: dict[tuple[int, str], _Open] | None = None

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self._open = None

    def take(self, sql: Sql, epoch: EpochRow, seq: int, line: bytes, event: BasketEvent) -> None:
        """Take an entry, the next of its log. Of a basket whose opening was lost nothing is known."""
        known = self._known(sql)
        of = epoch.log, event.basket
        match event:
            case BasketOpened():
                known[of] = _Open(epoch, seq, line, event)
            case BasketLine() | LineTakenOut():
                if of in known:
                    known[of].lines += 1 if isinstance(event, BasketLine) else -1
            case BasketClosed():
                if known.pop(of, None) is not None:
                    sql.execute(_CLOSE, {"in_log": epoch.log, "of": event.basket})

    def write(self, sql: Sql) -> None:
        """Write down what changed, and since when each basket is open by what is known of its clock now."""
        for (in_log, name), each in self._known(sql).items():
            timed = self._clocks.unraised(sql, each.epoch, each.seq, each.event.when)
            from_us = timed.t_us - timed.err_us if timed.source is TimeSource.ANCHORS else None
            row = (in_log, name, each.epoch.id, each.seq, each.line, from_us, each.lines)
            if row != each.written:
                sql.executemany(_PUT, [row])
                each.written = row

    def _known(self, sql: Sql) -> dict[tuple[int, str], _Open]:
        if self._open is None:
            self._open = {}
            for row in sql.execute(_ALL).fetchall():
                in_log, name, epoch, seq, line, _, lines = row
                self._open[in_log, name] = _Open(
                    self._epochs.by_id(sql, epoch), seq, line, _opening(line), lines, tuple(row)
                )
        return self._open


def open_baskets(sql: Sql, epochs: EpochRows) -> tuple[BasketRow, ...]:
    """List the baskets that are open, by station and name."""
    found: list[BasketRow] = []
    for _, name, epoch, seq, line, from_us, lines, log_name in sql.execute(_OPEN).fetchall():
        opened = _opening(line)
        entry = epochs.by_id(sql, epoch).entry(seq)
        station = station_of(log_name)
        found.append(BasketRow(station, name, PlaceId(opened.place), opened.document, entry, from_us, lines))
    return tuple(found)


def sources(sql: Sql) -> dict[str, int | None]:
    """Name the open baskets, each with the moment (UTC) before which nothing of it is; None if nobody can tell."""
    return {source_name(station_of(row[7]), row[1]): row[5] for row in sql.execute(_OPEN).fetchall()}


def source_name(station: StationId, name: str) -> str:
    """Name a basket among all stations."""
    return f"{station}/{name}"


def _opening(line: bytes) -> BasketOpened:
    event = decode_station_entry(line)
    if not isinstance(event, BasketOpened):
        raise ContractBroken("the line of a basket's opening opens none")
    return event
