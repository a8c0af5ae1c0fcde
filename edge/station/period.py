"""What a station has done since its mode was set: the part of its memory that mirrors the log.

A *period* begins with a mode change or the end of a count. Undo reaches back to its beginning; a count is open within
it. Memory changes only when the log says a commit is durable, so the two never differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from edge.station.actions import (
    Accepted,
    Commit,
    Counted,
    CountedReading,
    Effect,
    Lookup,
    Moved,
    Reversed,
    Switched,
    Ticket,
    Where,
)
from edge.station.counting import UNDO_DEPTH, OpenCount
from edge.station.note import NOTE, StationNote, encode_note
from edge.station.undo import Undoable, UndoList, carry
from protocol.cards import Mode
from protocol.chain import Chapter
from protocol.errors import BadInput
from protocol.events import CountReading, Delta, Reason, Reversal, StationEntry, When
from protocol.identity import Epoch, PlaceId

MOVES = {
    Mode.SALE: (Reason.SALE, -1),
    Mode.RETURN: (Reason.RETURN, 1),
    Mode.RECEIVE: (Reason.RECEIPT, 1),
    Mode.TRANSFER: (Reason.TRANSFER, -1),
    Mode.WASTE: (Reason.WASTE, -1),
}
"""Why goods move in a mode, and their sign as seen from the station's place."""
RECALL_ENTRIES = 4 * UNDO_DEPTH
"""How many entries are read again at start for undo: enough of them move goods, the others are marks and the like."""


