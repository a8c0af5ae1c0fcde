"""Sweeps of tags as parts of count sessions: what answered in a pass, and what cannot be ruled out beside it.

    sweep ──────────────────> swept ─┐
    tags known otherwise ─> resweep ─┴─ once all is folded ─ hub.ledger.tags.swept ─> parts of the session

A pass is counted anew from all its sweeps whenever something of it comes, or something of the tags as they were at its
end. Only items count by tags of which the catalogue says that every piece has one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from sqlalchemy import bindparam, delete, select

from hub.errors import ContractBroken
from hub.ledger.counting import Floor
from hub.ledger.tags import Sweep, Swept, Tag, Tagged, swept
from hub.store import chunks, tag_rows
from hub.store.counting import CountSessions
from hub.store.epochs import EpochRow, EpochRows
from hub.store.floor import StoreFloor
from hub.store.links import Links
from hub.store.sql import Sql
from hub.store.statements import one_of
from hub.store.swept_rows import SweptRow
from hub.store.tables import resweep, tag
from hub.store.tables import swept as rows
from hub.store.tag_rows import Known
from protocol.catalogue import CodeLink, link_at
from protocol.events import Sweep as SweepEvent
from protocol.events import decode_station_entry
from protocol.identity import ItemId, PlaceId

_NEXT: Final = (
    select(resweep.c.session, resweep.c["pass"]).order_by(resweep.c.session, resweep.c["pass"]).limit(bindparam("most"))
)
_NOT_DUE: Final = delete(resweep).where(
    resweep.c.session == bindparam("name"), resweep.c["pass"] == bindparam("number")
)
_OF_PASS: Final = (
    select(rows)
    .where(rows.c.session == bindparam("name"), rows.c["pass"] == bindparam("number"))
    .order_by(rows.c.epoch, rows.c.seq)
)
_CODES: Final = select(tag.c.gtin).where(tag.c.gtin != "").distinct()
_EPCS: Final = select(tag.c.epc).where(one_of(tag.c.gtin, "some"))


Then = Callable[[Sql, Mapping[str, Known], int], Mapping[str, Tag]]
"""(tags as they are known now, UTC) -> the tags as they were known then."""


class Sweeping:
    """Works in the writer's transactions."""

    def __init__(self, epochs: EpochRows, counting: CountSessions, links: Links, then: Then) -> None:
        self._epochs = epochs
        self._counting = counting
        self._links = links
        self._then = then

    def settle(self, sql: Sql, most: int) -> bool:
        """Count passes that are due; say whether there were any. Their sessions are to be filed then."""
        due = sql.execute(_NEXT, {"most": most}).fetchall()
        for session, number in due:
            self._count(sql, session, number)
            sql.execute(_NOT_DUE, {"name": session, "number": number})
        return bool(due)

    def _count(self, sql: Sql, session: str, number: int) -> None:
        sweeps = [
            self._sweep(sql, SweptRow(*row)) for row in sql.execute(_OF_PASS, {"name": session, "number": number})
        ]
        for sweep in sweeps:
            self._counting.drop_sweep(sql, sweep.entry)
        found = self._found(sql, sweeps, StoreFloor(sql))
        for part in found.parts:
            self._counting.take_part(sql, part)
        for done in found.done:
            self._counting.take_shelf(sql, done)

    def _found(self, sql: Sql, sweeps: Sequence[Sweep], floor: Floor) -> Swept:
        """Say what the sweeps of a pass found, by the tags as they were at its end."""
        end_us = max(sweep.to_us for sweep in sweeps)
        on = meanings(sql, self._links, [code for (code,) in sql.execute(_CODES).fetchall()], end_us)
        counted = {goods.item for goods in on.values() if floor.is_tagged(goods.item, end_us)}
        codes = [code for code, goods in on.items() if goods.item in counted]
        epcs = [epc for (epc,) in sql.execute(_EPCS, {"some": codes}).fetchall()]
        tags = self._then(sql, tag_rows.load(sql, self._epochs, epcs), end_us)
        return swept(sweeps, tags, lambda epc: on.get(tag_rows.means(epc)[0]), partial(_area, floor, end_us), counted)

    def _sweep(self, sql: Sql, row: SweptRow) -> Sweep:
        chunk = chunks.holding(sql, row.epoch, row.seq)
        event = None if chunk is None else decode_station_entry(chunk.lines[row.seq - chunk.first])
        if not isinstance(event, SweepEvent):
            raise ContractBroken(f"entry {row.seq} of epoch row {row.epoch} is a sweep, and its line is none")
        return sweep_of(self._epochs.by_id(sql, row.epoch), row, event)


def sweep_of(epoch: EpochRow, row: SweptRow, event: SweepEvent) -> Sweep:
    """Make the ledger's value of a sweep."""
    return Sweep(
        epoch.entry(row.seq), row.session, PlaceId(row.place), frozenset(event.epcs), row.from_us, row.to_us,
        row.err_us, row.pass_, row.person,
    )  # fmt: skip


def meanings(sql: Sql, links: Links, codes: Iterable[str], at_us: int) -> dict[str, Tagged]:
    """Say what a tag with each of some codes was on at a time, of those that meant an item."""
    found: dict[str, Tagged] = {}
    for code in codes:
        link: CodeLink | None = link_at(links.of(sql, code), at_us)
        if link is not None:
            found[code] = Tagged(ItemId(link.item), link.factor_milli)
    return found


def _area(floor: Floor, at_us: int, place: PlaceId) -> PlaceId:
    return floor.area(place, at_us)
