"""How long goods are under way around their scans, by area, reason and time: by decision, or as a store begins with.

A word on an area holds there; one on no area, in all areas that have no word of their own then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from hub.errors import ContractBroken
from hub.ledger.dated import Dated, Number
from hub.ledger.entries import Scope
from hub.store.epochs import EpochRow
from hub.store.misread import Misread
from hub.store.reading import LEAD_LAG_US, NO_ITEM, NO_LEAD_LAG_US
from hub.store.sql import Row, Sql
from hub.store.statements import given, replacing
from hub.store.tables import epoch, leads_given
from protocol.dated_words import LeadsGiven
from protocol.decisions import decode_journal_entry
from protocol.identity import HUB_STATION, EntryId, Epoch, PlaceId
from protocol.reasons import Reason

LeadLag = tuple[int, int]
EVERYWHERE: Final = ""
"""The area of a word that holds wherever there is no other."""
_Word = tuple[int, Number, LeadLag]
_PUT: Final = replacing(leads_given)
_WORDS: Final = select(
    leads_given.c.area,
    leads_given.c.reason,
    leads_given.c.from_us,
    epoch.c.name,
    leads_given.c.seq,
    leads_given.c.lead_us,
    leads_given.c.lag_us,
    leads_given.c.line,
).join(epoch, epoch.c.id == leads_given.c.epoch)
_WORDS_OF: Final = _WORDS.where(leads_given.c.area == given("area", leads_given.c.area))


@dataclass(frozen=True, slots=True)
class LeadsRow:
    """A word on an area (None: all others) and reason that holds from `from_us` on, and whose it is."""

    area: PlaceId | None
    reason: Reason
    lead_us: int
    lag_us: int
    from_us: int
    entry: EntryId
    author: str
    note: str


class Leads:
    """Answers the fold. Belongs to the writer's thread; `forget` after a transaction that did not happen."""

    def __init__(self, misread: Misread) -> None:
        self._misread = misread
        self._said: dict[str, dict[Reason, list[_Word]]] = {}
        self._own: dict[tuple[str, Reason], Dated[LeadLag | None]] = {}
        self._since: dict[str, int | None] = {}
        self.changes = 0
        """Grows whenever a lead or lag may be another than before."""

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self.changes += 1
        self._said.clear()
        self._own.clear()
        self._since.clear()

    def of(self, sql: Sql, scope: Scope, reason: Reason, t_us: int) -> LeadLag:
        """Give the lead and lag of a movement at a moment (UTC). While its item is unknown it has the usual ones."""
        if scope.item != NO_ITEM:
            for area in (scope.area, EVERYWHERE):
                said = self._dated(sql, area, reason).at(t_us)
                if said is not None:
                    return said
        return LEAD_LAG_US.get(reason, NO_LEAD_LAG_US)

    def since(self, sql: Sql, area: PlaceId) -> int | None:
        """Say from when on (UTC; None: always) nothing changes any more in an area."""
        if area not in self._since:
            words = [
                from_us
                for name in (area, EVERYWHERE)
                for said in self._words(sql, name).values()
                for from_us, _, _ in said
            ]
            self._since[area] = max(words, default=None)
        return self._since[area]

    def take(self, sql: Sql, teller: EpochRow, seq: int, line: bytes, word: LeadsGiven) -> None:
        """Take an entry of the journal; one that was taken before changes nothing. `Misread.note` is to follow."""
        before = self._dated(sql, word.area, word.reason)
        values = (word.area, word.reason.value, word.from_us, teller.id, seq, word.lead_us, word.lag_us, line)
        sql.executemany(_PUT, [values])
        self.forget()
        area = None if word.area == EVERYWHERE else PlaceId(word.area)
        for from_us, until_us, _ in before.differences(self._dated(sql, word.area, word.reason)):
            self._misread.add(area, from_us, until_us)

    def _dated(self, sql: Sql, area: str, reason: Reason) -> Dated[LeadLag | None]:
        known = self._own.get((area, reason))
        if known is None:
            known = self._own[area, reason] = Dated(self._words(sql, area).get(reason, ()), None)
        return known

    def _words(self, sql: Sql, area: str) -> dict[Reason, list[_Word]]:
        known = self._said.get(area)
        if known is None:
            known = self._said[area] = {}
            for row in sql.execute(_WORDS_OF, {"area": area}):
                known.setdefault(Reason(row[1]), []).append((row[2], _number(row), (row[5], row[6])))
        return known


def leads_at(sql: Sql, t_us: int) -> tuple[LeadsRow, ...]:
    """List the words that hold at a moment (UTC), by area and reason; those on all other areas first."""
    rows: dict[tuple[str, str], list[Row]] = {}
    for row in sql.execute(_WORDS):
        rows.setdefault((row[0], row[1]), []).append(row)
    found: list[LeadsRow] = []
    for key in sorted(rows):
        held: Dated[Row | None] = Dated([(row[2], _number(row), row) for row in rows[key]], None)
        row = held.at(t_us)
        if row is not None:
            found.append(_row(row))
    return tuple(found)


def _number(row: Row) -> Number:
    return Epoch.parse(row[3]).generation, row[4]


def _row(row: Row) -> LeadsRow:
    area, reason, from_us, name, seq, lead_us, lag_us, line = row
    word = decode_journal_entry(line)
    if not isinstance(word, LeadsGiven):
        raise ContractBroken(f"entry {seq} of the journal's {name} is no word on leads")
    entry = EntryId(HUB_STATION, Epoch.parse(name), seq)
    return LeadsRow(
        PlaceId(area) if area else None, Reason(reason), lead_us, lag_us, from_us, entry, word.author, word.note
    )


def usual(reason: Reason) -> LeadLag:
    """Give what a reason has where nobody said anything."""
    return LEAD_LAG_US.get(reason, NO_LEAD_LAG_US)
