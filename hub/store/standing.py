"""A scope as the writer's thread has it between two readings of its row.

Plain deltas go into a scope by its sorts. A `Sort` is a scope, the code that was scanned, the reason, and how far
around its time the goods may have moved; nearly every item has one. Pages name it by its row, and it has a lane in the
books.
"""

from __future__ import annotations

from hub.ledger.entries import Delta, Scope
from hub.ledger.figures import ScopeState
from hub.ledger.lane import Lane
from hub.store import tails
from hub.store.entry_rows import Kept
from hub.store.pages import Page
from hub.store.reading import Read
from protocol.events import Reason
from protocol.identity import EntryId


class Standing:
    """A scope: its row, its figures but for its lanes', and the places of its plain deltas.

    `filed` are the figures that the file holds; None if it has no row. `plain` counts the deltas in pages, `fresh` are
    the times and places that `tail` does not hold yet.
    """

    __slots__ = ("changed", "filed", "fresh", "plain", "row", "scope", "sorts", "state", "tail")

    def __init__(self, row: int, scope: Scope, state: ScopeState | None, plain: int, tail: bytes) -> None:
        self.row = row
        self.scope = scope
        self.state = self.filed = state
        self.plain = plain
        self.tail = tail
        self.fresh: list[int] = []
        self.sorts: list[Sort] = []
        self.changed = False

    def close(self) -> ScopeState | None:
        """Give the figures with all that came."""
        state = self.state
        if self.fresh:
            if state is None:
                state = ScopeState(self.scope)
            for sort in self.sorts:
                state = sort.lane.close(state)
            self.state = state
        return state

    def all_refs(self) -> bytes:
        """Give the tail as it will be written."""
        return self.tail + tails.packed(self.fresh)

    def replace(self, state: ScopeState) -> None:
        """Put other figures, made of those of `close`, in their place."""
        self.state = state
        for sort in self.sorts:
            sort.lane.rest_on(state.anchor)


class Sort:
    """See the module. `fresh` is its standing's."""

    __slots__ = ("area", "code", "fresh", "item", "lag_us", "lane", "lead_us", "reason", "row", "standing")

    def __init__(self, row: int, standing: Standing, code: str, reason: Reason, lead_us: int, lag_us: int) -> None:
        self.row = row
        self.standing = standing
        self.item, self.area = standing.scope
        self.fresh = standing.fresh
        self.code = code
        self.reason = reason
        self.lead_us = lead_us
        self.lag_us = lag_us
        state = standing.state
        self.lane = Lane(reason, lead_us, lag_us, None if state is None else state.anchor)

    def kept(self, identity: EntryId, page: Page, place: int) -> Kept:
        """Give an entry of this sort."""
        t_us, err_us = page.time(place)
        delta = Delta(
            identity, self.standing.scope, page.qty_milli(place), self.reason, t_us, err_us, self.lead_us, self.lag_us
        )
        return Kept(Read(delta, self.code), None, 1)
