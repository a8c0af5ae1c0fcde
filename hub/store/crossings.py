"""What tags tell by coming where a source is declared: movements, filed like any other, and evidence beside them.

A movement that a tag made is an entry that no log holds (`hub.ledger.sources.crossing_entry`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import bindparam, delete, select

from hub.errors import ContractBroken
from hub.ledger.entries import Delta
from hub.ledger.sources import Crossing, Walked, crossing_entry
from hub.store import sources
from hub.store.epochs import EpochRows
from hub.store.filing import Filing
from hub.store.links import Links
from hub.store.reading import NO_ITEM, packed
from hub.store.sources import Sourced
from hub.store.sql import Sql
from hub.store.statements import one_of
from hub.store.tables import sourced
from hub.store.unlogged import Unlogged
from hub.store.words import Words
from protocol.catalogue import WHOLE_MILLI, link_at
from protocol.identity import EntryId, PlaceId

_TOLD_BY: Final = select(sourced).where(one_of(sourced.c.epc, "some"), sourced.c.epc != "")
_UNTELL: Final = delete(sourced).where(
    sourced.c.epoch == bindparam("row"),
    sourced.c.seq == bindparam("at"),
    sourced.c.epc == bindparam("tag"),
    sourced.c.leg == bindparam("part"),
)


def movement(sql: Sql, links: Links, words: Words, crossing: Crossing, epc: str, code: str) -> Delta | None:
    """Make the ledger's entry of a crossing; None if it is evidence, or nobody knows yet what its code means."""
    if not crossing.counts:
        return None
    link = link_at(links.of(sql, code), crossing.t_us) if code else None
    if link is None:
        return None
    scope = words.places.scope(crossing.area, link.item)
    lead_us, lag_us = words.leads.of(sql, scope, crossing.reason, crossing.t_us)
    return Delta(
        crossing_entry(crossing.entry, crossing.leg, epc),
        scope,
        packed(crossing.pieces * WHOLE_MILLI, link.factor_milli),
        crossing.reason,
        crossing.t_us,
        crossing.err_us,
        lead_us,
        lag_us,
    )


class Crossings:
    """Works in the writer's transactions."""

    def __init__(self, epochs: EpochRows, unlogged: Unlogged, links: Links, words: Words) -> None:
        self._epochs = epochs
        self._unlogged = unlogged
        self._links = links
        self._words = words

    def area(self, sql: Sql, place: PlaceId, at_us: int) -> PlaceId:
        """Give the area a place is of at a moment."""
        return self._words.places.scope_of(sql, place, NO_ITEM, at_us).area

    def take(self, sql: Sql, walked: Mapping[str, tuple[str, Walked]]) -> list[Filing]:
        """Write down what tags tell, by EPC with the code of its goods; give what changes in the books.

        `StoredBooks.begin` comes before.
        """
        if not walked:
            return []
        before: dict[tuple[int, int, str, int], Sourced] = {}
        for row in sql.execute(_TOLD_BY, {"some": list(walked)}).fetchall():
            known = Sourced(*row)
            before[known.epoch, known.seq, known.epc, known.leg] = known
        filings: list[Filing] = []
        fresh: list[Sourced] = []
        for epc, (code, way) in walked.items():
            for crossing in way.crossings:
                now = self._sourced(sql, crossing, epc, code)
                if before.pop((now.epoch, now.seq, now.epc, now.leg), None) != now:
                    fresh.append(now)
                identity = crossing_entry(crossing.entry, crossing.leg, epc)
                filings += self._unlogged.filed(
                    sql, identity, movement(sql, self._links, self._words, crossing, epc, code)
                )
        sources.tell(sql, fresh)
        sql.executemany(_UNTELL, before, ("row", "at", "tag", "part"))
        for gone in before.values():
            filings += self._unlogged.filed(sql, self._entry(sql, gone), None)
        return filings

    def _sourced(self, sql: Sql, crossing: Crossing, epc: str, code: str) -> Sourced:
        epoch = self._epochs.of_entry(sql, crossing.entry)
        if epoch is None:
            raise ContractBroken(f"{crossing.entry} told of a tag and belongs to an epoch that never came")
        return Sourced(
            epoch.id, crossing.entry.seq, crossing.leg, crossing.place, crossing.reason.value, crossing.source.value,
            code, epc, crossing.pieces * WHOLE_MILLI, crossing.t_us, int(crossing.counts),
        )  # fmt: skip

    def _entry(self, sql: Sql, told: Sourced) -> EntryId:
        """Name the movement that a row was told of."""
        told_by = self._epochs.by_id(sql, told.epoch).entry(told.seq)
        return crossing_entry(told_by, told.leg, told.epc)
