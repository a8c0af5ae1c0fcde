"""What a station has done since its mode was set: the part of its memory that mirrors the log.

A *period* begins with a mode change or when a person ends a session. Undo and restoring reach back to its beginning; at
most one session is open within it. Memory changes only when the log says a commit is durable, so the two never differ.

One memory, so one file although it is past 300 lines: what a commit changes stands beside what not committing does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from msgspec import structs

from edge.station.actions import (
    Accepted,
    Commit,
    Counted,
    CountedReading,
    Effect,
    GivenCount,
    HeldBack,
    Lookup,
    Moved,
    Named,
    Repeated,
    Reversed,
    Switched,
    Ticket,
    Where,
    Work,
)
from edge.station.basket import MAX_LINES, OpenBasket
from edge.station.counting import Counting, OpenCount, in_boot_of
from edge.station.movements import MOVES, is_arrival, legs
from edge.station.note import NOTE, GivenNote, StationNote, encode_note
from edge.station.session import SESSION_ENTRIES, OpenSession, session_name
from edge.station.summary import SessionSummary
from edge.station.suppressed import Held, SuppressedScans
from edge.station.undo import Undoable, UndoList, carry
from protocol.cards import Mode
from protocol.chain import Chapter
from protocol.errors import BadInput
from protocol.events import (
    BasketClosed,
    BasketEnd,
    BasketLine,
    BasketOpened,
    Count,
    CountReading,
    Delta,
    LineTakenOut,
    Mark,
    Restored,
    Reversal,
    ShelfCounted,
    StationEntry,
    Suppressed,
    When,
)
from protocol.identity import Epoch, PlaceId

RECALL_ENTRIES = 2 * SESSION_ENTRIES
"""How many entries are read again at start for undo and the open session: enough of them move goods, the others are
marks and the like."""
IDLES = (Mode.SALE, Mode.RETURN)
"""The modes whose sessions end when nothing is done in them; a delivery waits for who went to fetch the next pallet."""


class Period:
    """The present mode period. The methods that give a `Commit` raise `BadInput` where there is nothing to commit."""

    def __init__(self, configured: Mode, place: PlaceId, idle_us: int | None) -> None:
        """`idle_us`: how long a session of `IDLES` lasts without anything done, None for ever."""
        self._configured = configured
        self._place = place
        self._idle_us = idle_us
        self._work = Work(configured)
        self._number = 0
        self._head: Where | None = None
        self._began: Where | None = None
        self._person = ""
        self._given_since: When | None = None
        self._beginning: tuple[Where | None, When | None] = (None, None)
        self._lineage: Sequence[Chapter] = ()
        self._undo = UndoList()
        self._count: OpenCount | None = None
        self._count_noted = False
        self._session: OpenSession | None = None
        self._basket: OpenBasket | None = None
        self._closed: tuple[str, BasketEnd, SessionSummary | None] | None = None
        self._suppressed = SuppressedScans()
        self._in_flight = 0
        self._readings_in_flight = 0
        self._switching = False

    @property
    def work(self) -> Work:
        """What a scan means now."""
        return self._work

    @property
    def given(self) -> GivenCount | None:
        """What somebody gave to be counted and is not counted yet."""
        given = self._work.count
        return None if given is None or given.ended else given

    @property
    def counting(self) -> Counting:
        """Where a count is taken now, and by whom."""
        given = self._work.count
        if given is None:
            return Counting(self._place, person=self._person)
        return Counting(given.place, given.pass_, self._person)

    @property
    def session(self) -> str | None:
        """The session that is open."""
        if self._count is not None:
            return self._count.session
        if self._basket is not None:
            return self._basket.name
        if self.given is not None:
            return self.given.session
        return None if self._session is None else self._session.name

    @property
    def basket(self) -> OpenBasket | None:
        """The basket that is open."""
        return self._basket

    @property
    def switching(self) -> bool:
        """Tell whether a mode change or the end of a count is on its way to the disk."""
        return self._switching

    @property
    def settled(self) -> bool:
        """Tell whether no commit is on its way and no count has readings."""
        return self._in_flight == 0 and (self._count is None or len(self._count) == 0)

    @property
    def next_deadline_us(self) -> int | None:
        """When the session will have been idle for too long (boot time)."""
        if self._session is None or self._idle_us is None or self._work.mode not in IDLES or self._in_flight:
            return None
        return self._session.idle_at_us(self._idle_us)

    # Start

    def resume(self, note: StationNote | None, head: Where, lineage: Sequence[Chapter]) -> Where:
        """Take up the period that `note` tells of, unless the settings have changed since and no count is open.

        Give the position after which the log holds what is to be recalled.
        """
        self._head, self._lineage = head, lineage
        recent = Where(head.epoch, max(0, head.seq - RECALL_ENTRIES))
        self._began = self._resumed(note, head, recent)
        return self._began

    def _resumed(self, note: StationNote | None, head: Where, recent: Where) -> Where:
        if note is None:
            return recent
        if note.count is None and not note.basket and note.configured is not self._configured:
            return head
        self._work = note.work
        self._person = note.person
        self._given_since = None if note.given is None else note.given.since
        since = carry(note.since, self._lineage) or Where(head.epoch, 0)
        if note.basket:
            # Its opening is the first entry after this.
            return since
        if note.count is None:
            return max(since, recent)
        self._count = OpenCount(note.count)
        self._count_noted = True
        return since

    def recall(self, where: Where, entry: StationEntry, key: str) -> None:
        """Take an entry back from the log."""
        match entry:
            case Delta() if is_arrival(entry):
                self._undo.goes_on(where)
            case Delta() if self._is_of_work(entry):
                self._undo.done(Undoable((where,)))
                if entry.session == session_name(entry.when):
                    self._session = OpenSession(entry.when)
                if self._session is not None and entry.session == self._session.name:
                    self._session.touch(entry.when)
                    self._session.add(where, entry)
            case BasketOpened():
                self._work = Work(Mode.SALE, entry.document)
                self._basket = OpenBasket(entry)
                self._undo.clear()
                self._suppressed.clear()
            case BasketLine(meant, name) if self._basket is not None and self._basket.name == name:
                self._undo.done(Undoable((where,)))
                self._basket.add(where, meant)
            case LineTakenOut():
                target = carry(Where(Epoch.parse(entry.epoch), entry.seq), self._lineage)
                if target is not None and self._basket is not None:
                    self._undo.reversed_before(target)
                    self._basket.take_out(target)
            case BasketClosed():
                self._closed = entry.basket, entry.how, None
                if self._basket is not None:
                    self._basket = None
                    self._work = Work(Mode.SALE)
                # What it sold is not taken back by a card.
                self._undo.clear()
                self._suppressed.clear()
            case Reversal():
                target = carry(Where(Epoch.parse(entry.epoch), entry.seq), self._lineage)
                if target is not None:
                    self._undo.reversed_before(target)
                    if self._session is not None:
                        self._session.take_back(target)
            case CountReading() if self._count is not None and entry.session == self._count.session:
                if (entry.place, entry.pass_) == (self.counting.place, self.counting.pass_):
                    self._count.recall(entry, key)
            case Count() | ShelfCounted() if self._count is not None and entry.session == self._count.session:
                # The period's beginning is not known, and this was closed before it.
                self._count = OpenCount(entry.session)
            case Suppressed(meant) if self._is_of_work(meant):
                self._suppressed.add(where, Held(meant, key))
            case Restored():
                target = carry(Where(Epoch.parse(entry.epoch), entry.seq), self._lineage)
                if target is not None:
                    self._suppressed.restored(target)
            case Mark():
                self._suppressed.mark()
            case _:
                pass

    def carried(self, head: Where, lineage: Sequence[Chapter]) -> None:
        """Learn that the log has opened a new epoch and carried entries into it."""
        self._head, self._lineage = head, lineage
        self._undo.carried(lineage)
        self._suppressed.carried(lineage)
        if self._session is not None:
            self._session.carried(lineage)
        if self._basket is not None:
            self._basket.carried(lineage)

    @property
    def restorable(self) -> tuple[tuple[Where, Delta | CountReading], ...]:
        """The suppressed scans that could be restored now, and what each would do."""
        return self._suppressed.restorable

    def marked(self) -> None:
        """Learn that the log is about to say that nothing older is still to come."""
        self._suppressed.mark()

    def idle_out(self, now: When) -> str | None:
        """End the session if nothing was done in it for too long, and give its name. Undo reaches over this."""
        session = self._session
        if session is None or self._idle_us is None or self._work.mode not in IDLES or self._in_flight:
            return None
        if not session.idle(now, self._idle_us):
            return None
        self._session = None
        return session.name

    def summary(self, lookup: Lookup) -> SessionSummary | None:
        """Say what the open session came to so far. Raises `BadInput` ("catalogue-failing")."""
        mode, document = self._work.mode, self._work.document
        if self._basket is not None:
            return self._basket.summary(lookup)
        if self._count is not None:
            return self._count.summary(document, lookup)
        if self.given is not None:
            return OpenCount(self.given.session).summary(document, lookup)
        return None if self._session is None else self._session.summary(mode, document, lookup)

    # What is to be committed

    def move(self, ticket: Ticket, delta: Delta, answer: Accepted, weighed: bool) -> Commit:
        """Move goods; what `delta` says of its session is for this to say. With a basket open, they fall into it."""
        if self._basket is not None:
            delta = structs.replace(delta, session=self._basket.name)
            return self._commit_move(ticket, delta, Moved(self._number, weighed), answer)
        delta = structs.replace(delta, session=self._session_at(delta.when).name)
        return self._commit_move(ticket, delta, Moved(self._number, weighed), answer)

    def hold_back(self, ticket: Ticket, meant: Delta | CountReading, key: str, kept: Where | None) -> Commit:
        """Write down a scan that is taken for the same sight as the one that `kept` was made by."""
        if isinstance(meant, Delta) and self.session is not None:
            meant = structs.replace(meant, session=self.session)
        entry = Suppressed(meant) if kept is None else Suppressed(meant, str(kept.epoch), kept.seq)
        return self._commit(ticket, (entry,), HeldBack(self._number, key), Repeated(meant.code))

    def restore(self, ticket: Ticket, where: Where | None, when: When) -> Commit:
        """Do what a scan held back was meant to do: the one at `where`, or the last.

        It keeps the time it was scanned at, unless the log has said meanwhile that nothing so old would come.
        """
        if self._switching:
            raise BadInput("busy", "the mode is just changing")
        if where is None:
            where, held = self._suppressed.last(when)
        else:
            held = self._suppressed.at(where)
        meant = held.meant
        if meant.qty_milli == 0:
            raise BadInput("weigh-again", "an item sold by weight is scanned and weighed again")
        at = when if held.marked else meant.when
        restored = Restored(when, ticket.device, str(where.epoch), where.seq)
        answer = Accepted("restored", self._work.mode, meant.code, qty_milli=abs(meant.qty_milli))
        if isinstance(meant, CountReading):
            reading = CountedReading(held.key, meant.code, meant.aim, meant.qty_milli, at, meant.catalogue)
            count = self._count_at(at)
            commit = self._commit_reading(ticket, count, reading, answer, restored=restored, restores=where)
        else:
            # In an open basket it is still to be sold: no mark speaks of it.
            delta = meant if self._basket is not None else structs.replace(meant, when=at)
            if delta.session is None:
                delta = structs.replace(delta, session=self._session_at(at).name)
            if self._session is not None and self._session.name == delta.session:
                self._session.touch(when)
            commit = self._commit_move(ticket, delta, Moved(self._number, False, where), answer, restored)
        self._suppressed.restoring(where)
        return commit

    def room_in_count(self, key: str, codes: int) -> bool:
        """Tell whether the open count may hold a code more than it does, being bounded to `codes`."""
        return self._count is None or self._count.holds(key) or self._count.codes < codes

    def read(self, ticket: Ticket, reading: CountedReading, answer: Accepted) -> Commit:
        """Add a reading to the open count, opening one if there is none."""
        return self._commit_reading(ticket, self._count_at(reading.when), reading, answer)

    def undo(self, ticket: Ticket, when: When) -> Commit:
        """Take back what was done last and still stands."""
        if self._switching:
            raise BadInput("busy", "the session is just ending")
        done = Accepted("undo", self._work.mode)
        if self._count is not None:
            reading = self._count.next_undo()
            if reading is None:
                raise BadInput("nothing-to-undo", "nothing was read in this count that still stands")
            done = structs.replace(done, code=reading.code, qty_milli=-reading.qty_milli)
            return self._commit_reading(ticket, self._count, replace(reading, when=when), done, takes_back=True)
        last = self._undo.next_undo()
        if last is None:
            raise BadInput("nothing-to-undo", "nothing was done in this mode that still stands")
        reversals: tuple[StationEntry, ...]
        if self._basket is not None:
            name = self._basket.name
            reversals = tuple(
                LineTakenOut(when, ticket.device, name, str(where.epoch), where.seq) for where in last.wheres
            )
        else:
            reversals = tuple(Reversal(when, ticket.device, str(where.epoch), where.seq) for where in last.wheres)
        if self._session is not None:
            self._session.touch(when)
        return self._commit(ticket, reversals, Reversed(self._number, last.weighed, last.wheres), done)

    def name(self, ticket: Ticket, person: str) -> Commit:
        """Say who counts from now on; what somebody else has read so far is to be ended first."""
        if self._switching or self._readings_in_flight:
            raise BadInput("busy", "something is just being written; scan the card again")
        if self._count is not None and len(self._count) and person != self._person:
            raise BadInput("count-open", f"what {self._person or 'somebody'} counts here is not ended")
        session = self._count.session if self._count is not None and self._count_noted else None
        basket = self._basket is not None
        notes = {NOTE: self._note(self._work, session, person, self._given_since, self._began, basket=basket)}
        self._switching = True
        return self._commit(ticket, (), Named(person), Accepted("who", self._work.mode), notes)

    def end(self, ticket: Ticket, session: str | None, lookup: Lookup, when: When) -> Commit:
        """Close the open session, which must be `session` if that is named, and begin a new period of the same work."""
        if self._basket is not None:
            raise BadInput("basket-open", "a basket is closed by till software, as sold, voided or abandoned")
        if self.session is None:
            name = "no-count" if self._work.mode is Mode.COUNT else "no-session"
            raise BadInput(name, "nothing is open to end")
        if session is not None and session != self.session:
            raise BadInput("other-session", f"{self.session} is open")
        if self._in_flight:
            raise BadInput("busy", "something is just being written; scan the card again")
        given = self.given
        work = self._work if given is None else replace(self._work, count=replace(given, ended=True))
        return self._switch(ticket, work, "end", lookup, when)

    def switch(self, ticket: Ticket, work: Work, lookup: Lookup, when: When) -> Commit | None:
        """Begin a period of other work, closing an open session; None if the work is that already."""
        if work == self._work and not self._switching:
            return None
        if self._basket is not None:
            raise BadInput("basket-open", "a basket is open, which till software has to close before")
        return self._switch(ticket, work, "mode", lookup, when)

    def open_basket(self, ticket: Ticket, document: str | None, lookup: Lookup, when: When) -> Commit:
        """Open a basket for what is scanned from now on; it begins a period of its own."""
        if self._basket is not None:
            raise BadInput("basket-open", f"{self._basket.name} is open")
        if self._work.mode is not Mode.SALE:
            raise BadInput("not-selling", f"the station's mode is {self._work.mode.value}")
        if self._switching or self._in_flight:
            raise BadInput("busy", "something is just being written; ask again")
        opened = OpenBasket.begun(when, self._place, document).opened
        return self._switch(ticket, Work(Mode.SALE, document), "basket-opened", lookup, when, opened=opened)

    def close_basket(self, ticket: Ticket, name: str, how: BasketEnd, lookup: Lookup, when: When) -> Commit | Accepted:
        """Close the open basket, which must be `name`; one that has just ended so is told once more."""
        basket = self._basket
        if self._closed is not None and self._closed[:2] == (name, how) and basket is None:
            return Accepted(f"basket-{how.value}", Mode.SALE, session=name, ended=self._closed[2])
        if basket is None:
            ended = "" if self._closed is None else f"; {self._closed[0]} was {self._closed[1].value}"
            raise BadInput("no-basket", f"no basket is open{ended}")
        if name != basket.name:
            raise BadInput("other-basket", f"{basket.name} is open")
        if self._switching or self._in_flight:
            raise BadInput("busy", "something is just being written; ask again")
        return self._switch(ticket, Work(Mode.SALE), f"basket-{how.value}", lookup, when, closed=how)

    # What became of it

    def committed(self, commit: Commit, where: Where) -> None:
        """Learn that a commit is durable, its last entry at `where`."""
        if self._head is None or where > self._head:
            self._head = where
        self._in_flight -= 1
        match commit.effect:
            case Moved(period, weighed, restores):
                self._moved(commit, where, weighed, period == self._number)
                if restores is not None:
                    self._suppressed.restored(restores)
            case Counted(reading, takes_back, restores):
                if restores is not None:
                    self._suppressed.restored(restores)
                # A switch waits for readings on their way, so the count is still the one they were read in.
                self._readings_in_flight -= 1
                self._count_noted = True
                assert self._count is not None
                if takes_back:
                    self._count.take_back(reading)
                else:
                    self._count.add(reading)
            case Reversed(_, _, targets):
                if self._basket is not None:
                    self._basket.take_out(targets[0])
                if self._session is not None:
                    self._session.take_back(targets[0])
            case HeldBack(period, key):
                (entry,) = commit.entries
                if period == self._number and isinstance(entry, Suppressed):
                    self._suppressed.add(where, Held(entry.meant, key))
            case Named(person):
                self._switching = False
                self._person = person
            case Switched(work, person, opened, how):
                self._switching = False
                self._work = work
                if self._basket is not None and how is not None and isinstance(commit.answer, Accepted):
                    self._closed = self._basket.name, how, commit.answer.ended
                self._basket = None if opened is None else OpenBasket(opened)
                self._person = person
                self._began, self._given_since = self._beginning
                self._number += 1
                self._undo.clear()
                self._suppressed.clear()
                self._count = None
                self._count_noted = False
                self._session = None
            case _:
                assert_never(commit.effect)

    def not_committed(self, commit: Commit) -> None:
        """Learn that nothing of a commit is in the log."""
        self._in_flight -= 1
        match commit.effect:
            case Moved(_, _, restores):
                if self._session is not None and not len(self._session) and not self._in_flight:
                    self._session = None
                if restores is not None:
                    self._suppressed.not_restored(restores)
            case Counted(reading, takes_back, restores):
                if restores is not None:
                    self._suppressed.not_restored(restores)
                self._readings_in_flight -= 1
                if takes_back and self._count is not None:
                    self._count.undo_failed(reading)
            case Reversed(period, weighed, targets):
                if period == self._number:
                    self._undo.undo_failed(Undoable(targets, weighed))
            case HeldBack():
                pass
            case Switched() | Named():
                self._switching = False
            case _:
                assert_never(commit.effect)

    def _is_of_work(self, entry: Delta | CountReading) -> bool:
        """Tell whether the present work makes such entries: another document's may stand after the switch's note."""
        work = self._work
        if isinstance(entry, CountReading):
            return work.mode is Mode.COUNT
        if work.mode not in MOVES or entry.reason is not MOVES[work.mode][0]:
            return False
        same_way = work.mode is not Mode.TRANSFER or (entry.qty_milli > 0) is work.arriving
        return same_way and (entry.document, entry.counter_place) == (work.document, work.to_place)

    def _session_at(self, when: When) -> OpenSession:
        """Give the session that an entry of this time belongs to, opening one if need be."""
        if self._session is None or len(self._session) + self._in_flight >= SESSION_ENTRIES:
            self._session = OpenSession(when)
        self._session.touch(when)
        return self._session

    def _count_at(self, when: When) -> OpenCount:
        if self._count is None:
            self._count = OpenCount(session_name(when) if self.given is None else self.given.session)
        return self._count

    def _commit_move(
        self, ticket: Ticket, delta: Delta, effect: Moved, answer: Accepted, restored: Restored | None = None
    ) -> Commit:
        before = () if restored is None else (restored,)
        movement: tuple[StationEntry, ...] = legs(delta)
        if self._basket is not None:
            if len(self._basket) + self._in_flight >= MAX_LINES:
                raise BadInput("basket-full", f"{MAX_LINES} lines; close this basket and open another")
            movement = (BasketLine(delta, self._basket.name),)
        return self._commit(ticket, (*before, *movement), effect, structs.replace(answer, session=delta.session))

    def _moved(self, commit: Commit, last: Where, weighed: bool, undoable: bool) -> None:
        """Learn that a movement is durable, its last leg at `last`."""
        line = commit.entries[-1]
        if isinstance(line, BasketLine):
            if undoable and self._basket is not None:
                self._undo.done(Undoable((last,), weighed))
                self._basket.add(last, line.meant)
            return
        movement = [entry for entry in commit.entries if isinstance(entry, Delta)]
        first = last.seq - len(movement) + 1
        wheres = tuple(Where(last.epoch, seq) for seq in range(first, last.seq + 1))
        if undoable:
            self._undo.done(Undoable(wheres, weighed))
        session = self._session
        if session is not None and session.name == movement[0].session:
            session.add(wheres[0], movement[0])

    def _commit_reading(
        self,
        ticket: Ticket,
        count: OpenCount,
        reading: CountedReading,
        answer: Accepted,
        takes_back: bool = False,
        restored: Restored | None = None,
        restores: Where | None = None,
    ) -> Commit:
        counting = self.counting
        entry = CountReading(
            when=reading.when,
            device=ticket.device,
            code=reading.code,
            aim=reading.aim,
            qty_milli=-reading.qty_milli if takes_back else reading.qty_milli,
            place=counting.place,
            session=count.session,
            catalogue=reading.catalogue,
            pass_=counting.pass_,
            person=counting.person,
        )
        # Until a reading is durable the note goes with each, so that none is ever accepted without it.
        notes: dict[str, bytes | None] = {}
        if not self._count_noted:
            notes[NOTE] = self._note(self._work, count.session, self._person, self._given_since, self._head)
        self._readings_in_flight += 1
        entries = (entry,) if restored is None else (restored, entry)
        answer = structs.replace(answer, session=count.session)
        return self._commit(ticket, entries, Counted(reading, takes_back, restores), answer, notes)

    def _switch(
        self,
        ticket: Ticket,
        work: Work,
        did: str,
        lookup: Lookup,
        when: When,
        *,
        opened: BasketOpened | None = None,
        closed: BasketEnd | None = None,
    ) -> Commit:
        if self._switching or self._readings_in_flight:
            raise BadInput("busy", "something is just being written; scan the card again")
        counted = None if self._count is None else self._count.close(ticket.device, self.counting, lookup)
        entries: tuple[StationEntry, ...] = () if counted is None else counted.entries
        attention = "count-split" if counted is not None and counted.split else None
        given = self.given
        if given is not None and (did == "end" or entries):
            # Who goes on to the next shelf has counted this one; who goes away to do something else may not have.
            if did == "end" or work.count is not None:
                entries = (*entries, self._shelf_counted(ticket, given, when))
            else:
                attention = attention or "shelf-not-ended"
        if opened is not None:
            entries = (*entries, opened)
        elif closed is not None and self._basket is not None:
            sold = self._basket.lines() if closed is BasketEnd.SOLD else ()
            entries = (*entries, *sold, BasketClosed(when, self._basket.name, closed))
        ends = did == "end" or closed is not None
        answer = Accepted(did, work.mode, attention=attention, ended=self.summary(lookup) if ends else None)
        if opened is not None:
            answer = structs.replace(answer, session=opened.basket)
        elif closed is not None:
            answer = structs.replace(answer, session=self.session)
        # A person is forgotten with the counting: the next who counts here may be another.
        person = "" if self._work.mode is Mode.COUNT and work.mode is not Mode.COUNT else self._person
        self._beginning = (self._head, when if work.count is not None else None)
        notes = {NOTE: self._note(work, None, person, self._beginning[1], self._head, basket=opened is not None)}
        self._switching = True
        return self._commit(ticket, entries, Switched(work, person, opened, closed), answer, notes)

    def _shelf_counted(self, ticket: Ticket, given: GivenCount, when: When) -> ShelfCounted:
        begun = None if self._count is None else self._count.begun
        times = [in_boot_of(when, first) for first in (begun, self._given_since) if first is not None]
        return ShelfCounted(
            when=when,
            from_up_us=min((*times, when.up_us)),
            device=ticket.device,
            place=given.place,
            session=given.session,
            pass_=given.pass_,
            person=self._person,
            codes=0 if self._count is None else self._count.codes,
            readings=0 if self._count is None else len(self._count),
        )

    def _commit(
        self,
        ticket: Ticket,
        entries: tuple[StationEntry, ...],
        effect: Effect,
        answer: Accepted | Repeated,
        notes: Mapping[str, bytes | None] | None = None,
    ) -> Commit:
        self._in_flight += 1
        return Commit(ticket, entries, effect, answer, notes or {})

    def _note(
        self,
        work: Work,
        session: str | None,
        person: str,
        given_since: When | None,
        after: Where | None,
        *,
        basket: bool = False,
    ) -> bytes:
        """Write the note for a period of which every entry stands after `after`."""
        if after is None:
            raise BadInput("not-started", "the station has not taken up its log yet")
        given = work.count
        return encode_note(
            StationNote(
                configured=self._configured,
                mode=work.mode,
                document=work.document,
                to_place=work.to_place,
                epoch=str(after.epoch),
                seq=after.seq,
                count=session,
                arriving=work.arriving,
                given=None
                if given is None or given_since is None
                else GivenNote(given.session, given.place, given.pass_, given.ended, given_since),
                person=person,
                basket=basket,
            )
        )
