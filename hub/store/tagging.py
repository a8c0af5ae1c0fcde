"""What stations say of RFID tags, taken from their logs: signs of tags, and what tills say of their units.

    tag change, sweep ──> signs ──┐                        ┌─> tag: where it is, what became of it
    serial number sold ─> deals ──┼─> tags touched, once ──┤
    undo, better clock, ──────────┘      a batch           └─> crossings: what moved, and evidence
    a source declared

Signs are timed by their station's clock, each by itself: along a log tags do not raise the times of scans, nor scans
those of tags. All of it follows from the set of what was said, in whatever order it came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from hub.ledger.entries import Delta as LedgerDelta
from hub.ledger.entries import Entry, Reversal
from hub.ledger.sources import Walked, counts, tag_then, walk
from hub.ledger.tags import Tag, TagState, tags_of
from hub.ledger.timefit import START
from hub.store import swept_rows, tag_rows
from hub.store.clocks import Clocks
from hub.store.crossings import Crossings
from hub.store.epochs import EpochRow, EpochRows
from hub.store.filing import Filing
from hub.store.sources import Sources
from hub.store.sql import Sql
from hub.store.statements import greatest, one_of, putting
from hub.store.swept_rows import SweptRow, swept_row
from hub.store.tables import tag_deal, tag_due, tag_told
from hub.store.tag_reading import deal_in, signs_in
from hub.store.tag_rows import DealRow, Known, SignRow, Standing
from protocol.events import Delta, Sweep, TagChange
from protocol.variable_measure import CodeRules

ON_THE_WAY_OUT_US: Final = 30 * 60_000_000
"""Who has paid may be seen in the store for as long before anybody wonders."""
_EVER_US: Final = 1 << 62
_ALWAYS_US: Final = -(1 << 62)

_told = putting(tag_told)
_TELL_UP_TO: Final = _told.on_conflict_do_update(
    index_elements=["epoch"], set_={"seq": greatest(tag_told.c.seq, _told.excluded.seq)}
)
_ANY_DEAL: Final = select(tag_deal.c.seq).limit(1)
_MOVE_DEAL: Final = (
    update(tag_deal)
    .where(tag_deal.c.epoch == bindparam("row"), tag_deal.c.seq == bindparam("at"))
    .values(t_us=bindparam("t"), err_us=bindparam("err"))
)
_UNITS_OF: Final = select(tag_deal.c.unit).where(tag_deal.c.epoch == bindparam("row"), one_of(tag_deal.c.seq, "some"))
_DUE: Final = insert(tag_due).values(epc=bindparam("epc")).on_conflict_do_nothing()
_TAKE_DUE: Final = select(tag_due.c.epc).order_by(tag_due.c.epc).limit(bindparam("most"))
_NOT_DUE: Final = delete(tag_due).where(tag_due.c.epc == bindparam("tag"))


class Tags:
    """Works in the writer's transactions; `forget` after one that did not happen. `settle` ends each batch."""

    def __init__(
        self, epochs: EpochRows, clocks: Clocks, declared: Sources, crossings: Crossings, rules: CodeRules
    ) -> None:
        """`rules` are how the store's own labels are read."""
        self._epochs = epochs
        self._clocks = clocks
        self._sources = declared
        self._crossings = crossings
        self._rules = rules
        self._signs: list[SignRow] = []
        self._deals: list[DealRow] = []
        self._sweeps: list[SweptRow] = []
        self._units: set[str] = set()
        self._anew: set[str] = set()
        self._reached: dict[int, int] = {}
        self._any_deals: bool | None = None

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self._signs, self._deals, self._sweeps = [], [], []
        self._units.clear()
        self._anew.clear()
        self._reached.clear()
        self._any_deals = None

    # What is told

    def take(self, sql: Sql, epoch: EpochRow, events: Iterable[tuple[int, TagChange | Sweep]]) -> None:
        """Take what a station says of tags, each with its seq, in the order of the log."""
        seq, boot = 0, None
        for seq, event in events:
            if event.when.boot != boot:
                # Scans after it may have been timed before it.
                boot = event.when.boot
                self._clocks.note_entry(sql, epoch, seq, event.when)
            self._read(sql, epoch, seq, event)
        if seq:
            self._reached[epoch.id] = max(seq, self._reached.get(epoch.id, 0))

    def names_unit(self, code: str, aim: str | None) -> bool:
        """Say whether a scanned code names one piece of goods."""
        return tag_rows.unit_of(code, aim, self._rules) != ""

    def take_deal(self, epoch: EpochRow, seq: int, event: Delta, read: Entry) -> None:
        """Take a movement if its code names a unit: a tag of it is then sold, brought back or written off."""
        deal = deal_in(epoch, seq, event, read, self._rules)
        if deal is not None:
            self._deals.append(deal)
            self._units.add(deal.unit)
            self._any_deals = True

    def read_again(self, sql: Sql, epoch: EpochRow, events: Sequence[tuple[int, TagChange | Sweep]]) -> None:
        """Take what was taken before at the times that are known now."""
        for seq, event in events:
            rows = self._read(sql, epoch, seq, event)
            sql.executemany(_DUE, [(row.epc,) for row in rows], ("epc",))

    def filed(self, sql: Sql, entries: Iterable[Entry]) -> None:
        """Learn what was filed: of deals that were taken back or are timed otherwise, the tags are reckoned anew."""
        if not self._has_deals(sql):
            return
        of_epoch: dict[int, list[int]] = {}
        for read in entries:
            meant = read.reverses if isinstance(read, Reversal) else read.id
            epoch = self._epochs.of_entry(sql, meant)
            if epoch is not None:
                of_epoch.setdefault(epoch.id, []).append(meant.seq)
                if isinstance(read, LedgerDelta):
                    sql.execute(_MOVE_DEAL, {"row": epoch.id, "at": meant.seq, "t": read.t_us, "err": read.err_us})
        for row, seqs in of_epoch.items():
            self._units |= {unit for (unit,) in sql.execute(_UNITS_OF, {"row": row, "some": seqs}).fetchall()}

    def take_due(self, sql: Sql, room: int) -> int:
        """Take up tags that are to be reckoned from all their signs; give the room left."""
        due = [epc for (epc,) in sql.execute(_TAKE_DUE, {"most": room}).fetchall()]
        sql.executemany(_NOT_DUE, [(epc,) for epc in due], ("tag",))
        self._anew |= set(due)
        return room - len(due)

    # What comes of it

    def settle(self, sql: Sql) -> list[Filing]:
        """Write what became of the tags that something was told of; give what the books are to have of it."""
        if not (self._signs or self._deals or self._units or self._anew):
            return []
        signs, self._signs = sorted(self._signs), []
        deals, self._deals = self._deals, []
        units, self._units = self._units, set()
        anew, self._anew = self._anew, set()
        reached, self._reached = self._reached, {}
        sweeps, self._sweeps = self._sweeps, []
        swept_rows.keep(sql, sweeps)
        tag_rows.add_signs(sql, signs)
        tag_rows.add_deals(sql, deals)
        sql.executemany(_TELL_UP_TO, reached.items())
        if anew or units or signs:
            # What is told of a tag late, or otherwise than before, may have been so when its place was swept.
            since_us = _ALWAYS_US if anew or units else min(row.t_us for row in signs)
            swept_rows.sweep_again(sql, since_us)
        touched = {row.epc for row in signs} | set(tag_rows.tags_of_units(sql, units)) | anew
        known = tag_rows.load(sql, self._epochs, touched)
        for row in signs:
            before = known.get(row.epc) or Known(Tag(row.epc), *tag_rows.means(row.epc), False)
            crosses = before.crosses or self._sources.of(sql).speak_of(row.place)
            if not before.tag.is_outdone_by(row.t_us):
                # Older by its time alone, perhaps: what its station said before it has to be looked at.
                anew.add(row.epc)
            seen = before.tag.told(row.sighting(sql, self._epochs))
            known[row.epc] = Known(seen, before.gtin, before.unit, crosses)
        known |= self._reckoned_anew(sql, anew)
        return self._write(sql, known)

    def then(self, sql: Sql, known: Mapping[str, Known], until_us: int) -> dict[str, Tag]:
        """Give tags as they were known at a moment, by what is known of them now."""
        found: dict[str, Tag] = {}
        anew: set[str] = set()
        for epc, each in known.items():
            told = (each.tag.where, each.tag.silence)
            if each.crosses or any(said is not None and said.t_us > until_us for said in told):
                anew.add(epc)
            else:
                found[epc] = each.tag
        signs = tag_rows.signs_of(sql, anew) if anew else {}
        units = {each.unit for each in known.values() if each.unit} if self._has_deals(sql) else set[str]()
        deals = tag_rows.deals_of(sql, units) if units else {}
        declared, area = self._sources.of(sql), partial(self._crossings.area, sql)
        for epc, rows in signs.items():
            sold = deals.get(known[epc].unit, ())
            found[epc] = tag_then(
                epc,
                tag_rows.sightings_of(sql, self._epochs, rows),
                [(deal.sighting(sql, self._epochs, epc), deal.why) for deal in sold],
                declared,
                area,
                until_us,
            )
        for epc, each in known.items():
            for deal in deals.get(each.unit, ()) if epc not in anew else ():
                if deal.t_us <= until_us:
                    found[epc] = found[epc].told(deal.sighting(sql, self._epochs, epc))
        return found

    def _reckoned_anew(self, sql: Sql, epcs: Collection[str]) -> dict[str, Known]:
        """Reckon tags from all their signs."""
        declared = self._sources.of(sql)
        found: dict[str, Known] = {}
        for epc, rows in (tag_rows.signs_of(sql, epcs) if epcs else {}).items():
            said = tags_of(tag_rows.sightings_of(sql, self._epochs, rows), _EVER_US)[epc]
            found[epc] = Known(said, *tag_rows.means(epc), any(declared.speak_of(row.place) for row in rows))
        return found

    def _write(self, sql: Sql, known: Mapping[str, Known]) -> list[Filing]:
        units = {each.unit for each in known.values() if each.unit} if self._has_deals(sql) else set[str]()
        deals = tag_rows.deals_of(sql, units) if units else {}
        crossing = {epc: each for epc, each in known.items() if each.crosses}
        walked = self._walk(sql, crossing, deals) if crossing else {}
        standings: list[Standing] = []
        for epc, each in known.items():
            said = each.tag
            for deal in deals.get(each.unit, ()):
                said = said.told(deal.sighting(sql, self._epochs, epc))
            way = walked.get(epc)
            standings.append(_standing(each, said, None if way is None else way.out_us))
        tag_rows.write(sql, self._epochs, standings)
        return self._crossings.take(sql, {epc: (crossing[epc].gtin, way) for epc, way in walked.items()})

    def _walk(
        self, sql: Sql, crossing: Mapping[str, Known], deals: Mapping[str, Sequence[DealRow]]
    ) -> dict[str, Walked]:
        """Follow tags that were seen where a source is declared."""
        declared = self._sources.of(sql)
        signs = tag_rows.signs_of(sql, crossing)
        found: dict[str, Walked] = {}
        for epc, each in crossing.items():
            sightings = tag_rows.sightings_of(sql, self._epochs, signs[epc])
            for deal in deals.get(each.unit, ()):
                reason, teller = deal.why
                if counts(declared.at(deal.place, reason, deal.t_us), teller):
                    sightings.append(deal.sighting(sql, self._epochs, epc))
            found[epc] = walk(sightings, declared, partial(self._crossings.area, sql))
        return found

    # Reading

    def _read(self, sql: Sql, epoch: EpochRow, seq: int, event: TagChange | Sweep) -> list[SignRow]:
        timed = self._clocks.timed(sql, epoch, seq, event.when, START)
        if isinstance(event, Sweep):
            self._sweeps.append(swept_row(epoch, seq, event, timed))
        rows = signs_in(epoch, seq, event, timed)
        self._signs += rows
        return rows

    def _has_deals(self, sql: Sql) -> bool:
        if self._any_deals is None:
            self._any_deals = sql.execute(_ANY_DEAL).fetchone() is not None
        return self._any_deals


def _standing(known: Known, said: Tag, out_us: int | None) -> Standing:
    """Say how a tag is written, `said` being all that is known of it, and `out_us` since when it is carried out."""
    state = said.state if out_us is None else TagState.LEFT
    gone_us = said.deal.t_us if state is TagState.SOLD and said.deal is not None else out_us
    seen = known.tag.where
    is_again = seen is not None and gone_us is not None and seen.t_us > gone_us + ON_THE_WAY_OUT_US
    return Standing(known, said, state, seen.t_us if seen is not None and is_again else None)
