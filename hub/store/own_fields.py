"""Fields that the store owns: the shelf of an item in an area, and how much of it is to be there at least and at most.

Whoever writes one, writes it into the journal: a person at the hub at once, head office when the fold has come to its
document. So the order of the journal is the order of the writers, and the last one holds; what it took the place of is
kept, and comes back by being written again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select, update

from hub.errors import ContractBroken
from hub.ledger.floorplan import SHELVES, home_words_at
from hub.store import chunks, tables
from hub.store.epochs import EpochRow
from hub.store.floor import home_words
from hub.store.places import days_of
from hub.store.sql import Sql
from hub.store.statements import given, one_of, putting, replacing
from protocol.dated_words import HomeGiven
from protocol.decisions import decode_journal_entry
from protocol.documents import FieldsSet, decode_document
from protocol.errors import BadInput
from protocol.hq_decisions import FieldWritten, OwnField
from protocol.identity import HUB_STATION, EntryId, Epoch, ItemId, PlaceId

_set, _written, _epoch = tables.fields_set.c, tables.field_written.c, tables.epoch.c
_IS: Final = _set.document == given("document", _set.document)
_PLACE: Final = select(_set.epoch, _set.seq).where(_IS)
_KEEP: Final = putting(tables.fields_set)
_DUE: Final = select(_set.document, _set.epoch, _set.seq).where(_set.taken == 0).order_by(_set.epoch, _set.seq)
_TAKEN: Final = update(tables.fields_set).where(_IS).values(taken=1)
_WRITE: Final = replacing(tables.field_written)
_WORDS: Final = (
    select(_epoch.name, _written.seq, _written.line)
    .join(tables.epoch, _epoch.id == _written.epoch)
    # Of what the journal has carried into another epoch only the new row counts.
    .where(_written.seq <= _epoch.head)
)
_OF_ITEM: Final = _WORDS.where(_written.item == given("item", _written.item))
_OF_ITEMS: Final = _WORDS.where(one_of(_written.item, "items"))
_BY_DOCUMENT: Final = _WORDS.where(_written.item == given("item", _written.item)).where(
    _written.area == given("area", _written.area),
    _written.field == given("field", _written.field),
    _written.document == given("document", _written.document),
)


@dataclass(frozen=True, slots=True)
class FieldRow:
    """What somebody wrote into a field, and by which entry; `document` is head office's, "" for the store's word."""

    item: ItemId
    area: PlaceId
    field: OwnField
    milli: int | None
    place: str
    at_us: int
    entry: EntryId
    document: str
    author: str
    note: str


@dataclass(frozen=True, slots=True)
class FieldState:
    """What a field is, and what it was before, the last first."""

    now: FieldRow
    before: tuple[FieldRow, ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of an item is to be in an area, in milli-units; None where nobody said."""

    min_milli: int | None = None
    max_milli: int | None = None


NO_BOUNDS: Final = Bounds()


def take_document(sql: Sql, epoch: EpochRow, seq: int, line: bytes, document: FieldsSet) -> None:
    """Take a line of head office's; `due` brings it into the journal. Raises `BadInput` ("document-reused")."""
    known = sql.execute(_PLACE, {"document": document.document}).fetchone()
    if known is None:
        sql.execute(_KEEP, {"document": document.document, "epoch": epoch.id, "seq": seq, "taken": 0})
    elif (known[0], known[1]) != (epoch.id, seq) and _line_at(sql, known[0], known[1]) != line:
        raise BadInput("document-reused", f"{document.document} said something else")


def take(sql: Sql, teller: EpochRow, seq: int, line: bytes, word: FieldWritten) -> None:
    """Take an entry of the journal; one that was taken before changes nothing."""
    sql.executemany(_WRITE, [(word.item, word.area, word.field.value, teller.id, seq, word.document, line)])


