"""The short way of the common delta: whatever goes it, the books are those of the definition."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.ledger.entries import Count, Delta, Entry, Reversal, Scope, Status
from hub.ledger.figures import Filed, ScopeState
from hub.ledger.lane import Lane
from protocol.events import Reason
from protocol.identity import EntryId, Epoch, ItemId, PlaceId, StationId
from tests.unit.ledger.entry_sets import arrivals
from tests.unit.ledger.memory_books import MemoryBooks
from tests.unit.ledger.test_fold_properties import defined, figures

Sort = tuple[Scope, Reason, int, int]


class TwoWays(MemoryBooks):
    """Takes each batch's plain deltas by lanes, which stay open for long, and then the rest by the fold."""

    def __init__(self) -> None:
        super().__init__()
        self._lanes: dict[Sort, Lane] = {}
        self.short = 0

    def take_both_ways(self, batch: list[Entry]) -> None:
        rest = [entry for entry in batch if not (isinstance(entry, Delta) and self._goes_short(entry))]
        self.take(*rest)
        for state in self.scopes.values():
            for lane in self._of(state.scope):
                lane.rest_on(state.anchor)

    def state(self, scope: Scope) -> ScopeState | None:
        for lane in self._of(scope):
            self.scopes[scope] = lane.close(self.scopes.get(scope) or ScopeState(scope))
        return super().state(scope)

    def close(self) -> None:
        for scope in {scope for scope, *_ in self._lanes}:
            self.state(scope)

    def _of(self, scope: Scope) -> Iterator[Lane]:
        return (lane for sort, lane in self._lanes.items() if sort[0] == scope)

    def _goes_short(self, delta: Delta) -> bool:
        named = {filed.entry.reverses for filed in self.rows.values() if isinstance(filed.entry, Reversal)}
        if delta.fit or delta.id in self.rows or delta.id in named:
            return False
        sort = (delta.scope, delta.reason, delta.lead_us, delta.lag_us)
        if sort not in self._lanes:
            state = self.scopes.get(delta.scope)
            self._lanes[sort] = Lane(*sort[1:], None if state is None else state.anchor)
        if delta.t_us - delta.err_us <= self._lanes[sort].clear_us:
            return False
        self._lanes[sort].add(delta.t_us, delta.err_us, delta.qty_milli)
        self.rows[delta.id] = Filed(delta, Status.APPLIED)
        self.short += 1
        return True


@settings(max_examples=300, deadline=None)
@given(arrivals(), st.booleans())
def test_lanes_and_fold_together_make_the_books_of_the_definition(batches: list[list[Entry]], often: bool) -> None:
    books = TwoWays()
    so_far: list[Entry] = []
    for batch in batches:
        books.take_both_ways(batch)
        so_far += batch
        if often:
            books.close()
            assert figures(books) == defined(so_far)
    books.close()
    assert figures(books) == defined(so_far)


def test_lanes_take_a_delta_that_is_clear_of_the_last_count_and_no_other() -> None:
    scope = Scope(ItemId("tea"), PlaceId("shop"))
    books = TwoWays()
    books.take(Count(ids(1), scope, 9000, 80, 100, err_us=5))
    late, among, just, clear = (Delta(ids(n), scope, -1000, Reason.SALE, t, 5, lead_us=20) for n, t in
                                enumerate((50, 100, 130, 131), 2))  # fmt: skip
    books.take_both_ways([late, among, just, clear])
    assert books.short == 1
    books.close()
    assert (books.scopes[scope].on_hand_milli, books.scopes[scope].hi_milli) == (6000, 8000)
    assert figures(books) == defined([Count(ids(1), scope, 9000, 80, 100, err_us=5), late, among, just, clear])


def ids(seq: int) -> EntryId:
    return EntryId(StationId("till-1"), Epoch(1, 1), seq)