class Period:
    """The present mode period. The methods that give a `Commit` raise `BadInput` where there is nothing to commit."""

    def __init__(self, configured: Mode, place: PlaceId) -> None:
        self._configured = configured
        self._place = place
        self._mode = configured
        self._document: str | None = None
        self._number = 0
        self._head: Where | None = None
        self._lineage: Sequence[Chapter] = ()
        self._undo = UndoList()
        self._count: OpenCount | None = None
        self._count_noted = False
        self._in_flight = 0
        self._readings_in_flight = 0
        self._switching = False

    @property
    def mode(self) -> Mode:
        """What a scan means now."""
        return self._mode

    @property
    def document(self) -> str | None:
        """The document that new entries name."""
        return self._document

    @property
    def switching(self) -> bool:
        """Tell whether a mode change or the end of a count is on its way to the disk."""
        return self._switching

    @property
    def settled(self) -> bool:
        """Tell whether no commit is on its way and no count has readings."""
        return self._in_flight == 0 and (self._count is None or len(self._count) == 0)

    # Start

    def resume(self, note: StationNote | None, head: Where, lineage: Sequence[Chapter]) -> Where:
        """Take up the period that `note` tells of, unless the settings have changed since and no count is open.

        Give the position after which the log holds what is to be recalled.
        """
        self._head, self._lineage = head, lineage
        recent = Where(head.epoch, max(0, head.seq - RECALL_ENTRIES))
        if note is None:
            return recent
        if note.count is None and note.configured is not self._configured:
            return head
        self._mode, self._document = note.mode, note.document
        since = carry(note.since, lineage) or Where(head.epoch, 0)
        if note.count is None:
            return max(since, recent)
        self._count = OpenCount(note.count)
        self._count_noted = True
        return since

    def recall(self, where: Where, entry: StationEntry, key: str) -> None:
        """Take an entry back from the log."""
        match entry:
            case Delta() if self._mode in MOVES and entry.reason is MOVES[self._mode][0]:
                self._undo.done(Undoable(where))
            case Reversal():
                target = carry(Where(Epoch.parse(entry.epoch), entry.seq), self._lineage)
                if target is not None:
                    self._undo.reversed_before(target)
            case CountReading() if self._count is not None and entry.session == self._count.session:
                self._count.recall(entry, key)
            case _:
                pass

    def carried(self, head: Where, lineage: Sequence[Chapter]) -> None:
        """Learn that the log has opened a new epoch and carried entries into it."""
        self._head, self._lineage = head, lineage
        self._undo.carried(lineage)

    # What is to be committed

    def move(self, ticket: Ticket, delta: Delta, answer: Accepted, weighed: bool) -> Commit:
        """Move goods."""
        return self._commit(ticket, (delta,), Moved(self._number, weighed), answer)

    def room_in_count(self, key: str, codes: int) -> bool:
        """Tell whether the open count may hold a code more than it does, being bounded to `codes`."""
        return self._count is None or self._count.holds(key) or self._count.codes < codes

    def read(self, ticket: Ticket, reading: CountedReading, answer: Accepted) -> Commit:
        """Add a reading to the open count, opening one if there is none."""
        if self._count is None:
            self._count = OpenCount(f"{reading.when.boot}-{reading.when.up_us}")
        return self._commit_reading(ticket, self._count, reading, answer, takes_back=False)

    def undo(self, ticket: Ticket, when: When) -> Commit:
        """Take back what was done last and still stands."""
        done = Accepted("undo", self._mode)
        if self._count is not None:
            if self._switching:
                raise BadInput("busy", "the count is just ending")
            reading = self._count.next_undo()
            if reading is None:
                raise BadInput("nothing-to-undo", "nothing was read in this count that still stands")
            done = replace(done, code=reading.code, qty_milli=-reading.qty_milli)
            return self._commit_reading(ticket, self._count, replace(reading, when=when), done, takes_back=True)
        last = self._undo.next_undo()
        if last is None:
            raise BadInput("nothing-to-undo", "nothing was done in this mode that still stands")
        target = last.where
        reversal = Reversal(when, ticket.device, str(target.epoch), target.seq)
        return self._commit(ticket, (reversal,), Reversed(self._number, last.weighed, target), done)

    def end_count(self, ticket: Ticket, lookup: Lookup) -> Commit:
        """Close the open count and begin a new period in the same mode."""
        if self._count is None:
            raise BadInput("no-count", "no count is open")
        return self._switch(ticket, self._mode, self._document, "end", lookup)

    def switch(self, ticket: Ticket, mode: Mode, document: str | None, lookup: Lookup) -> Commit | None:
        """Begin a period in another mode, closing an open count; None if mode and document are those already."""
        if (mode, document) == (self._mode, self._document) and not self._switching:
            return None
        return self._switch(ticket, mode, document, "mode", lookup)

    # What became of it

    def committed(self, commit: Commit, where: Where) -> None:
        """Learn that a commit is durable, its last entry at `where`."""
        if self._head is None or where > self._head:
            self._head = where
        self._in_flight -= 1
        match commit.effect:
            case Moved(period, weighed):
                if period == self._number:
                    self._undo.done(Undoable(where, weighed))
            case Counted(reading, takes_back):
                # A switch waits for readings on their way, so the count is still the one they were read in.
                self._readings_in_flight -= 1
                self._count_noted = True
                assert self._count is not None
                if takes_back:
                    self._count.take_back(reading)
                else:
                    self._count.add(reading)
            case Reversed():
                pass
            case Switched(mode, document):
                self._switching = False
                self._mode, self._document = mode, document
                self._number += 1
                self._undo.clear()
                self._count = None
                self._count_noted = False
            case _:
                assert_never(commit.effect)

    def not_committed(self, commit: Commit) -> None:
        """Learn that nothing of a commit is in the log."""
        self._in_flight -= 1
        match commit.effect:
            case Moved():
                pass
            case Counted(reading, takes_back):
                self._readings_in_flight -= 1
                if takes_back and self._count is not None:
                    self._count.undo_failed(reading)
            case Reversed(period, weighed, target):
                if period == self._number:
                    self._undo.undo_failed(Undoable(target, weighed))
            case Switched():
                self._switching = False
            case _:
                assert_never(commit.effect)

    def _commit_reading(
        self, ticket: Ticket, count: OpenCount, reading: CountedReading, answer: Accepted, takes_back: bool
    ) -> Commit:
        entry = CountReading(
            when=reading.when,
            device=ticket.device,
            code=reading.code,
            aim=reading.aim,
            qty_milli=-reading.qty_milli if takes_back else reading.qty_milli,
            place=self._place,
            session=count.session,
            catalogue=reading.catalogue,
        )
        # Until a reading is durable the note goes with each, so that none is ever accepted without it.
        notes: dict[str, bytes | None] = (
            {} if self._count_noted else {NOTE: self._note(self._mode, self._document, count.session)}
        )
        self._readings_in_flight += 1
        return self._commit(ticket, (entry,), Counted(reading, takes_back), answer, notes)

    def _switch(self, ticket: Ticket, mode: Mode, document: str | None, did: str, lookup: Lookup) -> Commit:
        if self._switching or self._readings_in_flight:
            raise BadInput("busy", "something is just being written; scan the card again")
        closed = None if self._count is None else self._count.close(ticket.device, self._place, lookup)
        attention = "count-split" if closed is not None and closed.split else None
        self._switching = True
        notes = {NOTE: self._note(mode, document, None)}
        counts = () if closed is None else closed.entries
        return self._commit(ticket, counts, Switched(mode, document), Accepted(did, mode, attention=attention), notes)

    def _commit(
        self,
        ticket: Ticket,
        entries: tuple[StationEntry, ...],
        effect: Effect,
        answer: Accepted,
        notes: Mapping[str, bytes | None] | None = None,
    ) -> Commit:
        self._in_flight += 1
        return Commit(ticket, entries, effect, answer, notes or {})

    def _note(self, mode: Mode, document: str | None, session: str | None) -> bytes:
        """Write the note for a period of which every entry will stand after the last one known now."""
        if self._head is None:
            raise BadInput("not-started", "the station has not taken up its log yet")
        return encode_note(
            StationNote(
                configured=self._configured,
                mode=mode,
                document=document,
                epoch=str(self._head.epoch),
                seq=self._head.seq,
                count=session,
            )
        )
