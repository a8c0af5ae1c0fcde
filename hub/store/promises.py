"""What of the stock is kept for somebody or for safety: the journal's words on it, and what was sold by document.

Asked with every figure that is shown, about items most of which nobody spoke of: then it is one look into an index.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from hub.errors import ContractBroken
from hub.ledger.dated import Dated, Number
from hub.ledger.promises import EVERYWHERE, Promised, Reservation, ReservationState, SafetyWord
from hub.store import tables
from hub.store.entry_rows import DELTA
from hub.store.epochs import EpochRow
from hub.store.sql import Row, Sql
from hub.store.statements import given, one_of, replacing, total
from hub.store.tables import epoch, promise
from protocol.decisions import (
    PromiseWord,
    ReservationSaid,
    ReservationStep,
    SafetyGiven,
    decode_journal_entry,
)
from protocol.events import Reason
from protocol.identity import HUB_STATION, EntryId, Epoch, ItemId, PlaceId

_SAFETY: Final = ""
_PUT: Final = replacing(promise)
_entry, _scope = tables.entry.c, tables.scope.c
_WORDS: Final = select(
    promise.c.item, promise.c.area, promise.c.document, promise.c.from_us, epoch.c.name, promise.c.seq, promise.c.line
).join(epoch, epoch.c.id == promise.c.epoch)
_WORDS_OF: Final = _WORDS.where(one_of(promise.c.item, "items"))
_WORD_OF: Final = _WORDS.where(
    promise.c.item == given("item", promise.c.item),
    promise.c.area == given("area", promise.c.area),
    promise.c.document == given("document", promise.c.document),
)
_SOLD: Final = (
    select(_entry.document, _scope.item, _scope.area, total(_entry.qty_milli))
    .join(tables.scope, _scope.id == _entry.scope)
    .join(epoch, epoch.c.id == _entry.epoch)
    .where(
        # Those after the head have been carried on under other ids.
        _entry.seq <= epoch.c.head,
        one_of(_entry.document, "documents"),
        _entry.document.is_not(None),
        _entry.kind == DELTA,
        _entry.reason.in_([Reason.SALE.value, Reason.RETURN.value]),
        _entry.reversed_by.is_(None),
        _entry.cause.is_(None),
    )
    .group_by(_entry.document, _scope.item, _scope.area)
)
_Thing = tuple[str, str, str]
"""(document, item, area)"""


@dataclass(frozen=True, slots=True)
class ReservationRow:
    """A reservation: `open_milli` of its `qty_milli` are kept still; who spoke of it last, and why."""

    document: str
    item: ItemId
    area: PlaceId
    state: ReservationState
    qty_milli: int
    sold_milli: int
    open_milli: int
    until_us: int | None
    at_us: int
    entry: EntryId
    author: str
    note: str


@dataclass(frozen=True, slots=True)
class SafetyRow:
    """What is kept for safety of an item in an area (None: in all that have no word of their own), by whose word."""

    item: ItemId
    area: PlaceId | None
    qty_milli: int
    from_us: int
    entry: EntryId
    author: str
    note: str


class Promises:
    """Takes what the journal says, in the writer's thread."""

    def __init__(self) -> None:
        self._said: set[ItemId] = set()

    def take_said(self) -> set[ItemId]:
        """Give the items that were spoken of since this was last asked."""
        said, self._said = self._said, set()
        return said

    def take(self, sql: Sql, teller: EpochRow, seq: int, line: bytes, word: PromiseWord) -> None:
        """Take an entry of the journal; one that was taken before changes nothing."""
        document, from_us = (word.document, 0) if isinstance(word, ReservationSaid) else (_SAFETY, word.from_us)
        sql.executemany(_PUT, [(word.item, word.area, document, from_us, teller.id, seq, word.qty_milli, line)])
        self._said.add(ItemId(word.item))


def promised(sql: Sql, items: Iterable[str]) -> Mapping[str, Promised]:
    """Say what of some items may not be promised; those that nobody spoke of are left out."""
    rows = sql.execute(_WORDS_OF, {"items": list(items)}).fetchall()
    if not rows:
        return {}
    reservations: defaultdict[str, list[Reservation]] = defaultdict(list)
    for (_, item, _), reservation, _, _ in _reservations(sql, rows):
        reservations[item].append(reservation)
    safety: defaultdict[str, list[SafetyWord]] = defaultdict(list)
    for row in rows:
        if row[2] == _SAFETY:
            word = _word(row)
            safety[row[0]].append((row[1], row[3], _number(row), word.qty_milli))
    return {item: Promised(reservations[item], safety[item]) for item in {row[0] for row in rows}}


