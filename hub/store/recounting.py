"""Count sessions from the stored lines alone, for `rebuilding`: gathered whole, then composed once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from hub.ledger.counting import COUNTS_STATION, Floor, Ruling, Verdict
from hub.ledger.entries import Count, Delta, Entry, Reversal, Scope
from hub.ledger.figures import ScopeState
from hub.ledger.restating import stated
from hub.ledger.sessions import compose
from hub.ledger.tags import Swept
from hub.ledger.timefit import Timed
from hub.store.count_reading import part_of, plan_of, ruling_of, shelf_of
from hub.store.count_rows import Material
from hub.store.epochs import EpochRow
from hub.store.reading import NO_ITEM
from protocol.count_decisions import CountPlanned, CountRuled
from protocol.decisions import JournalEntry
from protocol.events import Count as CountEvent
from protocol.events import ShelfCounted, StationEntry
from protocol.identity import EntryId


class Recounting:
    """Gathers lines in the order of their logs, then gives the counts that follow from them."""

    def __init__(self) -> None:
        self._sessions: dict[str, Material] = defaultdict(lambda: Material(None, [], [], []))
        self._undone: list[Reversal] = []
        self._scopes: set[Scope] = set()

    def decided(self, epoch: EpochRow, seq: int, said: StationEntry | JournalEntry) -> None:
        """Take a line of the journal, if it is about a session."""
        if isinstance(said, CountPlanned):
            self._sessions[said.session] = self._sessions[said.session]._replace(plan=plan_of(said))
        elif isinstance(said, CountRuled):
            self._sessions[said.session].rulings.append(ruling_of(epoch.entry(seq), said))

    def shelf(self, epoch: EpochRow, seq: int, event: ShelfCounted, timed: Timed) -> None:
        """Take the word that a shelf was counted."""
        self._sessions[event.session].done.append(shelf_of(epoch.entry(seq), event, timed))

    def entry(self, event: StationEntry | JournalEntry, entry: Entry) -> bool:
        """Take an entry that a line makes; say whether it goes into the books as it is."""
        if isinstance(entry, Count) and isinstance(event, CountEvent):
            self._sessions[event.session].parts.append(part_of(event, entry))
            return entry.scope.item == NO_ITEM
        if isinstance(entry, Delta):
            self._scopes.add(entry.scope)
        elif isinstance(entry, Reversal):
            self._undone.append(entry)
        return True

    def swept(self, found: Swept) -> None:
        """Take what the sweeps of a pass found."""
        for part in found.parts:
            self._sessions[part.session].parts.append(part)
        for done in found.done:
            self._sessions[done.session].done.append(done)

    def moved(self, entry: Delta) -> None:
        """Take a movement that no line makes."""
        self._scopes.add(entry.scope)

    def counts(self, floor: Floor) -> Iterator[Count]:
        """Give the counts of all sessions."""
        composed = []
        for session, known in self._sessions.items():
            named = known.entries
            undoing = [
                Ruling(undo.id, Verdict.VOID, session, target=undo.reverses)
                for undo in self._undone
                if undo.reverses in named
            ]
            composed.append(compose(known.plan, known.parts, known.done, [*known.rulings, *undoing], floor))
        scopes = {scope for scope in self._scopes if scope.item != NO_ITEM}
        scopes |= {count.scope for one in composed for count in one.entries.values()}
        for one in composed:
            yield from stated(one, scopes, floor).values()


def is_idle(state: ScopeState) -> bool:
    """Whether a scope says nothing: what it was first heard of by is of another now, and it was found to be empty."""
    return not (
        state.on_hand_milli
        or state.moved_milli
        or state.supplier_milli
        or state.customer_milli
        or state.shrink_milli
        or state.opening_milli
        or state.transit_milli
        or state.conversion_milli
    )


def told(entries: Iterable[Entry], idle: set[Scope], wanted: set[EntryId]) -> dict[EntryId, Entry]:
    """Give the entries that say something: without counts of sessions that stand no longer, or of idle scopes."""
    return {
        entry.id: entry
        for entry in entries
        if entry.id in wanted
        or not (isinstance(entry, Count) and entry.id.station == COUNTS_STATION)
        or (entry.stands and entry.scope not in idle)
    }
