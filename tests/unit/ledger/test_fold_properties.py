"""What must hold of the fold for any set of entries, however it arrives."""

from __future__ import annotations

from itertools import chain, combinations

import msgspec
import pytest
from hypothesis import given, settings

from hub.ledger.entries import EVER_US, Count, Delta, Entry, Reversal, Status
from hub.ledger.figures import CountFigure, Outcome, ScopeState
from hub.ledger.reference import Fate, Reckoning, bare, bare_count, reckon
from protocol.identity import EntryId
from tests.unit.ledger.entry_sets import arrivals, arrivals_twice
from tests.unit.ledger.memory_books import MemoryBooks

Batches = list[list[Entry]]
_enough = settings(max_examples=100, deadline=None)
_for_long = settings(max_examples=3000, deadline=None)


def kept(batches: Batches) -> MemoryBooks:
    books = MemoryBooks()
    for batch in batches:
        books.take(*batch)
    return books


def figures(books: MemoryBooks) -> Reckoning:
    """What the books say, without what may depend on the order of arrival.

    A scope that all entries have left, or that never had one in force, may be kept as a blank or not at all.
    """
    return Reckoning(
        {scope: bare(state) for scope, state in books.scopes.items() if bare(state) != ScopeState(scope)},
        {identity: bare_count(figure) for identity, figure in books.counts.items()},
        {id_: Fate(filed.status, filed.cause, filed.reversed_by) for id_, filed in books.rows.items()},
    )


def defined(entries: list[Entry]) -> Reckoning:
    whole = reckon(entries)
    return Reckoning(
        {scope: state for scope, state in whole.scopes.items() if state != ScopeState(scope)},
        whole.counts,
        whole.fates,
    )


@_enough
@given(arrivals())
def test_after_every_batch_the_books_are_what_the_definition_says(batches: Batches) -> None:
    assert_always_as_defined(batches)


@pytest.mark.torture
@_for_long
@given(arrivals())
def test_after_every_batch_of_thousands_of_stories_the_books_are_what_the_definition_says(batches: Batches) -> None:
    assert_always_as_defined(batches)


def assert_always_as_defined(batches: Batches) -> None:
    books = MemoryBooks()
    so_far: list[Entry] = []
    for batch in batches:
        books.take(*batch)
        so_far += batch
        assert figures(books) == defined(so_far)
        newest = {entry.id: entry for entry in sorted(so_far, key=lambda entry: entry.fit)}
        assert {identity: filed.entry for identity, filed in books.rows.items()} == newest


@_enough
@given(arrivals_twice())
def test_every_order_and_batching_gives_the_same_books(both: tuple[Batches, Batches]) -> None:
    one, other = both
    assert figures(kept(one)) == figures(kept(other))


@_enough
@given(arrivals())
def test_what_is_known_already_changes_nothing(batches: Batches) -> None:
    books = kept(batches)
    nothing = Outcome([], [], [], [], [])
    for batch in batches:
        assert books.take(*batch) == nothing
    assert books.take(*chain.from_iterable(batches)) == nothing


@_enough
@given(arrivals())
def test_each_item_sums_to_zero_over_real_and_virtual_places_always(batches: Batches) -> None:
    books = MemoryBooks()
    for batch in batches:
        books.take(*batch)
        for state in books.scopes.values():
            places = (
                state.supplier_milli,
                state.customer_milli,
                state.shrink_milli,
                state.opening_milli,
                state.transit_milli,
                state.conversion_milli,
            )
            assert state.on_hand_milli + sum(places) == 0


@_enough
@given(arrivals())
def test_every_entry_has_one_status_and_a_cause_only_in_quarantine(batches: Batches) -> None:
    books = kept(batches)
    assert books.rows.keys() == {entry.id for batch in batches for entry in batch}
    for filed in books.rows.values():
        quarantined = filed.status is Status.QUARANTINED
        assert quarantined == (filed.cause is not None)
        assert quarantined == (filed.placed is None)
        assert isinstance(filed.entry, Reversal) or not quarantined
        if isinstance(filed.entry, Delta):
            assert filed.status in (Status.APPLIED, Status.ABSORBED)


@_enough
@given(arrivals())
def test_an_entry_in_quarantine_has_no_effect(batches: Batches) -> None:
    books = kept(batches)
    without = [[entry for entry in batch if books.rows[entry.id].status is not Status.QUARANTINED] for batch in batches]
    assert figures(kept(without)).scopes == figures(books).scopes


