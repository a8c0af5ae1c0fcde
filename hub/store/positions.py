"""Which station stood where, and when: by decisions, each from a moment on. A spare inherits a position, not a name."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from hub.errors import ContractBroken
from hub.ledger.dated import Dated, Number
from hub.store.epochs import EpochRow
from hub.store.sql import Row, Sql
from hub.store.statements import given, replacing
from hub.store.tables import epoch, position_given
from protocol.dated_words import PositionGiven
from protocol.decisions import decode_journal_entry
from protocol.identity import HUB_STATION, EntryId, Epoch, PlaceId, StationId

_PUT: Final = replacing(position_given)
_WORDS: Final = select(
    position_given.c.position,
    position_given.c.from_us,
    epoch.c.name,
    position_given.c.seq,
    position_given.c.line,
).join(epoch, epoch.c.id == position_given.c.epoch)
_WORDS_OF: Final = _WORDS.where(position_given.c.position == given("position", position_given.c.position))


@dataclass(frozen=True, slots=True)
class PositionRow:
    """What holds of a position from `from_us` on, by whose word; `station` None: nothing stands there."""

    position: PlaceId
    station: StationId | None
    area: PlaceId
    from_us: int
    entry: EntryId
    author: str
    note: str


def take(sql: Sql, teller: EpochRow, seq: int, line: bytes, word: PositionGiven) -> None:
    """Take an entry of the journal; one that was taken before changes nothing."""
    sql.executemany(_PUT, [(word.position, word.from_us, teller.id, seq, line)])


def station_at(sql: Sql, position: str, t_us: int) -> StationId | None:
    """Say which station stood at a position at a moment (UTC); None: none that anybody spoke of."""
    held = position_at(sql, position, t_us)
    return None if held is None else held.station


def position_at(sql: Sql, position: str, t_us: int) -> PositionRow | None:
    """Say what holds of a position at a moment (UTC); None if nobody spoke of it."""
    return _dated(sql.execute(_WORDS_OF, {"position": position}).fetchall()).at(t_us)


def positions(sql: Sql, t_us: int) -> tuple[PositionRow, ...]:
    """List the positions that anybody spoke of, as of a moment (UTC)."""
    rows: defaultdict[str, list[Row]] = defaultdict(list)
    for row in sql.execute(_WORDS).fetchall():
        rows[row[0]].append(row)
    found = (_dated(rows[name]).at(t_us) for name in sorted(rows))
    return tuple(row for row in found if row is not None)


def _dated(rows: list[Row]) -> Dated[PositionRow | None]:
    return Dated([(row[1], _number(row), _row(row)) for row in rows], None)


def _number(row: Row) -> Number:
    return Epoch.parse(row[2]).generation, row[3]


def _row(row: Row) -> PositionRow:
    position, from_us, name, seq, line = row
    word = decode_journal_entry(line)
    if not isinstance(word, PositionGiven):
        raise ContractBroken(f"entry {seq} of the journal's {name} is no word on a position")
    station = None if word.station is None else StationId(word.station)
    entry = EntryId(HUB_STATION, Epoch.parse(name), seq)
    return PositionRow(PlaceId(position), station, PlaceId(word.area), from_us, entry, word.author, word.note)
