"""What holds of figures that were declared final, and what comes after."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.ledger.entries import Count, Delta, Entry, Reversal, Scope
from hub.ledger.figures import ScopeState
from hub.ledger.finality import Correction, Frozen, Hindrance, correction, hindrances, scopes_reached, state_at
from hub.ledger.reference import bare, reckon, reckon_until
from protocol.events import Reason
from protocol.identity import EntryId, Epoch, ItemId, PlaceId, StationId
from tests.unit.ledger.entry_sets import IDS, SCOPES, arrivals
from tests.unit.ledger.memory_books import MemoryBooks

TEA = Scope(ItemId("tea"), PlaceId("shop"))
CLOSE, NOW = 1000, 5000
_enough = settings(max_examples=60, deadline=None)
_for_long = settings(max_examples=2000, deadline=None)


def entry(seq: int, station: str = "till-1", generation: int = 2, nonce: int = 7) -> EntryId:
    return EntryId(StationId(station), Epoch(generation, nonce), seq)


def sold(seq: int, t_us: int, pieces: int, station: str = "till-1") -> Delta:
    return Delta(entry(seq, station), TEA, -pieces * 1000, Reason.SALE, t_us)


def counted(seq: int, t_us: int, pieces: int) -> Count:
    return Count(entry(seq, "hand-1"), TEA, pieces * 1000, t_us, t_us)


class Closed:
    """Books of a day that was declared final at `CLOSE`, and of the day after."""

    def __init__(self, *entries: Entry) -> None:
        self.books = MemoryBooks()
        self.books.take(*entries)
        self.frozen = Frozen(CLOSE, (entry(1), entry(1, "hand-1")))
        self.declared = state_at(self.books, TEA, CLOSE)

    def later(self, *entries: Entry) -> Correction | None:
        known = list(self.books.related([one.id for one in entries]))
        held = {one.id for one in known if self.frozen.holds(one.id)}
        before = state_at(self.books, TEA, CLOSE)
        self.books.take(*(one for one in entries if one.id not in held))
        return correction(before, state_at(self.books, TEA, CLOSE), CLOSE, NOW)


class TestAnEntryThatComesAfterTheDeclaration:
    def day(self) -> Closed:
        return Closed(counted(1, 100, 50), sold(1, 900, 5), sold(2, 1100, 1), counted(2, 2000, 44))

    def test_is_folded_where_it_belongs_and_corrects_what_was_declared_by_a_posting_of_today(self) -> None:
        closed = self.day()
        assert closed.declared.on_hand_milli == 45_000
        assert closed.later(sold(1, 950, 2, "till-9")) == Correction(TEA, CLOSE, NOW, -2000, 0, 2000, 0, 0, 0, 0)
        assert closed.books.scopes[TEA].on_hand_milli == 44_000
        assert closed.books.counts[entry(2, "hand-1")].variance_milli == 2000

    def test_of_a_time_before_a_count_of_the_closed_day_moves_shrink_and_not_stock(self) -> None:
        closed = self.day()
        closed.later(counted(3, 990, 45))
        assert closed.later(sold(1, 950, 2, "till-9")) == Correction(TEA, CLOSE, NOW, 0, 0, 2000, -2000, 0, 0, 0)

    def test_of_today_corrects_nothing(self) -> None:
        assert self.day().later(sold(1, CLOSE + 1, 2, "till-9"), counted(3, 3000, 40)) is None

    def test_that_takes_back_a_sale_of_the_closed_day_corrects_it(self) -> None:
        undo = Reversal(entry(1, "hub"), entry(1), 4000)
        assert self.day().later(undo) == Correction(TEA, CLOSE, NOW, 5000, 0, -5000, 0, 0, 0, 0)

    def test_that_times_or_reads_a_frozen_sale_anew_is_not_listened_to(self) -> None:
        closed = self.day()
        jam = Scope(ItemId("jam"), PlaceId("shop"))
        assert closed.later(replace(sold(1, 1500, 5), fit=1)) is None
        assert closed.later(replace(sold(1, 900, 5), fit=1, scope=jam)) is None
        assert bare(state_at(closed.books, TEA, CLOSE)) == bare(closed.declared)

    def test_that_times_a_sale_of_today_into_the_closed_day_corrects_it(self) -> None:
        assert self.day().later(replace(sold(2, 800, 1), fit=1)) == Correction(
            TEA, CLOSE, NOW, -1000, 0, 1000, 0, 0, 0, 0
        )


def test_a_sale_of_today_raises_no_doubt_in_the_figures_of_yesterday() -> None:
    books = MemoryBooks()
    books.take(counted(1, 990, 50), replace(sold(1, 1010, 2), lead_us=100))
    assert books.scopes[TEA].ambiguous == 1
    assert (state_at(books, TEA, CLOSE).ambiguous, state_at(books, TEA, CLOSE).hi_milli) == (0, 50_000)


class TestWhatIsFrozen:
    frozen = Frozen(CLOSE, (entry(9), entry(5, "hub")))

    @pytest.mark.parametrize(
        ("identity", "is_frozen"),
        [
            (entry(9), True),
            (entry(1), True),
            (entry(10), False),
            (entry(10, generation=1, nonce=3), True),
            (entry(1, generation=3, nonce=3), False),
            (entry(1, nonce=8), False),
            (entry(5, "hub"), True),
            (entry(1, "till-2"), False),
        ],
        ids=["head", "below", "above", "earlier life", "later life", "twin life", "journal", "log excluded"],
    )
    def test_is_what_lay_below_the_heads_of_the_logs(self, identity: EntryId, is_frozen: bool) -> None:
        assert self.frozen.holds(identity) is is_frozen


class TestWhatStandsInTheWay:
    marks: ClassVar = {"till-1": CLOSE + 1, "till-2": CLOSE, "till-3": None}

    def test_is_every_source_that_may_still_have_something_to_say(self) -> None:
        assert hindrances(CLOSE, self.marks, {}, []) == [(Hindrance.SOURCE, "till-2"), (Hindrance.SOURCE, "till-3")]

    def test_is_whatever_is_held_of_that_time_or_of_a_time_nobody_knows(self) -> None:
        held = {entry(1): CLOSE, entry(2): CLOSE + 1, entry(3): None}
        assert hindrances(CLOSE, {}, held, []) == [(Hindrance.HELD, str(entry(1))), (Hindrance.HELD, str(entry(3)))]

    def test_is_no_source_that_a_person_excluded(self) -> None:
        held = {entry(1, "till-3"): None}
        assert hindrances(CLOSE, self.marks, held, ["till-2", "till-3"]) == []


def assert_books_at_any_time_are_those_of_the_entries_until_then(batches: list[list[Entry]], until_us: int) -> None:
    books = MemoryBooks()
    so_far: list[Entry] = []
    for batch in batches:
        before = {scope: state_at(books, scope, until_us) for scope in SCOPES}
        reversed_ids = [one.reverses for one in batch if isinstance(one, Reversal)]
        reached = scopes_reached(
            batch, list(books.related([*(one.id for one in batch), *reversed_ids])), until_us
        )  # fmt: skip
        books.take(*batch)
        so_far += batch
        defined = reckon_until(so_far, until_us).scopes
        for scope in SCOPES:
            after = state_at(books, scope, until_us)
            assert bare(after) == defined.get(scope, ScopeState(scope))
            changed = correction(before[scope], after, until_us, NOW)
            if changed is not None:
                assert scope in reached
                quantities = (
                    changed.on_hand_milli,
                    changed.supplier_milli,
                    changed.customer_milli,
                    changed.shrink_milli,
                    changed.opening_milli,
                    changed.transit_milli,
                    changed.conversion_milli,
                )
                assert sum(quantities) == 0
            if scope not in reached:
                assert bare(before[scope]) == bare(after)


@_enough
@given(arrivals(), st.integers(-1, 16))
def test_the_books_at_a_time_are_those_of_the_entries_until_then_and_change_where_a_batch_reaches(
    batches: list[list[Entry]], until_us: int
) -> None:
    assert_books_at_any_time_are_those_of_the_entries_until_then(batches, until_us)


@pytest.mark.torture
@_for_long
@given(arrivals(), st.integers(-1, 16))
def test_so_they_are_in_thousands_of_stories(batches: list[list[Entry]], until_us: int) -> None:
    assert_books_at_any_time_are_those_of_the_entries_until_then(batches, until_us)


@st.composite
def declared_and_after(draw: st.DrawFn) -> tuple[list[Entry], Frozen, list[Entry], list[Entry]]:
    """What was known at a declaration, what it froze, and what came later, in two orders.

    Of a log that is frozen up to a head, whatever lies below it was there.
    """
    batches = draw(arrivals())
    cut = draw(st.integers(0, len(batches)))
    before = [one for batch in batches[:cut] for one in batch]
    known = {one.id for one in before}
    heads = draw(st.lists(st.sampled_from(IDS), max_size=2, unique_by=lambda identity: identity.station))
    frozen = Frozen(CLOSE, tuple(heads))
    later = [one for batch in batches[cut:] for one in batch]
    later = [one for one in later if one.id in known or not frozen.holds(one.id)]
    return before, frozen, later, draw(st.permutations(later))


@_enough
@given(declared_and_after())
def test_what_is_frozen_stays_as_it_was_and_all_else_is_as_it_would_be_in_every_order(
    story: tuple[list[Entry], Frozen, list[Entry], list[Entry]],
) -> None:
    before, frozen, *orders = story
    known = {one.id for one in before}
    listened_to = [one for one in orders[0] if not (one.id in known and frozen.holds(one.id))]
    defined = reckon([*before, *listened_to])
    for later in orders:
        books = MemoryBooks()
        books.take(*before)
        for one in later:
            is_known = any(known_one.id == one.id for known_one in books.related([one.id]))
            if not (is_known and frozen.holds(one.id)):
                books.take(one)
        kept = {scope: bare(state) for scope, state in books.scopes.items() if bare(state) != ScopeState(scope)}
        assert kept == {scope: state for scope, state in defined.scopes.items() if state != ScopeState(scope)}


@pytest.mark.parametrize("days", [50, 400])
def test_the_books_of_yesterday_cost_what_came_since_however_much_came_before(days: int) -> None:
    books = MemoryBooks()
    for day in range(1, days + 1):
        books.take(counted(day, day * 100, 50), sold(day, day * 100 + 50, 1))
    books.asked.clear()
    assert state_at(books, TEA, days * 100 - 1).on_hand_milli == 49_000
    assert books.asked == ["neighbours", "deltas_between", "neighbours", "deltas_between"]
