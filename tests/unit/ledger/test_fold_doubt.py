"""Where the truth may lie: movements and counts are intervals, and a sweep proves presence only."""

from __future__ import annotations

import pytest

from hub.ledger.entries import Count
from hub.ledger.figures import is_ambiguous
from protocol.events import Reason
from tests.unit.ledger.memory_books import MemoryBooks
from tests.unit.ledger.telling import (
    COUNTED_95,
    MINUTE_US,
    TEA,
    at,
    count,
    delta,
    on_hand,
    soft,
    till,
    undo,
    variance,
)


class TestAmbiguous:
    """A movement is an interval, and so is a count."""

    def test_goods_may_have_left_the_shelf_before_the_count_and_been_scanned_after_it(self) -> None:
        books = MemoryBooks()
        sold = delta(1, "13:40", -2, lead_us=30 * MINUTE_US)
        books.take(COUNTED_95, sold)
        tea = books.scopes[TEA]
        assert (tea.lo_milli, tea.on_hand_milli, tea.hi_milli) == (93_000, 93_000, 95_000)
        assert tea.ambiguous == 1
        assert is_ambiguous(sold, books.counts[COUNTED_95.id])

    def test_goods_may_be_back_on_the_shelf_only_after_the_count(self) -> None:
        books = MemoryBooks()
        books.take(delta(1, "13:20", 2, Reason.RETURN, lag_us=30 * MINUTE_US), COUNTED_95)
        tea = books.scopes[TEA]
        assert (tea.lo_milli, tea.on_hand_milli, tea.hi_milli) == (95_000, 95_000, 97_000)

    @pytest.mark.parametrize(
        ("sold_at", "ambiguous"),
        [("13:09", 0), ("13:10", 1), ("13:20", 1), ("13:30", 1), ("13:40", 1), ("13:41", 0)],
    )
    def test_a_count_lasts_from_its_first_reading_to_its_last(self, sold_at: str, ambiguous: int) -> None:
        books = MemoryBooks()
        # Read from 13:15 to 13:35, each by a clock that may be 4 minutes off, against a clock 1 minute off.
        counted = count(2, "13:35", 95, since="13:15", err_us=4 * MINUTE_US)
        books.take(counted, delta(1, sold_at, -2, err_us=MINUTE_US))
        assert books.scopes[TEA].ambiguous == ambiguous

    def test_a_later_count_in_a_quiet_hour_ends_the_doubt(self) -> None:
        books = MemoryBooks()
        books.take(COUNTED_95, delta(1, "13:40", -2, lead_us=30 * MINUTE_US))
        books.take(count(3, "20:00", 93))
        tea = books.scopes[TEA]
        assert (tea.lo_milli, tea.hi_milli, tea.ambiguous) == (93_000, 93_000, 0)

    def test_voiding_that_count_brings_the_doubt_back(self) -> None:
        books = MemoryBooks()
        quiet = count(3, "20:00", 93)
        books.take(COUNTED_95, delta(1, "13:40", -2, lead_us=30 * MINUTE_US), quiet)
        books.take(undo(1, quiet))
        tea = books.scopes[TEA]
        assert (tea.lo_milli, tea.hi_milli, tea.ambiguous) == (93_000, 95_000, 1)

    def test_goods_of_a_sale_taken_back_may_have_been_in_a_basket_while_the_shelf_was_counted(self) -> None:
        books = MemoryBooks()
        sold = delta(1, "13:40", -2, lead_us=30 * MINUTE_US)
        books.take(COUNTED_95, sold)
        books.take(undo(1, sold))
        tea = books.scopes[TEA]
        assert (tea.lo_milli, tea.hi_milli, tea.ambiguous) == (95_000, 97_000, 1)

    def test_a_sale_taken_back_long_after_the_count_leaves_no_doubt(self) -> None:
        books = MemoryBooks()
        sold = delta(1, "15:40", -2, lead_us=30 * MINUTE_US)
        books.take(COUNTED_95, sold)
        books.take(undo(1, sold))
        tea = books.scopes[TEA]
        assert (tea.lo_milli, tea.hi_milli, tea.ambiguous) == (95_000, 95_000, 0)

    def test_that_doubt_goes_and_comes_with_the_count_it_is_about(self) -> None:
        books = MemoryBooks()
        sold, quiet = delta(1, "13:40", -2, lead_us=30 * MINUTE_US), count(3, "20:00", 93)
        books.take(COUNTED_95, sold)
        books.take(undo(1, sold))
        books.take(quiet)
        assert books.scopes[TEA].ambiguous == 0
        books.take(undo(2, quiet))
        tea = books.scopes[TEA]
        assert (tea.lo_milli, tea.hi_milli, tea.ambiguous) == (95_000, 97_000, 1)


