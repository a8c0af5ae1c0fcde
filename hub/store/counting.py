"""Count sessions of the books: parts and words come in, and what follows from a session is filed like any entry.

    station's count ──> part ───┐                       ┌─> the station's own count, which stands or does not
    shelf counted, sweep ───────┼─> session ─ compose ──┼─> a count each scope it covers, of the log "counts"
    plan, ruling, undo ─────────┘                       └─> complete: a count of nothing for all it did not see

A session of which something came is composed anew once a batch (`hub.ledger.sessions`); what the books are told is the
difference to what they hold (`hub.ledger.restating`). Where nothing is to be composed, which is most of all counts,
each goes into the books as it came.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from hub.errors import ContractBroken
from hub.ledger.counting import (
    COUNTS_STATION,
    UNKNOWN_ITEM,
    Complete,
    Composed,
    Floor,
    Part,
    Ruling,
    ShelfDone,
    Verdict,
    session_entry,
)
from hub.ledger.entries import Count, Reversal, Scope
from hub.ledger.restating import changes, stated
from hub.ledger.sessions import compose
from hub.ledger.timefit import Timed
from hub.store import count_completes, count_rows
from hub.store.books import StoredBooks
from hub.store.count_log import epoch_of_session
from hub.store.count_reading import part_of, shelf_of
from hub.store.count_rows import Material, Standing
from hub.store.entry_rows import Kept
from hub.store.epochs import EpochRow, EpochRows
from hub.store.filing import Filing
from hub.store.reading import NO_ITEM, Read
from hub.store.sql import Sql
from protocol.count_decisions import CountDecision
from protocol.events import Count as CountEvent
from protocol.events import ShelfCounted, decode_station_entry
from protocol.identity import EntryId, PlaceId

_ALL_SEQS = 1 << 62
_Undone = Mapping[EntryId, Reversal]
_Own = Mapping[EntryId, Filing]


class CountSessions:
    """Works in the writer's transactions; `forget` after one that did not happen."""

    def __init__(self, epochs: EpochRows, books: StoredBooks, floor_of: Callable[[Sql], Floor]) -> None:
        self._epochs = epochs
        self._books = books
        self._floor_of = floor_of
        self._touched: set[str] = set()
        self._composed: set[str] | None = None
        self._completes: dict[PlaceId, list[Complete]] | None = None

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self._touched.clear()
        self._composed = None
        self._completes = None

    # What is told

    def take_part(self, sql: Sql, part: Part) -> None:
        """Take a part that is no station's count: what a sweep saw of an item. It takes the place of what was known of
        that entry and item. Goes into the books with the batch.
        """
        count_rows.keep_part(sql, *self._place(sql, part.entry), part)
        self._touch(sql, part.session)

    def drop_sweep(self, sql: Sql, entry: EntryId) -> None:
        """Forget what a sweep told, as before it is told anew: what it says no longer would stay."""
        place = self._place(sql, entry)
        for session in count_rows.sessions_of(sql, *place):
            self._touch(sql, session)
        count_rows.drop_parts(sql, *place)
        count_rows.drop_shelves(sql, *place)

    def take_shelf(self, sql: Sql, done: ShelfDone) -> None:
        """Take the word that a shelf was counted, a person's or a reader's: one an entry and kind of goods."""
        count_rows.keep_shelf(sql, *self._place(sql, done.entry), done)
        self._touch(sql, done.session)

    def shelf_counted(self, sql: Sql, epoch: EpochRow, seq: int, event: ShelfCounted, timed: Timed) -> None:
        """Take a line of a station's log, or take it again at another time."""
        self.take_shelf(sql, shelf_of(epoch.entry(seq), event, timed))

    def decided(self, sql: Sql, epoch: EpochRow, seq: int, line: bytes, said: CountDecision) -> None:
        """Take a line of the journal."""
        count_rows.keep_said(sql, epoch.id, seq, said.session, line)
        self._touch(sql, said.session)

    def again(self, sql: Sql, room: int) -> int:
        """Take up sessions that are to be composed again, about `room` parts of them; give the room left."""
        while room > 0 and (names := count_rows.take_recounts(sql, 1)):
            for session in names:
                self._touch(sql, session)
                room -= 1 + count_rows.size_of(sql, session)
        return room

    # What is filed

    def filings(self, sql: Sql, batch: Sequence[Filing]) -> list[Filing]:
        """Keep the counts of a batch; give what the books are to have of it, and of the sessions it touched."""
        rest: list[Filing] = []
        own: dict[EntryId, Filing] = {}
        undone: dict[EntryId, Reversal] = {}
        for filing in batch:
            entry = filing.read.entry
            if isinstance(entry, Count):
                if self._take_count(sql, filing, entry):
                    rest.append(filing)
                else:
                    own[entry.id] = filing
                continue
            if isinstance(entry, Reversal):
                undone[entry.reverses] = entry
                self._undo(sql, entry.reverses)
            rest.append(filing)
        if self._touched:
            touched, self._touched = self._touched, set()
            floor = self._floor_of(sql)
            for session in sorted(touched):
                rest += self._compose(sql, session, floor, own, undone)
        return rest

    def unseen(self, sql: Sql) -> list[Filing]:
        """Give the counts of nothing for scopes that were first heard of since this was last asked."""
        fresh = self._books.standings.take_new()
        if not fresh:
            return []
        completes = self._known_completes(sql)
        if not completes:
            return []
        floor = self._floor_of(sql)
        found: list[Filing] = []
        for scope in fresh:
            for complete in completes.get(scope.area, ()) if scope.item != NO_ITEM else ():
                zero = complete.zero(scope, floor)
                if zero is not None:
                    before = self._derived(sql, complete.session, zero.id)
                    known = {
                        kept.read.entry.id: kept.read.entry for kept in before if isinstance(kept.read.entry, Count)
                    }
                    found += self._filings(sql, changes(known, {zero.id: zero}), {}, before)
        return found

    def _take_count(self, sql: Sql, filing: Filing, entry: Count) -> bool:
        """Keep a station's count as a part; say whether it goes into the books as it is."""
        event = decode_station_entry(filing.line)
        if not isinstance(event, CountEvent):
            raise ContractBroken(f"{entry.id} is a count of the books, and its line is none")
        part = part_of(event, entry)
        count_rows.keep_part(sql, filing.epoch.id, filing.seq, part)
        if self._is_plain(sql, part.session):
            count_rows.note_plain(sql, part.session, part.to_us)
            return True
        self._touched.add(part.session)
        return part.item == UNKNOWN_ITEM

    def _undo(self, sql: Sql, target: EntryId) -> None:
        epoch = self._epochs.of_entry(sql, target)
        if epoch is not None:
            for session in count_rows.sessions_of(sql, epoch.id, target.seq):
                if not self._is_plain(sql, session):
                    self._touched.add(session)

    def _compose(self, sql: Sql, session: str, floor: Floor, own: _Own, undone: _Undone) -> list[Filing]:
        """Compose a session, and say what that changes."""
        known = count_rows.material(sql, self._epochs, session)
        named = {part.entry for part in known.parts} | {done.entry for done in known.done}
        rulings = [
            *known.rulings,
            *(
                Ruling(undo.id, Verdict.VOID, session, target=target)
                for target, undo in undone.items()
                if target in named
            ),
        ]
        composed = compose(known.plan, known.parts, known.done, rulings, floor)
        self._note(sql, session, known, composed)
        before = [*self._derived(sql, session), *self._of_stations(composed)]
        after = stated(composed, self._scopes(sql, composed.complete), floor)
        return self._filings(sql, changes(_counts(before), after), own, before)

    def _note(self, sql: Sql, session: str, known: Material, composed: Composed) -> None:
        times = [part.to_us for part in known.parts] + [done.to_us for done in known.done]
        if known.plan is not None:
            times.append(known.plan.at_us)
        standing = Standing(max(times, default=0), True, len(composed.results), len(composed.open))
        count_rows.note(sql, session, standing)
        if self._composed is not None:
            self._composed.add(session)
        if count_completes.keep_complete(sql, session, composed.complete):
            self._completes = None

    def _scopes(self, sql: Sql, complete: Complete | None) -> Iterable[Scope]:
        """Give the scopes a complete count may say nothing is left of."""
        if complete is None:
            return ()
        # What this transaction brought is looked for by SQL.
        self._books.write_scopes()
        return [Scope(item, complete.area) for item in count_rows.items_in(sql, complete.area)]

    def _derived(self, sql: Sql, session: str, only: EntryId | None = None) -> list[Kept]:
        """Give what the books hold of the counts made of a session, or of one of them."""
        epoch = self._epochs.of_entry(sql, session_entry(session, Scope(NO_ITEM, PlaceId(""))))
        if epoch is None:
            return []
        first, last = (1, _ALL_SEQS) if only is None else (only.seq, only.seq)
        found = list(self._books.kept_range(epoch.id, first, last).values())
        for identity, count in _counts(found).items():
            if count.document != session:
                raise ContractBroken(f"{identity} is a count of {count.document!r} and of {session!r}")
        return found

    def _of_stations(self, composed: Composed) -> list[Kept]:
        """Give what the books hold of the stations' own counts."""
        named = (identity for identity in composed.entries if identity.station != COUNTS_STATION)
        return [kept for identity in named if (kept := self._books.kept(identity)) is not None]

    def _filings(self, sql: Sql, changed: Sequence[Count], own: _Own, before: Sequence[Kept]) -> list[Filing]:
        """Make what changed ready for the books."""
        known = {kept.read.entry.id: kept for kept in before}
        found: list[Filing] = []
        for count in changed:
            identity = count.id
            old, came = known.get(identity), own.get(identity)
            epoch = self._epochs.of_entry(sql, identity)
            if epoch is None:
                epoch = self._epochs.by_id(sql, epoch_of_session(sql, identity.epoch))
            code = came.read.code if came is not None else None if old is None else old.read.code
            line = b"" if came is None else came.line
            found.append(Filing(epoch, identity.seq, Read(count, code), line, old))
        return found

    def _is_plain(self, sql: Sql, session: str) -> bool:
        """Whether each count of a session stands by itself, so that there is nothing to compose."""
        if self._composed is None:
            self._composed = count_rows.composed_sessions(sql)
        return session not in self._composed and not count_rows.is_divided(sql)

    def _touch(self, sql: Sql, session: str) -> None:
        if self._composed is None:
            self._composed = count_rows.composed_sessions(sql)
        self._composed.add(session)
        self._touched.add(session)

    def _known_completes(self, sql: Sql) -> dict[PlaceId, list[Complete]]:
        if self._completes is None:
            self._completes = defaultdict(list)
            for complete in count_completes.completes(sql):
                self._completes[complete.area].append(complete)
        return self._completes

    def _place(self, sql: Sql, entry: EntryId) -> tuple[int, int]:
        epoch = self._epochs.of_entry(sql, entry)
        if epoch is None:
            raise ContractBroken(f"{entry} belongs to an epoch that never came")
        return epoch.id, entry.seq


def _counts(kept: Iterable[Kept]) -> dict[EntryId, Count]:
    entries = (each.read.entry for each in kept)
    return {entry.id: entry for entry in entries if isinstance(entry, Count)}