def due(sql: Sql, now_us: int) -> list[FieldWritten | HomeGiven]:
    """Give what is to be written into the journal of head office's documents; to be called when all is folded."""
    words: list[FieldWritten | HomeGiven] = []
    for name, row, seq in sql.execute(_DUE).fetchall():
        said = decode_document(_line_at(sql, row, seq))
        if not isinstance(said, FieldsSet):
            raise ContractBroken(f"{name} sets no fields")
        for each in said.lines:
            asked = {"item": each.item, "area": each.area, "field": each.field.value, "document": name}
            if sql.execute(_BY_DOCUMENT, asked).fetchone() is None:
                words += with_homes(
                    sql,
                    FieldWritten(
                        now_us, each.item, each.area, each.field, each.milli, each.place, name, said.author, said.note
                    ),
                )
        sql.execute(_TAKEN, {"document": name})
    return words


def with_homes(sql: Sql, word: FieldWritten) -> Iterator[FieldWritten | HomeGiven]:
    """Give a word on a field, and those by which the item is at home where it says, from now on.

    A place that is no shelf of the area is written down, and nothing is at home there.
    """
    yield word
    if word.field is not OwnField.SHELF:
        return

    def home(place: str, from_us: int, to_us: int | None) -> HomeGiven:
        return HomeGiven(word.at_us, word.item, place, from_us, to_us, word.author, word.note)

    stays = False
    for held in home_words_at(home_words(sql, word.item), word.at_us):
        if held.place == word.place:
            stays = True
        elif days_of(sql, held.place).area(word.at_us) == word.area:
            yield home(held.place, held.from_us, word.at_us)
    if word.place and not stays and is_shelf(sql, word.place, word.area, word.at_us):
        yield home(word.place, word.at_us, None)


def is_shelf(sql: Sql, place: str, area: str, at_us: int) -> bool:
    """Say whether a place is a shelf of an area at a moment (UTC)."""
    here = days_of(sql, place).at(at_us)
    return here is not None and here.kind in SHELVES and here.area == area


def fields_of(sql: Sql, item: str) -> tuple[FieldState, ...]:
    """List what was ever written of an item, by area and field."""
    return _states(_rows(sql.execute(_OF_ITEM, {"item": item}).fetchall()))


def bounds(sql: Sql, items: Iterable[str]) -> Mapping[tuple[ItemId, PlaceId], Bounds]:
    """Give the bounds of some items, by item and area; those nobody bounded are left out."""
    found: defaultdict[tuple[ItemId, PlaceId], Bounds] = defaultdict(Bounds)
    for state in _states(_rows(sql.execute(_OF_ITEMS, {"items": list(items)}).fetchall())):
        now, known = state.now, found[state.now.item, state.now.area]
        if now.field is OwnField.MIN:
            found[now.item, now.area] = Bounds(now.milli, known.max_milli)
        elif now.field is OwnField.MAX:
            found[now.item, now.area] = Bounds(known.min_milli, now.milli)
    return {scope: each for scope, each in found.items() if each != NO_BOUNDS}


def _rows(found: Iterable[tuple[str, int, bytes]]) -> Iterator[FieldRow]:
    for name, seq, line in found:
        word = decode_journal_entry(line)
        if not isinstance(word, FieldWritten):
            raise ContractBroken(f"entry {seq} of the journal's {name} is no word on a field")
        yield FieldRow(
            ItemId(word.item),
            PlaceId(word.area),
            word.field,
            word.milli,
            word.place,
            word.at_us,
            EntryId(HUB_STATION, Epoch.parse(name), seq),
            word.document,
            word.author,
            word.note,
        )


def _states(rows: Iterable[FieldRow]) -> tuple[FieldState, ...]:
    """Group words by item, area and field: the last one in the journal holds."""
    of_each: defaultdict[tuple[str, str, int], list[FieldRow]] = defaultdict(list)
    order = tuple(OwnField)
    for row in rows:
        of_each[row.item, row.area, order.index(row.field)].append(row)
    states: list[FieldState] = []
    for each in sorted(of_each):
        newest, *before = sorted(
            of_each[each], key=lambda row: (row.entry.epoch.generation, row.entry.seq), reverse=True
        )
        states.append(FieldState(newest, tuple(before)))
    return tuple(states)


def _line_at(sql: Sql, epoch: int, seq: int) -> bytes:
    chunk = chunks.holding(sql, epoch, seq)
    if chunk is None:
        raise ContractBroken(f"entry {seq} of epoch row {epoch} was taken and is not stored")
    return chunk.lines[seq - chunk.first]
