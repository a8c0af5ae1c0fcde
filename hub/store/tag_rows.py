"""RFID tags as rows: every sign of a tag, what tills said of its unit, and what all of it comes to.

    tag_sign   one row for each tag that a change or a sweep told of
    tag_deal   sales and returns of a unit, by scans that name its serial number
    tag        what these come to, written again when something of it changed

A *unit* is one piece of goods, "GTIN/serial number", whether its tag or its printed code told the number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from hub.errors import ContractBroken
from hub.ledger.tags import Sighting, Sign, Tag, TagState, in_log_order
from hub.store.epochs import EpochRows
from hub.store.sql import Sql
from hub.store.statements import given, one_of, replacing
from hub.store.tables import entry, live, tag, tag_deal, tag_due, tag_sign
from protocol.catalogue import Item, RowKind, decode_row
from protocol.codes import read_code
from protocol.dated_words import Source
from protocol.epc.reading import read_epc_hex
from protocol.errors import BadInput
from protocol.events import Reason
from protocol.identity import PlaceId
from protocol.variable_measure import CodeRules

SHORTEST_WITH_SERIAL: Final = 19
"""Characters of the shortest code that names a GTIN and a serial number: 01, 14 digits, 21 and one more."""
_AT_ONCE: Final = 2000
_SIGNS: Final = tuple(Sign)
_NUMBERS: Final = {sign: number for number, sign in enumerate(_SIGNS)}

_PUT_TAG: Final = replacing(tag)
_PUT_SIGN: Final = replacing(tag_sign)
_PUT_DEAL: Final = replacing(tag_deal)
_TAGS: Final = select(tag.c.epc, tag.c.gtin, tag.c.unit, tag.c.crosses, tag.c.body).where(one_of(tag.c.epc, "some"))
_OF_UNITS: Final = select(tag.c.epc).where(one_of(tag.c.unit, "some"))
_SIGNS_OF: Final = select(tag_sign).where(one_of(tag_sign.c.epc, "some"))
_DEALS_OF: Final = (
    select(tag_deal)
    .join(entry, (entry.c.epoch == tag_deal.c.epoch) & (entry.c.seq == tag_deal.c.seq), isouter=True)
    .where(one_of(tag_deal.c.unit, "some"), entry.c.reversed_by.is_(None))
)


_ITEM: Final = select(live.c.line).where(
    live.c.kind == RowKind.ITEM.value, live.c.owner == given("item", live.c.owner), live.c.member == ""
)
_CROSSING: Final = select(tag.c.epc).where(tag.c.crosses != 0)
_ANY_CROSSING: Final = _CROSSING.limit(1)
_ALL_DUE: Final = insert(tag_due).from_select(["epc"], _CROSSING).on_conflict_do_nothing()
_CODES_DUE: Final = (
    insert(tag_due).from_select(["epc"], _CROSSING.where(one_of(tag.c.gtin, "some"))).on_conflict_do_nothing()
)


class SignRow(NamedTuple):
    """A sign of a tag; `epoch` is the row of that epoch, `sign` a number of `sign_number`."""

    epc: str
    epoch: int
    seq: int
    t_us: int
    err_us: int
    sign: int
    place: str

    def sighting(self, sql: Sql, epochs: EpochRows) -> Sighting:
        """Make the ledger's value of it alone; of all that a tag's readers said, see `sightings_of`."""
        told_by = epochs.by_id(sql, self.epoch).entry(self.seq)
        return Sighting(self.epc, _SIGNS[self.sign], PlaceId(self.place), self.t_us, told_by, self.err_us)


class DealRow(NamedTuple):
    """A sale or return that a till told of a unit."""

    epoch: int
    seq: int
    unit: str
    t_us: int
    err_us: int
    sign: int
    place: str
    reason: str
    source: str

    def sighting(self, sql: Sql, epochs: EpochRows, epc: str) -> Sighting:
        """Make the ledger's value of it, for a tag of the unit."""
        return SignRow(epc, self.epoch, self.seq, self.t_us, self.err_us, self.sign, self.place).sighting(sql, epochs)

    @property
    def why(self) -> tuple[Reason, Source]:
        """Give the reason of the movement, and what source told it."""
        return Reason(self.reason), Source(self.source)


class Known(msgspec.Struct, frozen=True, gc=False):
    """A tag by what readers said, and how it is kept: `crosses` if it was ever seen where a source is declared."""

    tag: Tag
    gtin: str
    unit: str
    crosses: bool


class Standing(NamedTuple):
    """How a tag is written: by all that is known of it, and when it was seen in the store though it is out of it."""

    known: Known
    said: Tag
    state: TagState
    again_us: int | None


def sign_number(sign: Sign) -> int:
    """Give the number that stands for a sign in rows."""
    return _NUMBERS[sign]


@lru_cache(maxsize=50_000)
def means(epc: str) -> tuple[str, str]:
    """Read the GTIN and the unit of an EPC; "" for what it does not name."""
    try:
        read = read_epc_hex(epc)
    except BadInput:
        return "", ""
    gtin = read.gtin or ""
    return gtin, f"{gtin}/{read.serial}" if gtin and read.serial else ""