@_enough
@given(arrivals())
def test_the_bounds_are_the_extremes_over_all_ways_the_ambiguous_may_have_fallen(batches: Batches) -> None:
    books = kept(batches)
    for scope, state in books.scopes.items():
        changes: list[int] = []
        for filed in books.rows.values():
            delta, anchor = filed.entry, state.anchor
            if anchor is None or not isinstance(delta, Delta) or delta.scope != scope:
                continue
            if filed.reversed_by:
                away_us = delta.lead_us + delta.err_us
                near = delta.t_us + away_us >= anchor.from_us and delta.t_us - away_us <= anchor.to_us
                if near and 0 < delta.lead_us < EVER_US and delta.qty_milli < 0 and not anchor.closed:
                    changes.append(-delta.qty_milli)
                continue
            may_never_have_been = delta.lead_us == EVER_US
            starts_us = delta.t_us - delta.err_us - (0 if anchor.closed and not may_never_have_been else delta.lead_us)
            ends_us = delta.t_us + delta.err_us + (0 if anchor.closed else delta.lag_us)
            if ends_us >= anchor.from_us and starts_us <= anchor.to_us:
                changes.append(-delta.qty_milli if filed.status is Status.APPLIED else delta.qty_milli)
        ways = chain.from_iterable(combinations(changes, n) for n in range(len(changes) + 1))
        counted = [0]
        if state.anchor is not None and state.anchor.lo_milli is not None and state.anchor.hi_milli is not None:
            counted = [bound - state.anchor.qty_milli for bound in (state.anchor.lo_milli, state.anchor.hi_milli)]
        totals = [state.on_hand_milli + sum(way) + other for way in ways for other in counted]
        assert (state.lo_milli, state.hi_milli) == (min(totals), max(totals))
        assert state.ambiguous == len(changes)
        assert state.lo_milli <= state.on_hand_milli <= state.hi_milli


@_enough
@given(arrivals())
def test_a_soft_count_moves_the_books_only_into_its_bounds(batches: Batches) -> None:
    for figure in kept(batches).counts.values():
        if figure.lo_milli is not None and figure.hi_milli is not None:
            assert figure.lo_milli <= figure.qty_milli <= figure.hi_milli
            if figure.lo_milli <= figure.expected_milli <= figure.hi_milli:
                assert figure.variance_milli == 0
            else:
                assert figure.qty_milli in (figure.lo_milli, figure.hi_milli)


@_enough
@given(arrivals())
def test_a_count_that_does_not_stand_is_as_if_it_were_not_there(batches: Batches) -> None:
    books = kept(batches)
    dumb = [
        filed.entry.id for filed in books.rows.values() if isinstance(filed.entry, Count) and not filed.entry.stands
    ]
    assert books.counts.keys().isdisjoint(dumb)
    assert {books.rows[identity].status for identity in dumb} <= {Status.HISTORY}
    without = [[entry for entry in batch if entry.id not in dumb] for batch in batches]
    assert figures(kept(without)).scopes == figures(books).scopes
    assert figures(kept(without)).counts == figures(books).counts


@_enough
@given(arrivals())
def test_a_count_is_published_again_exactly_when_its_figures_change(batches: Batches) -> None:
    books = MemoryBooks()
    published: dict[EntryId, CountFigure] = {}
    for batch in batches:
        outcome = books.take(*batch)
        for figure in outcome.counts:
            before = published.get(figure.id)
            assert figure.revision == (1 if before is None else before.revision + 1)
            assert before is None or bare_count(before) != bare_count(figure)
            published[figure.id] = figure
        for identity in outcome.dropped:
            if identity not in books.counts:
                del published[identity]
        for identity, figure in books.counts.items():
            assert published[identity] == figure


@_enough
@given(arrivals())
def test_all_figures_are_integers(batches: Batches) -> None:
    books = kept(batches)
    values: list[ScopeState | CountFigure] = [*books.scopes.values(), *books.counts.values()]
    for value in values:
        for name, content in msgspec.structs.asdict(value).items():
            if name in ("lo_milli", "hi_milli"):
                assert content is None or type(content) is int, name
            elif name.endswith(("_milli", "_us")) or name in ("ambiguous", "revision"):
                assert type(content) is int, name
        if isinstance(value, ScopeState):
            for derived in (value.on_hand_milli, value.lo_milli, value.hi_milli, value.available_milli()):
                assert type(derived) is int
        else:
            assert type(value.variance_milli) is int