class TestASoftCount:
    """A sweep by RFID proves what it saw, and nothing of what it did not see."""

    def test_it_leaves_the_books_alone_where_they_lie_within_it(self) -> None:
        books = MemoryBooks()
        books.take(count(1, "08:00", 10), soft(2, "09:00", 8, 11))
        tea = books.scopes[TEA]
        assert (tea.lo_milli, tea.on_hand_milli, tea.hi_milli) == (8000, 10_000, 11_000)
        assert variance(books, soft(2, "09:00", 8, 11)) == 0

    @pytest.mark.parametrize(("seen", "most", "held"), [(11, 13, 11), (4, 7, 7)])
    def test_it_moves_books_that_lie_outside_to_its_nearer_bound(self, seen: int, most: int, held: int) -> None:
        books = MemoryBooks()
        swept = soft(2, "09:00", seen, most)
        books.take(count(1, "08:00", 10), swept)
        assert (on_hand(books), variance(books, swept)) == (held, held - 10)
        assert books.scopes[TEA].shrink_milli == (10 - held) * 1000

    def test_the_doubt_it_leaves_moves_with_the_stock_and_ends_with_a_hard_count(self) -> None:
        books = MemoryBooks()
        books.take(count(1, "08:00", 10), soft(2, "09:00", 8, 11), delta(1, "10:00", -3))
        tea = books.scopes[TEA]
        assert (tea.lo_milli, tea.on_hand_milli, tea.hi_milli) == (5000, 7000, 8000)
        books.take(count(2, "11:00", 6))
        tea = books.scopes[TEA]
        assert (tea.lo_milli, tea.on_hand_milli, tea.hi_milli) == (6000, 6000, 6000)

    def test_a_late_sale_may_bring_the_books_into_its_bounds(self) -> None:
        books = MemoryBooks()
        swept = soft(2, "09:00", 4, 7)
        books.take(count(1, "08:00", 10), swept)
        assert variance(books, swept) == -3
        books.take(delta(1, "08:30", -4))
        assert (on_hand(books), variance(books, swept)) == (6, 0)

    def test_as_the_first_count_it_opens_the_books(self) -> None:
        books = MemoryBooks()
        books.take(soft(2, "09:00", 4, 7))
        tea = books.scopes[TEA]
        assert (tea.on_hand_milli, tea.opening_milli, tea.unanchored) == (4000, -4000, False)


class TestACountInAClosedArea:
    """Nobody carries goods about, so that a movement is where its scan is, but for the error of clocks."""

    def test_leads_and_lags_raise_no_doubt(self) -> None:
        books = MemoryBooks()
        closed = Count(till(2, "counter"), TEA, 95_000, at("13:30"), at("13:30"), closed=True)
        books.take(
            closed,
            delta(1, "13:40", -2, lead_us=30 * MINUTE_US),
            delta(2, "13:20", 2, Reason.RETURN, lag_us=30 * MINUTE_US),
        )
        tea = books.scopes[TEA]
        assert (tea.lo_milli, tea.on_hand_milli, tea.hi_milli, tea.ambiguous) == (93_000, 93_000, 93_000, 0)

    def test_a_clock_that_may_be_wrong_raises_doubt_all_the_same(self) -> None:
        books = MemoryBooks()
        closed = Count(till(2, "counter"), TEA, 95_000, at("13:30"), at("13:30"), closed=True)
        books.take(closed, delta(1, "13:40", -2, err_us=10 * MINUTE_US))
        assert books.scopes[TEA].hi_milli == 95_000
        assert books.scopes[TEA].ambiguous == 1
