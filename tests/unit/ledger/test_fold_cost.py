"""What is asked of the books for an entry, which must not grow with the past."""

from __future__ import annotations

import pytest

from hub.ledger.entries import Count, Delta
from protocol.events import Reason
from tests.unit.ledger.memory_books import MemoryBooks
from tests.unit.ledger.telling import (
    DAY_US,
    TEA,
    at,
    count,
    delta,
    soft,
    till,
    undo,
)


def counted_daily(days: int) -> MemoryBooks:
    """Books of a shop that counted one more of tea at the end of each day; what they were asked is forgotten."""
    books = MemoryBooks()
    ends = range(DAY_US, (days + 1) * DAY_US, DAY_US)
    books.take(*(Count(till(day, "counter"), TEA, day * 1000, end, end) for day, end in enumerate(ends, 1)))
    books.asked.clear()
    return books


class TestWhatIsAskedOfTheBooks:
    """The cost of an entry must not grow with the past: what is in order asks for none of it."""

    def test_a_day_in_order_asks_for_nothing_of_the_past(self) -> None:
        books = MemoryBooks()
        for hour in range(8, 20):
            books.take(delta(hour, f"{hour:02}:10", -1))
            books.take(count(hour, f"{hour:02}:30", 50, since=f"{hour:02}:20"))
        assert books.asked == []

    @pytest.mark.parametrize("days", [50, 5000])
    def test_a_late_sale_asks_for_two_counts_and_restates_one_however_many_came_after_it(self, days: int) -> None:
        books = counted_daily(days)
        outcome = books.take(Delta(till(1), TEA, -1000, Reason.SALE, DAY_US + 1))
        assert books.asked == ["neighbours"]
        assert [figure.t_us for figure in outcome.counts] == [2 * DAY_US]
        assert len(outcome.filed) == 1

    @pytest.mark.parametrize("days", [50, 5000])
    def test_a_late_count_asks_for_two_counts_and_once_for_the_sales_it_parts(self, days: int) -> None:
        books = counted_daily(days)
        outcome = books.take(Count(till(1), TEA, 9000, DAY_US + 1, DAY_US + 1))
        assert books.asked == ["neighbours", "deltas_between"]
        assert [figure.t_us for figure in outcome.counts] == [DAY_US + 1, 2 * DAY_US]

    def test_what_a_batch_knows_of_a_gap_it_does_not_ask_again(self) -> None:
        books = counted_daily(50)
        late = [Delta(till(seq), TEA, -1000, Reason.SALE, DAY_US + seq) for seq in (1, 2, 8, 9)]
        books.take(late[0], Count(till(5), TEA, 9000, DAY_US + 5, DAY_US + 5), *late[1:])
        assert books.asked == ["neighbours", "deltas_between"]

    @pytest.mark.parametrize("days", [50, 5000])
    def test_a_void_of_an_old_count_asks_for_its_neighbours_and_restates_one(self, days: int) -> None:
        books = counted_daily(days)
        outcome = books.take(undo(1, till(3, "counter")))
        assert books.asked == ["neighbours", "neighbours"]
        assert (outcome.dropped, [figure.t_us for figure in outcome.counts]) == ([till(3, "counter")], [4 * DAY_US])

    def test_a_late_sale_runs_through_sweeps_only_as_far_as_it_changes_them(self) -> None:
        books = MemoryBooks()
        books.take(count(1, "08:00", 10))
        books.take(
            *(soft(n, f"{n:02}:00", 5, 12) for n in range(9, 13)), soft(13, "13:00", 5, 8), soft(14, "14:00", 5, 12)
        )
        books.asked.clear()
        outcome = books.take(delta(1, "09:30", -1))
        # The sweeps at 10, 11 and 12 held 10 with the books and hold 9 now; the one at 13 holds 8 as it did.
        assert [figure.t_us for figure in outcome.counts] == [at(f"{hour}:00") for hour in (10, 11, 12, 13)]
        assert books.asked == ["neighbours"] * 4