def unit_of(code: str, aim: str | None, rules: CodeRules) -> str:
    """Give the unit that a scanned code names, "" if it names none."""
    if len(code) < SHORTEST_WITH_SERIAL:
        return ""
    try:
        read = read_code(code, aim, rules)
    except BadInput:
        return ""
    return f"{read.gtin}/{read.serial}" if read.gtin and read.serial else ""


def is_tagged(sql: Sql, item: str) -> bool:
    """Say whether every piece of an item has a tag, as the catalogue has it now."""
    found = sql.execute(_ITEM, {"item": item}).fetchone()
    row = None if found is None else decode_row(found[0])
    return isinstance(row, Item) and row.tagged


def load(sql: Sql, epochs: EpochRows, epcs: Collection[str]) -> dict[str, Known]:
    """Read what readers said of some tags."""
    found: dict[str, Known] = {}
    for epc, gtin, unit, crosses, body in _rows(sql, _TAGS, epcs):
        where, silence = (None if word is None else SignRow(epc, *word).sighting(sql, epochs) for word in _decode(body))
        found[epc] = Known(Tag(epc, where, None, silence), gtin, unit, bool(crosses))
    return found


def signs_of(sql: Sql, epcs: Collection[str]) -> Mapping[str, list[SignRow]]:
    """Read every sign of some tags."""
    found: dict[str, list[SignRow]] = defaultdict(list)
    for row in _rows(sql, _SIGNS_OF, epcs):
        found[row[0]].append(SignRow(*row))
    return found


def sightings_of(sql: Sql, epochs: EpochRows, rows: Iterable[SignRow]) -> list[Sighting]:
    """Make the ledger's values of all signs of a tag."""
    return in_log_order(row.sighting(sql, epochs) for row in rows)


def add_signs(sql: Sql, rows: Iterable[SignRow]) -> None:
    """Write signs, in the place of what was known of the same entries."""
    sql.executemany(_PUT_SIGN, rows)


def add_deals(sql: Sql, rows: Iterable[DealRow]) -> None:
    """Write sales and returns, in the place of what was known of the same entries."""
    sql.executemany(_PUT_DEAL, rows)


def deals_of(sql: Sql, units: Collection[str]) -> Mapping[str, list[DealRow]]:
    """Read the sales and returns of some units, but for those that were taken back."""
    found: dict[str, list[DealRow]] = defaultdict(list)
    for row in _rows(sql, _DEALS_OF, units):
        found[row[2]].append(DealRow(*row))
    return found


def tags_of_units(sql: Sql, units: Collection[str]) -> list[str]:
    """Find the tags on some units; a unit may have had several."""
    return [epc for (epc,) in _rows(sql, _OF_UNITS, units)]


def reckon_crossing_again(sql: Sql, codes: Collection[str] | None = None) -> None:
    """Have the tags reckoned again that were seen where a source is declared: all, or those on goods of some codes."""
    if codes is None:
        sql.execute(_ALL_DUE)
    elif sql.execute(_ANY_CROSSING).fetchone() is not None:
        for some in _groups(codes):
            sql.execute(_CODES_DUE, {"some": some})


def write(sql: Sql, epochs: EpochRows, standings: Iterable[Standing]) -> None:
    """Write tags."""
    sql.executemany(_PUT_TAG, [_row(sql, epochs, standing) for standing in standings])


def _row(sql: Sql, epochs: EpochRows, standing: Standing) -> tuple[Any, ...]:
    known, last = standing.known, standing.said.last
    words = tuple(
        None if said is None else (*_place(sql, epochs, said), said.t_us, said.err_us, _NUMBERS[said.sign], said.place)
        for said in (known.tag.where, known.tag.silence)
    )
    place, seen_us, told_by = (
        ("", None, (None, None)) if last is None else (last.place, last.t_us, _place(sql, epochs, last))
    )
    return (
        known.tag.epc, known.gtin, known.unit, place, standing.state.value, seen_us, *told_by, standing.again_us,
        int(known.crosses), _encode(words),
    )  # fmt: skip


def _place(sql: Sql, epochs: EpochRows, said: Sighting) -> tuple[int, int]:
    row = epochs.of_entry(sql, said.entry)
    if row is None:
        raise ContractBroken(f"{said.entry} told of a tag and belongs to an epoch that never came")
    return row.id, said.entry.seq


def _rows(sql: Sql, statement: Any, values: Collection[str]) -> Iterator[Any]:
    for some in _groups(values):
        yield from sql.execute(statement, {"some": some}).fetchall()


def _groups(values: Collection[str]) -> Iterator[list[str]]:
    ordered = list(values)
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start : start + _AT_ONCE]


_encode = msgspec.json.Encoder().encode
_Word = tuple[int, int, int, int, int, str]
_decode = msgspec.json.Decoder(tuple[_Word | None, _Word | None]).decode
