"""What the fold does with what it knew already: the same again, a better time for it, a count that no longer stands."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hub.errors import ContractBroken
from hub.ledger.entries import Count, Entry, Reversal, Status
from hub.ledger.figures import AnchorMoved
from tests.unit.ledger.memory_books import MemoryBooks
from tests.unit.ledger.telling import (
    COUNTED_95,
    JAM,
    NOTHING,
    OPENING,
    SOLD_2,
    SOLD_3,
    TEA,
    WASTED_2,
    at,
    by_hub,
    count,
    delta,
    on_hand,
    till,
    undo,
    variance,
)


def test_what_comes_again_changes_nothing() -> None:
    books = MemoryBooks()
    day: list[Entry] = [OPENING, SOLD_3, SOLD_2, COUNTED_95, WASTED_2, undo(1, SOLD_3), undo(2, till(99))]
    books.take(*day)
    assert books.take(*day, *day) == NOTHING
    assert MemoryBooks().take(*day, *day) == MemoryBooks().take(*day)


def test_a_better_clock_fit_moves_a_sale_to_the_other_side_of_the_count() -> None:
    books = MemoryBooks()
    wrong_clock = delta(1, "13:50", -3)
    books.take(OPENING, wrong_clock, COUNTED_95)
    assert (on_hand(books), variance(books, COUNTED_95)) == (92, -5)

    books.take(delta(1, "13:10", -3, fit=1))
    assert (on_hand(books), variance(books, COUNTED_95)) == (95, -2)
    assert books.status(SOLD_3) is Status.ABSORBED

    assert books.take(wrong_clock) == NOTHING


def test_a_better_clock_fit_of_an_undone_sale_takes_its_undo_along() -> None:
    books = MemoryBooks()
    books.take(OPENING, delta(1, "13:50", -3), COUNTED_95, undo(1, till(1)))
    assert books.rows[by_hub(1)].status is Status.APPLIED
    moved = delta(1, "13:10", -3, fit=1)
    books.take(moved)
    assert books.rows[by_hub(1)].status is Status.ABSORBED
    assert books.rows[by_hub(1)].placed == moved
    assert (on_hand(books), variance(books, COUNTED_95)) == (95, -5)


def test_a_better_clock_fit_of_a_count_changes_which_sales_it_saw() -> None:
    books = MemoryBooks()
    books.take(OPENING, SOLD_3, SOLD_2, count(2, "13:05", 95))
    assert (on_hand(books), variance(books, COUNTED_95)) == (90, -5)
    outcome = books.take(count(2, "13:30", 95, fit=1))
    assert (on_hand(books), variance(books, COUNTED_95)) == (95, 0)
    assert [(figure.id, figure.revision) for figure in outcome.counts] == [(COUNTED_95.id, 2)]


def test_a_better_clock_fit_may_change_what_the_code_meant() -> None:
    books = MemoryBooks()
    books.take(OPENING, SOLD_3)
    books.take(delta(1, "13:10", -3, fit=1, scope=JAM))
    assert (on_hand(books), on_hand(books, JAM)) == (100, -3)


@pytest.mark.parametrize(
    "again",
    [delta(1, "13:10", -4), delta(1, "13:11", -3), Count(till(1), TEA, 9000, 0, at("13:10"), fit=1)],
)
def test_an_id_that_comes_again_as_something_else_is_our_bug(again: Entry) -> None:
    books = MemoryBooks()
    books.take(OPENING, SOLD_3)
    with pytest.raises(ContractBroken):
        books.take(again)
    with pytest.raises(ContractBroken):
        MemoryBooks().take(SOLD_3, again)


def test_an_undo_that_comes_again_for_another_sale_is_our_bug() -> None:
    books = MemoryBooks()
    books.take(SOLD_3, SOLD_2, undo(1, SOLD_3))
    with pytest.raises(ContractBroken):
        books.take(Reversal(by_hub(1), SOLD_2.id, at("18:00"), fit=1))


class TestACountThatNoLongerStands:
    """Its session says nothing of the scope, or not any more."""

    def test_the_count_before_it_is_what_stock_rests_on_again(self) -> None:
        books = MemoryBooks()
        books.take(OPENING, SOLD_3, COUNTED_95)
        outcome = books.take(replace(COUNTED_95, fit=1, stands=False))
        assert (on_hand(books), books.status(COUNTED_95), books.status(OPENING)) == (97, Status.HISTORY, Status.APPLIED)
        assert outcome.dropped == [COUNTED_95.id]
        assert outcome.anchors == [AnchorMoved(TEA, COUNTED_95.key, OPENING.key)]

    def test_it_may_come_to_stand_again_and_is_numbered_anew(self) -> None:
        books = MemoryBooks()
        books.take(OPENING, SOLD_3, COUNTED_95)
        books.take(replace(COUNTED_95, fit=1, stands=False))
        books.take(replace(COUNTED_95, fit=2, qty_milli=96_000))
        assert (on_hand(books), variance(books, COUNTED_95)) == (96, -1)
        assert books.counts[COUNTED_95.id].revision == 1

    def test_one_that_never_stood_changes_no_books(self) -> None:
        books = MemoryBooks()
        books.take(OPENING)
        outcome = books.take(replace(COUNTED_95, stands=False))
        assert [filed.status for filed in outcome.filed] == [Status.HISTORY]
        assert outcome == replace(NOTHING, filed=outcome.filed)

    def test_voided_while_it_did_not_stand_it_stays_out(self) -> None:
        books = MemoryBooks()
        books.take(OPENING, replace(COUNTED_95, stands=False), undo(1, COUNTED_95))
        assert books.rows[by_hub(1)].status is Status.APPLIED
        books.take(replace(COUNTED_95, fit=1))
        assert on_hand(books) == 100
        assert books.counts.keys() == {OPENING.id}