def reservations(sql: Sql, now_us: int, *, item: str | None = None, ended: bool = False) -> tuple[ReservationRow, ...]:
    """List the reservations of an item or of all, those that ended only if asked for, by item, area and document."""
    rows = (sql.execute(_WORDS) if item is None else sql.execute(_WORDS_OF, {"items": [item]})).fetchall()
    found: list[ReservationRow] = []
    for (document, name, area), each, word, entry in _reservations(sql, rows):
        state = each.state(now_us)
        if ended or state is ReservationState.OPEN:
            found.append(
                ReservationRow(
                    document,
                    ItemId(name),
                    PlaceId(area),
                    state,
                    each.qty_milli,
                    each.sold_milli,
                    each.open_milli(now_us),
                    each.until_us,
                    word.at_us,
                    entry,
                    word.author,
                    word.note,
                )
            )
    return tuple(sorted(found, key=lambda row: (row.item, row.area, row.document)))


def safety(sql: Sql, now_us: int, *, item: str | None = None) -> tuple[SafetyRow, ...]:
    """List the safety stock of an item or of all at a moment (UTC), by item and area; none of nothing."""
    rows = (sql.execute(_WORDS) if item is None else sql.execute(_WORDS_OF, {"items": [item]})).fetchall()
    by_thing: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row[2] == _SAFETY:
            by_thing[row[0], row[1]].append(row)
    found: list[SafetyRow] = []
    for name, area in sorted(by_thing):
        held: Dated[Row | None] = Dated([(row[3], _number(row), row) for row in by_thing[name, area]], None)
        row = held.at(now_us)
        # Of nothing it is still a word where another holds in all other areas.
        if row is not None and ((word := _word(row)).qty_milli or area != EVERYWHERE):
            where = PlaceId(area) if area != EVERYWHERE else None
            found.append(SafetyRow(ItemId(name), where, word.qty_milli, row[3], _entry_id(row), word.author, word.note))
    return tuple(found)


def is_reserved(sql: Sql, word: ReservationSaid) -> bool:
    """Whether the last word on what this one ends was to reserve it."""
    asked = {"item": word.item, "area": word.area, "document": word.document}
    rows = sql.execute(_WORD_OF, asked).fetchall()
    last = max(rows, key=_number, default=None)
    said = None if last is None else _word(last)
    return isinstance(said, ReservationSaid) and said.step is ReservationStep.RESERVE


def _reservations(sql: Sql, rows: Sequence[Row]) -> list[tuple[_Thing, Reservation, ReservationSaid, EntryId]]:
    """Find the last word on each thing among rows, and what was sold of it."""
    last: dict[_Thing, Row] = {}
    for row in rows:
        thing = row[2], row[0], row[1]
        if row[2] != _SAFETY and (thing not in last or _number(last[thing]) < _number(row)):
            last[thing] = row
    sold: dict[_Thing, int] = {}
    if last:
        asked = {"documents": sorted({document for document, _, _ in last})}
        for document, item, area, qty_milli in sql.execute(_SOLD, asked).fetchall():
            sold[document, item, area] = -qty_milli
    found: list[tuple[_Thing, Reservation, ReservationSaid, EntryId]] = []
    for thing, row in last.items():
        word = _word(row)
        if not isinstance(word, ReservationSaid):
            raise ContractBroken(f"entry {row[5]} of the journal's {row[4]} is no reservation")
        document, _, area = thing
        reservation = Reservation(document, PlaceId(area), word.step, word.qty_milli, word.until_us, sold.get(thing, 0))
        found.append((thing, reservation, word, _entry_id(row)))
    return found


def _number(row: Row) -> Number:
    return Epoch.parse(row[4]).generation, row[5]


def _entry_id(row: Row) -> EntryId:
    return EntryId(HUB_STATION, Epoch.parse(row[4]), row[5])


def _word(row: Row) -> PromiseWord:
    word = decode_journal_entry(row[6])
    if not isinstance(word, ReservationSaid | SafetyGiven):
        raise ContractBroken(f"entry {row[5]} of the journal's {row[4]} keeps nothing for anybody")
    return word
