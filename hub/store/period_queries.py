"""What is asked of periods declared final: which there are, their figures, and what was corrected since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select

from hub.store import tables
from hub.store.epochs import JOURNAL, station_of
from hub.store.periods import STANDS, SUMS
from hub.store.sql import Row, Sql
from hub.store.statements import given, total
from protocol.decisions import decode_journal_entry
from protocol.identity import EntryId, Epoch, ItemId, PlaceId
from protocol.period_words import FigureRow, Finality

_period, _figure, _epoch = tables.period, tables.period_figure, tables.epoch
_ALL: Final = (
    select(_period.c.until_us, _epoch.c.name, _period.c.seq, _period.c.line)
    .join(_epoch, _epoch.c.id == _period.c.epoch)
    .where(_period.c.part == 1, _period.c.seq <= _epoch.c.head)
    .order_by(_period.c.until_us.desc())
)
_COUNTED: Final = (
    select(_figure.c.until_us, func.count())
    .join(_epoch, _epoch.c.id == _figure.c.epoch)
    .where(STANDS, _figure.c.declared == given("declared", _figure.c.declared))
    .group_by(_figure.c.until_us)
)
_CORRECTIONS: Final = (
    select(*_figure.columns)
    .join(_epoch, _epoch.c.id == _figure.c.epoch)
    .where(STANDS, _figure.c.declared == 0, _figure.c.until_us == given("until_us", _figure.c.until_us))
    .order_by(_figure.c.at_us.desc(), _figure.c.item, _figure.c.area)
)
_CLOSING: Final = (
    select(_figure.c.item, _figure.c.area, total(_figure.c.on_hand_milli * _figure.c.declared), *SUMS)
    .join(_epoch, _epoch.c.id == _figure.c.epoch)
    .where(STANDS, _figure.c.until_us == given("until_us", _figure.c.until_us))
    .group_by(_figure.c.item, _figure.c.area)
    .order_by(_figure.c.item, _figure.c.area)
)


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """A period declared final: by whom and why, without which stations, of how many items, corrected how often."""

    until_us: int
    at_us: int
    entry: EntryId
    excluded: tuple[str, ...]
    author: str
    note: str
    figures: int
    corrections: int


@dataclass(frozen=True, slots=True)
class CorrectionRow:
    """What a closed figure was off by, as it came to be known at `at_us`; the quantities sum to zero."""

    at_us: int
    figures: FigureRow


@dataclass(frozen=True, slots=True)
class ClosingRow:
    """On hand as it was declared, and all figures with what was corrected since."""

    declared_milli: int
    figures: FigureRow


def periods(sql: Sql) -> tuple[PeriodRow, ...]:
    """List the periods, the last first."""
    figures = dict(map(tuple, sql.execute(_COUNTED, {"declared": 1}).fetchall()))
    corrections = dict(map(tuple, sql.execute(_COUNTED, {"declared": 0}).fetchall()))
    found: list[PeriodRow] = []
    for until_us, name, seq, line in sql.execute(_ALL).fetchall():
        word = decode_journal_entry(line)
        if isinstance(word, Finality):
            entry = EntryId(station_of(JOURNAL), Epoch.parse(name), seq)
            of, off = figures.get(until_us, 0), corrections.get(until_us, 0)
            found.append(PeriodRow(until_us, word.at_us, entry, word.excluded, word.author, word.note, of, off))
    return tuple(found)


def corrections_of(sql: Sql, until_us: int, limit: int) -> tuple[CorrectionRow, ...]:
    """List corrections of a period, the newest first."""
    rows = sql.execute(_CORRECTIONS, {"until_us": until_us}).fetchmany(limit)
    return tuple(CorrectionRow(row[6], _figure_row(row[0], row[1], row[7:])) for row in rows)


def closing(sql: Sql, until_us: int) -> tuple[ClosingRow, ...]:
    """List the figures of a period, by item and area."""
    rows = sql.execute(_CLOSING, {"until_us": until_us}).fetchall()
    return tuple(ClosingRow(row[2], _figure_row(row[0], row[1], row[3:])) for row in rows)


def _figure_row(item: str, area: str, numbers: Row) -> FigureRow:
    return FigureRow(ItemId(item), PlaceId(area), *numbers)
