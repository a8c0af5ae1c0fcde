"""Reads stored lines for the fold with what the store knows now: clocks, links, places."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from hub.errors import ContractBroken
from hub.ledger import entries as ledger
from hub.ledger.sources import counts, told_by
from hub.ledger.timefit import START, Timed, TimeSource, raised
from hub.store import chunks, labels
from hub.store.clocks import Clocks
from hub.store.entry_bounds import check
from hub.store.epochs import JOURNAL, EpochRow, folded_log
from hub.store.folded import times_before
from hub.store.links import Links
from hub.store.meanings import Meanings
from hub.store.reader_logs import load_state
from hub.store.reading import Read, as_said, delta_of, packed, read_line, when_of
from hub.store.sources import Sources
from hub.store.sql import Sql
from hub.store.words import Words
from protocol.catalogue import STORE, WHOLE_MILLI, area_scope, station_scope
from protocol.decisions import JournalEntry, decode_journal_entry
from protocol.errors import BadInput
from protocol.events import Delta, Reason, StationEntry, When, decode_station_entry
from protocol.identity import EntryId, Epoch, ItemId, PlaceId, StationId

Event = StationEntry | JournalEntry
IsInbound = Callable[[Sql, str], bool]
"""Says whether goods of a document are approved to come to this store."""
ReadOf = Callable[[EpochRow, int, Event, Timed, int], Read | None]
"""(epoch, seq, entry, time, fit) -> the ledger's entry, None if it moves nothing. Raises `BadInput`."""


def _names_nothing(_: Epoch, named: EntryId) -> EntryId:
    raise ContractBroken(f"a movement takes back {named}")


