"""The in-memory twin of a store that keeps the books: does with an `Outcome` what a store does with SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from hub.ledger.entries import Delta, Entry, Key, Reversal, Scope, Status
from hub.ledger.figures import AnchorMoved, CountFigure, Filed, Outcome, ScopeState
from hub.ledger.fold import fold
from protocol.identity import EntryId


class MemoryBooks:
    """Rows by id, counts by id, states by scope, and what the fold asked of them.

    It answers as a store may that has an index by time and none by key: with a little more than was asked.
    """

    def __init__(self) -> None:
        self.rows: dict[EntryId, Filed] = {}
        self.counts: dict[EntryId, CountFigure] = {}
        self.scopes: dict[Scope, ScopeState] = {}
        self.asked: list[str] = []

    def take(self, *entries: Entry) -> Outcome:
        """Fold a batch and keep what came out."""
        outcome = fold(entries, self)
        self.keep(outcome)
        return outcome

    def keep(self, outcome: Outcome) -> None:
        self._move_anchors(outcome.anchors)
        self.rows.update((filed.entry.id, filed) for filed in outcome.filed)
        for identity in outcome.dropped:
            del self.counts[identity]
        self.counts.update((figure.id, figure) for figure in outcome.counts)
        self.scopes.update((state.scope, state) for state in outcome.scopes)

    def status(self, entry: Entry) -> Status:
        return self.rows[entry.id].status

    # The port

    def state(self, scope: Scope) -> ScopeState | None:
        return self.scopes.get(scope)

    def related(self, ids: Sequence[EntryId]) -> Iterable[Entry]:
        for filed in self.rows.values():
            entry = filed.entry
            if entry.id in ids or (isinstance(entry, Reversal) and entry.reverses in ids):
                yield entry

    def deltas_between(self, scope: Scope, low: Key | None, high: Key | None) -> Iterable[Delta]:
        self.asked.append("deltas_between")
        for filed in self.rows.values():
            delta = filed.entry
            if (
                isinstance(delta, Delta)
                and delta.scope == scope
                and filed.reversed_by is None
                and (low is None or delta.t_us >= low.t_us)
                and (high is None or delta.t_us <= high.t_us)
            ):
                yield delta

    def undone_between(self, scope: Scope, low: Key, high: Key) -> Iterable[Delta]:
        self.asked.append("undone_between")
        for filed in self.rows.values():
            delta = filed.entry
            if (
                isinstance(delta, Delta)
                and delta.scope == scope
                and filed.reversed_by is not None
                and low.t_us <= delta.t_us <= high.t_us
            ):
                yield delta

    def neighbours(self, scope: Scope, key: Key) -> tuple[CountFigure | None, CountFigure | None]:
        self.asked.append("neighbours")
        mine = sorted((figure for figure in self.counts.values() if figure.scope == scope), key=lambda count: count.key)
        before = [figure for figure in mine if figure.key < key]
        after = [figure for figure in mine if figure.key >= key]
        return (before[-1] if before else None), (after[0] if after else None)

    def _move_anchors(self, anchors: Iterable[AnchorMoved]) -> None:
        for moved in anchors:
            if moved.before is not None:
                self._set(moved.before.id, Status.HISTORY)
            if moved.after is not None:
                self._set(moved.after.id, Status.APPLIED)
            upwards = moved.before is None or (moved.after is not None and moved.after > moved.before)
            low, high = (moved.before, moved.after) if upwards else (moved.after, moved.before)
            for identity, filed in list(self.rows.items()):
                placed = filed.placed
                if (
                    isinstance(placed, Delta)
                    and placed.scope == moved.scope
                    and (low is None or placed.key > low)
                    and (high is None or placed.key < high)
                ):
                    self._set(identity, Status.ABSORBED if upwards else Status.APPLIED)

    def _set(self, identity: EntryId, status: Status) -> None:
        # A new count's row comes only with `filed`.
        if identity in self.rows:
            self.rows[identity] = replace(self.rows[identity], status=status)
