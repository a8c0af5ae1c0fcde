"""RFID tags from the stored lines alone, for `rebuilding`: gathered whole, then each followed once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial

from hub.ledger.counting import Floor
from hub.ledger.entries import Delta, Entry, Reversal
from hub.ledger.sources import counts, tag_then, walk
from hub.ledger.tags import Sighting, Swept, swept
from hub.ledger.tags import Sweep as LedgerSweep
from hub.ledger.timefit import START
from hub.store.clocks import Clocks
from hub.store.crossings import movement
from hub.store.epochs import EpochRow, EpochRows
from hub.store.links import Links
from hub.store.reading import NO_ITEM
from hub.store.sources import declarations
from hub.store.sql import Sql
from hub.store.sweeping import meanings, sweep_of
from hub.store.swept_rows import swept_row
from hub.store.tag_reading import deal_in, signs_in
from hub.store.tag_rows import DealRow, SignRow, means, sightings_of
from hub.store.words import Words
from protocol.dated_words import Source
from protocol.decisions import JournalEntry
from protocol.events import Delta as DeltaEvent
from protocol.events import Reason, StationEntry, Sweep, TagChange
from protocol.identity import EntryId, PlaceId
from protocol.variable_measure import CodeRules


class Retagging:
    """Gathers lines in the order of their logs, then gives the movements that tags made."""

    def __init__(self, epochs: EpochRows, rules: CodeRules) -> None:
        self._epochs = epochs
        self._rules = rules
        self._signs: dict[str, list[SignRow]] = defaultdict(list)
        self._deals: dict[str, list[DealRow]] = defaultdict(list)
        self._sweeps: dict[tuple[str, int], list[LedgerSweep]] = defaultdict(list)
        self._undone: set[EntryId] = set()

    def told(self, sql: Sql, clocks: Clocks, epoch: EpochRow, seq: int, event: StationEntry | JournalEntry) -> None:
        """Take a line of a log, if it tells of tags."""
        if isinstance(event, TagChange | Sweep):
            timed = clocks.timed(sql, epoch, seq, event.when, START)
            if isinstance(event, Sweep):
                row = swept_row(epoch, seq, event, timed)
                self._sweeps[row.session, row.pass_].append(sweep_of(epoch, row, event))
            for sign in signs_in(epoch, seq, event, timed):
                self._signs[sign.epc].append(sign)

    def entry(self, epoch: EpochRow, seq: int, event: StationEntry | JournalEntry, entry: Entry) -> None:
        """Take an entry that a line makes."""
        if isinstance(entry, Reversal):
            self._undone.add(entry.reverses)
        elif isinstance(event, DeltaEvent):
            deal = deal_in(epoch, seq, event, entry, self._rules)
            if deal is not None:
                self._deals[deal.unit].append(deal)

    def movements(self, sql: Sql, names: Sql, links: Links, words: Words) -> Iterator[Delta]:
        """Give the movements that all tags made; `names` is where the rows of epochs are."""
        declared = declarations(sql)

        def area(place: PlaceId, at_us: int) -> PlaceId:
            return words.places.scope_of(sql, place, NO_ITEM, at_us).area

        for epc, rows in self._signs.items():
            if not any(declared.speak_of(row.place) for row in rows):
                continue
            code, _ = means(epc)
            sightings = sightings_of(names, self._epochs, rows)
            sightings += [
                sold
                for sold, (reason, teller) in self._sold(names, epc)
                if counts(declared.at(sold.place, reason, sold.t_us), teller)
            ]
            for crossing in walk(sightings, declared, area).crossings:
                moved = movement(sql, links, words, crossing, epc, code)
                if moved is not None:
                    yield moved

    def swept(self, sql: Sql, names: Sql, links: Links, words: Words, floor: Floor) -> Iterator[Swept]:
        """Give what the sweeps of all sessions found."""
        declared = declarations(sql)

        def area(place: PlaceId, at_us: int) -> PlaceId:
            return words.places.scope_of(sql, place, NO_ITEM, at_us).area

        for sweeps in self._sweeps.values():
            end_us = max(sweep.to_us for sweep in sweeps)
            tags = {
                epc: tag_then(
                    epc,
                    sightings_of(names, self._epochs, rows),
                    self._sold(names, epc),
                    declared,
                    area,
                    end_us,
                )
                for epc, rows in self._signs.items()
            }
            on = {epc: meanings(sql, links, [means(epc)[0]], end_us).get(means(epc)[0]) for epc in self._signs}
            items = {goods.item for goods in on.values() if goods is not None and floor.is_tagged(goods.item, end_us)}
            yield swept(sweeps, tags, on.get, partial(floor.area, at_us=end_us), items)

    def _sold(self, names: Sql, epc: str) -> list[tuple[Sighting, tuple[Reason, Source]]]:
        """Give the sales and returns of a tag's unit that were not taken back."""
        _, unit = means(epc)
        found = [(deal.sighting(names, self._epochs, epc), deal.why) for deal in self._deals.get(unit, ()) if unit]
        return [(sold, why) for sold, why in found if sold.entry not in self._undone]