class Lines:
    """What lines mean, on the writer's connection."""

    def __init__(self, clocks: Clocks, links: Links, words: Words, is_inbound: IsInbound, sources: Sources) -> None:
        self.clocks = clocks
        self.sources = sources
        self._links = links
        self.words = words
        self._is_inbound = is_inbound
        self.meanings = Meanings(links, words)

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self.clocks.forget()
        self._links.forget_all()
        self.words.forget()
        self.meanings.forget()
        self.sources.forget()

    def decode(self, epoch: EpochRow, line: bytes) -> Event:
        """Read a line's fields. Raises `BadInput` for one that cannot be understood or is out of bounds."""
        event = decode_journal_entry(line) if epoch.log_name == JOURNAL else decode_station_entry(line)
        check(event)
        return event

    def timed(self, connection: Sql, epoch: EpochRow, seq: int, event: Event, before: Timed) -> Timed | None:
        """Give an entry's time, raised to that of the one before it; None if it takes no part in the books."""
        when = event.when if type(event) is Delta else when_of(event)
        if isinstance(when, When):
            return self.clocks.timed(connection, epoch, seq, when, before)
        return None if when is None else raised(Timed(when, 0, TimeSource.ANCHORS), before)

    def head(self, connection: Sql, epoch: EpochRow) -> Timed:
        """Give the time of the last entry of the books in an epoch."""
        head = self.clocks.head(epoch.id)
        if head is None:
            head = self.before(connection, epoch, 1 << 62)
            self.clocks.set_head(epoch.id, head)
        return head

    def before(self, connection: Sql, epoch: EpochRow, seq: int) -> Timed:
        """Give the time of the last entry of the books before `seq`, to which later ones are raised."""
        last: tuple[int, int] | None = None
        first = seq
        # What was raised has the time of what it was raised to, and rests on what that one rests on.
        for at, t_us, err_us in times_before(connection, epoch.id, seq):
            if last is None:
                last = t_us, err_us
            elif t_us != last[0]:
                break
            first = at
        return START if last is None else Timed(*last, self._source(connection, epoch, first))

    def _source(self, connection: Sql, epoch: EpochRow, seq: int) -> TimeSource:
        """Tell what the time of an entry of the books rests on, which the books do not keep."""
        chunk = chunks.holding(connection, epoch.id, seq)
        if chunk is None:
            raise ContractBroken(f"{epoch.prefix}{seq} is in the books and its line is not stored")
        when = when_of(self.decode(epoch, chunk.lines[seq - chunk.first]))
        if not isinstance(when, When):
            return TimeSource.ANCHORS
        return self.clocks.unraised(connection, epoch, seq, when).source

    def _measured(self, sql: Sql, station: StationId, event: Delta, t_us: int) -> Delta:
        """Say how much a label's price pays for, where the till did not know the goods and took it for a piece's."""
        label = self._links.label(sql, event.code, event.aim)
        if label is None or event.price_minor != label.minor:
            return event
        _, link = self._links.at(sql, event.code, event.aim, t_us)
        if link is None or link.factor_milli != WHOLE_MILLI:
            return event
        scopes = (station_scope(station), area_scope(PlaceId(event.place)), STORE)
        milli = labels.milli_then(sql, ItemId(link.item), label, scopes, t_us)
        return event if milli is None else replace(event, qty_milli=packed(event.qty_milli, milli))

    def knows(self, sql: Sql, event: Delta, timed: Timed) -> bool:
        """Say whether the code of a movement means an item at a time."""
        try:
            return self._links.at(sql, event.code, event.aim, timed.t_us)[1] is not None
        except BadInput:
            return False

    def by_itself(self, sql: Sql, epoch: EpochRow, seq: int, event: Delta, timed: Timed) -> ledger.Delta | None:
        """Read a movement that an entry only speaks of; None if nobody knows of what, or another source tells of it."""
        if not self.knows(sql, event, timed):
            return None
        link_at, scope_of = partial(self._links.at, sql), partial(self.words.places.scope_of, sql)
        event = self._measured(sql, epoch.station, event, timed.t_us)
        leads_of = partial(self.words.leads.of, sql)
        said = read_line(event, epoch.entry(seq), timed, link_at, scope_of, leads_of, _names_nothing, 0)
        if said is None or not said.known or not isinstance(said.entry, ledger.Delta):
            return None
        declared = self.sources.of(sql).at(event.place, event.reason, timed.t_us)
        return said.entry if counts(declared, told_by(event.device)) else None

    def reader(self, connection: Sql) -> ReadOf:
        """Give a function that makes the ledger's entries of lines."""
        link_at, scope_of = partial(self._links.at, connection), partial(self.words.places.scope_of, connection)
        leads_of = partial(self.words.leads.of, connection)
        meaning_of = self.meanings.of
        is_inbound, judge = self._is_inbound, self.sources.judge
        held = self.words.held

        def meant(teller: Epoch, named: EntryId) -> EntryId:
            state = load_state(connection, folded_log(named.station))
            return EntryId(named.station, *state.meant(teller, named.epoch, named.seq))

        def read(epoch: EpochRow, seq: int, event: Event, timed: Timed, fit: int) -> Read | None:
            identity = EntryId(epoch.station, epoch.epoch, seq)
            word = held.of(connection, identity)
            if type(event) is Delta:
                document = event.document
                if document is not None and event.reason is Reason.RECEIPT and is_inbound(connection, document):
                    # Taken in by the card of deliveries: no supplier sent it, it comes out of transit.
                    event = replace(event, reason=Reason.TRANSFER)
            if word is not None:
                event, meaning_at = as_said(event, word, link_at)
                return read_line(event, identity, timed, meaning_at, scope_of, leads_of, meant, fit)
            if type(event) is not Delta:
                return read_line(event, identity, timed, link_at, scope_of, leads_of, meant, fit)
            meaning = meaning_of(connection, event.code, event.aim, event.place)
            if meaning is not None and meaning.from_us <= timed.t_us:
                leads = leads_of(meaning.scope, event.reason, timed.t_us)
                moved = delta_of(event, identity, timed, meaning.scope, event.qty_milli, meaning.key, leads, fit)
                return judge(connection, epoch, seq, event, moved)
            event = self._measured(connection, epoch.station, event, timed.t_us)
            said = read_line(event, identity, timed, link_at, scope_of, leads_of, meant, fit)
            return None if said is None else judge(connection, epoch, seq, event, said)

        return read
