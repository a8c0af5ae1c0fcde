"""Takes a batch of entries into the books: repeats, new clock fits, reversals and quarantine.

What an entry does follows from the set of entries known, and not from the order in which they came:

- Of several versions of one id the one of greatest `fit` counts; any other is a repeat.
- A delta or count is in force unless reversals name it. Then it is out; of these reversals the one of lowest
  id is in force, and the others are quarantined as already-reversed.
- A reversal of a reversal is quarantined, whatever became of the other. So is one of an id that nobody has
  folded, because it has not come or waits in quarantine elsewhere: as reverses-unknown, until it comes.
- A count that does not stand is history and in no books; a reversal of it is in force all the same.

The books (`book`) hold what is in force. A delta that nobody names and that is new, which is nearly all
of them, takes the short way through `fold`; for the rest, `_Batch` puts in and takes out.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence

from hub.errors import ContractBroken
from hub.ledger.book import ScopeBook
from hub.ledger.entries import Cause, Count, Delta, Entry, Reversal, Scope, Status
from hub.ledger.figures import AnchorMoved, Books, CountFigure, Filed, Outcome, ScopeState
from hub.ledger.moving import moved
from protocol.identity import EntryId


def fold(entries: Sequence[Entry], books: Books) -> Outcome:
    """Fold a batch, of one entry or thousands, in any order; say all that changed, change nothing.

    An entry that is known already, with the same or a greater `fit`, changes nothing. Raises
    `ContractBroken` if an id comes with the same `fit` and other content, as another kind, or reversing
    another entry.
    """
    batch = _Batch(entries, books)
    unusual, filed, open_books, runs = batch.unusual, batch.filed, batch.open_books, batch.runs
    for entry in entries:
        if type(entry) is Delta:
            identity = entry.id
            if not unusual or identity not in unusual:
                new = Filed(entry, Status.APPLIED)
                if filed.setdefault(identity, new) is new:
                    scope = entry.scope
                    book = open_books.get(scope)
                    if book is None:
                        run = runs.get(scope) or batch.begin(scope)
                        after = moved(run.state, entry)
                        if after is not None:
                            run.state = after
                            run.deltas.append(entry)
                            continue
                        book = batch.open(scope)
                    if not book.put_in(entry):
                        filed[identity] = Filed(entry, Status.ABSORBED)
                    continue
        batch.take(entry)
    return batch.close()


class _Run:
    """What a batch did to a scope so far that took no book."""

    __slots__ = ("before", "deltas", "state")

    def __init__(self, state: ScopeState) -> None:
        self.before = self.state = state
        self.deltas: list[Delta] = []


class _Batch:
    """The state of one call of `fold`.

    `unusual` holds the ids whose entry is known from before this batch or is named by a reversal.
    """

    def __init__(self, entries: Sequence[Entry], books: Books) -> None:
        self._books = books
        self._known: dict[EntryId, Entry] = {}
        self._reversals: dict[EntryId, list[EntryId]] = {}
        self.filed: dict[EntryId, Filed] = {}
        self.open_books: dict[Scope, ScopeBook] = {}
        self.runs: dict[Scope, _Run] = {}
        # The last published revisions of counts that this batch took out.
        self._revisions: dict[EntryId, int] = {}
        ids = [entry.id for entry in entries]
        ids += [entry.reverses for entry in entries if type(entry) is Reversal]
        for entry in books.related(ids):
            self._known[entry.id] = entry
            if isinstance(entry, Reversal):
                insort(self._reversals.setdefault(entry.reverses, []), entry.id)
        self.unusual = self._known.keys() | self._reversals.keys()

    def begin(self, scope: Scope) -> _Run:
        """Begin with a scope whose books are not open."""
        state = self._books.state(scope)
        run = self.runs[scope] = _Run(ScopeState(scope) if state is None else state)
        return run

    def open(self, scope: Scope) -> ScopeBook:
        """Open the books of a scope that is not open yet."""
        run = self.runs.get(scope) or self.begin(scope)
        book = self.open_books[scope] = ScopeBook(run.state, self._books, self.filed, run.deltas)
        return book

    def take(self, entry: Entry) -> None:
        """Take any entry, the long way."""
        known = self._entry(entry.id)
        if known is None:
            self._add(entry)
        elif known.fit < entry.fit:
            self._replace(known, entry)
        elif known.fit == entry.fit and known != entry:
            raise ContractBroken(f"{entry.id} came twice with fit {entry.fit} and different content")

    def close(self) -> Outcome:
        """Settle the statuses that later entries of the batch changed, and gather all changes."""
        reanchored = {scope for scope, book in self.open_books.items() if book.reanchored}
        if reanchored:
            for identity, filed in self.filed.items():
                placed = filed.placed
                if placed is not None and placed.scope in reanchored:
                    self.filed[identity] = self._judged(filed.entry, placed, filed.reversed_by)
        counts: list[CountFigure] = []
        dropped: list[EntryId] = []
        anchors: list[AnchorMoved] = []
        for scope, book in self.open_books.items():
            if book.counts_touched:
                changes = book.count_changes()
                counts += changes.counts
                dropped += changes.dropped
                if changes.anchor is not None:
                    anchors.append(changes.anchor)
            self.runs[scope].state = book.state()
        scopes = [run.state for run in self.runs.values() if run.state != run.before]
        return Outcome(anchors, list(self.filed.values()), dropped, counts, scopes)

    def _add(self, entry: Entry) -> None:
        self._known[entry.id] = entry
        self.unusual.add(entry.id)
        if isinstance(entry, Reversal):
            rivals = self._reversals.setdefault(entry.reverses, [])
            target = self._entry(entry.reverses)
            if not rivals and isinstance(target, Delta | Count):
                self._take_out(target)
                self._set_aside(target, 1)
            insort(rivals, entry.id)
            self.unusual.add(entry.reverses)
            self._refile(entry.reverses)
        elif entry.id not in self._reversals:
            self._put_in(entry)
        else:
            self._set_aside(entry, 1)
        self._refile(entry.id)

    def _replace(self, known: Entry, entry: Entry) -> None:
        self._known[entry.id] = entry
        self.unusual.add(entry.id)
        if isinstance(entry, Reversal):
            if not (isinstance(known, Reversal) and known.reverses == entry.reverses):
                raise ContractBroken(f"{entry.id} came again reversing another entry")
            self._refile(entry.reverses)
            return
        if isinstance(known, Reversal) or known.kind != entry.kind:
            raise ContractBroken(f"{entry.id} came again as another kind")
        if entry.id not in self._reversals:
            self._take_out(known)
            self._put_in(entry)
        else:
            self._set_aside(known, -1)
            self._set_aside(entry, 1)
        self._refile(entry.id)

    def _refile(self, identity: EntryId) -> None:
        """File this entry if it is a delta or count, and all reversals that name it."""
        target = self._entry(identity)
        rivals = self._reversals.get(identity, ())
        if target is None or isinstance(target, Reversal):
            cause = Cause.REVERSES_UNKNOWN if target is None else Cause.REVERSES_A_REVERSAL
            for rival in rivals:
                self.filed[rival] = Filed(self._known[rival], Status.QUARANTINED, cause)
            return
        self.filed[identity] = self._judged(target, target, rivals[0] if rivals else None)
        if rivals and isinstance(target, Delta):
            self._book(target.scope).undone[identity] = target
        for place, rival in enumerate(rivals):
            reversal = self._known[rival]
            self.filed[rival] = (
                Filed(reversal, Status.QUARANTINED, Cause.ALREADY_REVERSED)
                if place
                else self._judged(reversal, target, None)
            )

    def _judged(self, entry: Entry, placed: Delta | Count, reversed_by: EntryId | None) -> Filed:
        """File an entry not in quarantine by where the last count of its scope now stands.

        `placed` is the entry itself or, if it is a reversal, its target.
        """
        book = self._book(placed.scope)
        if isinstance(placed, Delta):
            status = Status.APPLIED if book.is_after_anchor(placed.key) else Status.ABSORBED
        elif placed is not entry or (book.anchor is not None and book.anchor.id == entry.id):
            # A void is a decision about a count: it stays in force however old the count grows.
            status = Status.APPLIED
        else:
            status = Status.HISTORY
        return Filed(entry, status, None, reversed_by, None if placed is entry else placed)

    def _put_in(self, entry: Delta | Count) -> None:
        book = self._book(entry.scope)
        if isinstance(entry, Delta):
            book.put_in(entry)
        elif entry.stands:
            book.put_in_count(entry, self._revisions.pop(entry.id, 0))

    def _take_out(self, entry: Delta | Count) -> None:
        book = self._book(entry.scope)
        if isinstance(entry, Delta):
            book.take_out(entry)
        elif entry.stands:
            self._revisions[entry.id] = book.take_out_count(entry)

    def _set_aside(self, entry: Delta | Count, sign: int) -> None:
        """Reckon with a delta that is reversed, or (-1) with this version of it no more. A voided count is gone."""
        if isinstance(entry, Delta):
            book = self._book(entry.scope)
            book.undone.pop(entry.id, None)
            book.set_aside(entry, sign)

    def _book(self, scope: Scope) -> ScopeBook:
        return self.open_books.get(scope) or self.open(scope)

    def _entry(self, identity: EntryId) -> Entry | None:
        entry = self._known.get(identity)
        if entry is None and (filed := self.filed.get(identity)) is not None:
            return filed.entry
        return entry
