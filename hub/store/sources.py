"""Declared sources in the store: the declarations, and what was told at the places they are about.

    source    what was declared, by the journal
    sourced   what was told where something is declared: what counts, and the evidence beside it, which moves nothing

A scan that is evidence is folded into books of no item, where an undo finds it; it moves to the item's when what was
declared turns out to be otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from msgspec.structs import replace
from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from hub.ledger import entries as ledger
from hub.ledger.entries import Scope
from hub.ledger.sources import Declarations, Declared, counts, told_by
from hub.store.epochs import EpochRow
from hub.store.folded import last_seq, times_before
from hub.store.reading import ASIDE, NO_ITEM, Read
from hub.store.sql import Sql
from hub.store.statements import given, greatest, putting, replacing
from hub.store.tables import epoch, log, reread, source, sourced, tag, tag_deal, tag_due, tag_sign
from protocol.dated_words import Source, SourceDeclared
from protocol.events import Delta, Reason
from protocol.identity import PlaceId

_EVIDENCE: Final = f"{ASIDE}evidence:"
_ALL_SEQS: Final = 1 << 62

_PUT: Final = replacing(source)
_ALL: Final = select(source.c.place, source.c.reason, source.c.source, source.c.from_us)
_TELL: Final = replacing(sourced)
_UNTELL: Final = delete(sourced).where(sourced.c.epoch == bindparam("row"), sourced.c.seq == bindparam("at"))
_TAGS_DUE: Final = (
    insert(tag_due)
    .from_select(["epc"], select(tag_sign.c.epc).where(tag_sign.c.place == given("place", tag_sign.c.place)).distinct())
    .on_conflict_do_nothing()
)
_UNITS_DUE: Final = (
    insert(tag_due)
    .from_select(
        ["epc"],
        select(tag.c.epc)
        .join(tag_deal, tag_deal.c.unit == tag.c.unit)
        .where(tag_deal.c.place == given("place", tag_deal.c.place))
        .distinct(),
    )
    .on_conflict_do_nothing()
)
_STATIONS: Final = (
    select(epoch.c.id)
    .join(log, log.c.id == epoch.c.log)
    .where(log.c.folds != 0, log.c.name.startswith("s/", autoescape=True))
)
_adding = putting(reread)
_READ_AGAIN: Final = _adding.on_conflict_do_update(
    index_elements=["epoch"],
    set_={
        # The lesser of two is the greater below zero.
        "seq": -greatest(-reread.c.seq, -_adding.excluded.seq),
        "until": greatest(reread.c.until, _adding.excluded.until),
    },
)


class Sourced(NamedTuple):
    """What was told at a place where a source is declared; `epoch` is that epoch's row, `epc` the tag's that told it.

    `qty_milli` is of the code, in its own units.
    """

    epoch: int
    seq: int
    leg: int
    place: str
    reason: str
    source: str
    code: str
    epc: str
    qty_milli: int
    t_us: int
    counts: int


class Sources:
    """Knows what is declared, in the writer's thread. `forget` after a transaction that did not happen."""

    def __init__(self) -> None:
        self._known: Declarations | None = None
        self._told: list[Sourced] = []
        self._untold: list[tuple[int, int]] = []
        self.changes = 0
        """Grows whenever what is declared may be another than before."""

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self._known = None
        self._told, self._untold = [], []
        self.changes += 1

    def of(self, sql: Sql) -> Declarations:
        """Give what is declared."""
        if self._known is None:
            self._known = declarations(sql)
        return self._known

    def take(self, sql: Sql, at: EpochRow, seq: int, said: SourceDeclared) -> None:
        """Take a line of the journal, and have what was filed since the time it names read again.

        What was folded before has to be written.
        """
        row = (said.place, said.reason.value, said.from_us, said.source.value, at.id, seq, said.at_us)
        sql.executemany(_PUT, [(*row, said.author, said.note)])
        self._known = None
        self.changes += 1
        for (station,) in sql.execute(_STATIONS).fetchall():
            _read_again(sql, station, said.from_us)
        sql.execute(_TAGS_DUE, {"place": said.place})
        sql.execute(_UNITS_DUE, {"place": said.place})

    def judge(self, sql: Sql, at: EpochRow, seq: int, event: Delta, read: Read) -> Read:
        """Put a movement among the evidence if another source is declared where it was told."""
        declared, entry = self.of(sql), read.entry
        if not declared.speak_of(event.place) or not isinstance(entry, ledger.Delta):
            return read
        said = declared.at(event.place, entry.reason, entry.t_us)
        if said is None:
            self._untold.append((at.id, seq))
            return read
        teller = told_by(event.device)
        is_counted = counts(said, teller)
        code = read.code or ""
        self._told.append(
            Sourced(
                at.id, seq, 0, event.place, entry.reason.value, teller.value, code, "", event.qty_milli, entry.t_us,
                int(is_counted),
            )
        )  # fmt: skip
        return read if is_counted else Read(replace(entry, scope=Scope(NO_ITEM, PlaceId(_EVIDENCE + code))), code)

    def write(self, sql: Sql) -> None:
        """Write down what `judge` was told."""
        told, untold = self._told, self._untold
        self._told, self._untold = [], []
        if untold:
            sql.executemany(_UNTELL, untold, ("row", "at"))
        if told:
            tell(sql, told)


def tell(sql: Sql, rows: Iterable[Sourced]) -> None:
    """Write what was told, in the place of what was known of the same entries."""
    sql.executemany(_TELL, rows)


def declarations(sql: Sql) -> Declarations:
    """Read what is declared."""
    return Declarations(
        Declared(PlaceId(place), Reason(reason), Source(name), from_us)
        for place, reason, name, from_us in sql.execute(_ALL).fetchall()
    )


def _read_again(sql: Sql, station: int, from_us: int) -> None:
    """Note what is in the books of an epoch row since a time for reading again."""
    first: int | None = None
    for seq, t_us, _ in times_before(sql, station, _ALL_SEQS):
        if t_us < from_us:
            break
        first = seq
    last = last_seq(sql, station)
    if first is not None and last is not None:
        sql.executemany(_READ_AGAIN, [(station, first, last)])
