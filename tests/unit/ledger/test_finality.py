"""What stands in the way of declaring figures final, and what the books held at any moment."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.ledger.entries import Count, Delta, Entry, Reversal, Scope
from hub.ledger.figures import ScopeState
from hub.ledger.finality import Hindrance, hindrances, state_at
from hub.ledger.reference import bare, reckon_until
from protocol.events import Reason
from protocol.identity import EntryId, Epoch, ItemId, PlaceId, StationId
from tests.unit.ledger.entry_sets import SCOPES, arrivals
from tests.unit.ledger.memory_books import MemoryBooks

TEA = Scope(ItemId("tea"), PlaceId("shop"))
CLOSE = 1000
_enough = settings(max_examples=60, deadline=None)
_for_long = settings(max_examples=2000, deadline=None)


def entry(seq: int, station: str = "till-1", generation: int = 2, nonce: int = 7) -> EntryId:
    return EntryId(StationId(station), Epoch(generation, nonce), seq)


def sold(seq: int, t_us: int, pieces: int, station: str = "till-1") -> Delta:
    return Delta(entry(seq, station), TEA, -pieces * 1000, Reason.SALE, t_us)


def counted(seq: int, t_us: int, pieces: int) -> Count:
    return Count(entry(seq, "hand-1"), TEA, pieces * 1000, t_us, t_us)


def test_a_sale_of_today_raises_no_doubt_in_the_figures_of_yesterday() -> None:
    books = MemoryBooks()
    books.take(counted(1, 990, 50), replace(sold(1, 1010, 2), lead_us=100))
    assert books.scopes[TEA].ambiguous == 1
    assert (state_at(books, TEA, CLOSE).ambiguous, state_at(books, TEA, CLOSE).hi_milli) == (0, 50_000)


def test_goods_that_were_carried_to_the_till_and_back_are_a_doubt_in_the_books_of_that_time_too() -> None:
    books = MemoryBooks()
    books.take(counted(1, 990, 50), replace(sold(1, 990, 2), lead_us=100), Reversal(entry(2), entry(1), 1010))
    assert (state_at(books, TEA, CLOSE).ambiguous, state_at(books, TEA, CLOSE).hi_milli) == (1, 52_000)


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
        books.take(*batch)
        so_far += batch
        defined = reckon_until(so_far, until_us).scopes
        for scope in SCOPES:
            assert bare(state_at(books, scope, until_us)) == defined.get(scope, ScopeState(scope))


@_enough
@given(arrivals(), st.integers(-1, 16))
def test_the_books_at_a_time_are_those_of_the_entries_until_then(batches: list[list[Entry]], until_us: int) -> None:
    assert_books_at_any_time_are_those_of_the_entries_until_then(batches, until_us)


@pytest.mark.torture
@_for_long
@given(arrivals(), st.integers(-1, 16))
def test_so_they_are_in_thousands_of_stories(batches: list[list[Entry]], until_us: int) -> None:
    assert_books_at_any_time_are_those_of_the_entries_until_then(batches, until_us)


@pytest.mark.parametrize("days", [50, 400])
def test_the_books_of_yesterday_cost_what_came_since_however_much_came_before(days: int) -> None:
    books = MemoryBooks()
    for day in range(1, days + 1):
        books.take(counted(day, day * 100, 50), sold(day, day * 100 + 50, 1))
    books.asked.clear()
    assert state_at(books, TEA, days * 100 - 1).on_hand_milli == 49_000
    assert books.asked == ["neighbours", "deltas_between", "neighbours", "deltas_between", "undone_between"]
