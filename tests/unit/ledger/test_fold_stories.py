"""What the fold does with what happens in shops, one story a test."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import pytest

from hub.ledger.entries import Cause, Delta, Entry, Status
from hub.ledger.figures import AnchorMoved
from protocol.events import Reason
from protocol.identity import EntryId, Epoch, StationId
from tests.unit.ledger.memory_books import MemoryBooks
from tests.unit.ledger.telling import (
    COUNTED_95,
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
    undo,
    variance,
)


def test_a_sale_that_arrives_after_the_count_that_saw_it_is_not_taken_off_twice() -> None:
    books = MemoryBooks()
    books.take(OPENING, SOLD_3)
    books.take(COUNTED_95)
    assert (on_hand(books), variance(books, COUNTED_95)) == (95, -2)

    restated = books.take(SOLD_2)
    assert (on_hand(books), variance(books, COUNTED_95)) == (95, 0)
    assert [(figure.id, figure.revision) for figure in restated.counts] == [(COUNTED_95.id, 2)]
    assert books.status(SOLD_2) is Status.ABSORBED

    books.take(WASTED_2)
    assert (on_hand(books), variance(books, COUNTED_95)) == (93, 0)


@pytest.mark.parametrize("arrival", list(permutations([OPENING, SOLD_3, SOLD_2, COUNTED_95, WASTED_2])))
def test_that_day_ends_the_same_in_every_order_of_arrival(arrival: Sequence[Entry]) -> None:
    books = MemoryBooks()
    for entry in arrival:
        books.take(entry)
    assert (on_hand(books), variance(books, COUNTED_95)) == (93, 0)
    assert {books.status(SOLD_3), books.status(SOLD_2)} == {Status.ABSORBED}
    assert {books.status(COUNTED_95), books.status(WASTED_2)} == {Status.APPLIED}
    assert books.status(OPENING) is Status.HISTORY
    tea = books.scopes[TEA]
    assert (tea.customer_milli, tea.shrink_milli, tea.opening_milli) == (5000, 2000, -100_000)
    assert (tea.lo_milli, tea.hi_milli) == (93_000, 93_000)


@pytest.mark.parametrize(
    ("reason", "place"),
    [
        (Reason.SALE, "customer"),
        (Reason.RETURN, "customer"),
        (Reason.RECEIPT, "supplier"),
        (Reason.WASTE, "shrink"),
        (Reason.ADJUSTMENT, "shrink"),
        (Reason.TRANSFER, "transit"),
        (Reason.REPACK, "conversion"),
    ],
)
def test_each_reason_has_its_place_on_the_other_side(reason: Reason, place: str) -> None:
    books = MemoryBooks()
    books.take(delta(1, "09:00", 4, reason))
    virtual = ("supplier", "customer", "shrink", "opening", "transit", "conversion")
    moved = {name: getattr(books.scopes[TEA], f"{name}_milli") for name in virtual}
    assert moved == {name: -4000 if name == place else 0 for name in virtual}


def test_without_a_count_stock_runs_from_zero_and_says_so() -> None:
    books = MemoryBooks()
    books.take(SOLD_3)
    tea = books.scopes[TEA]
    assert (tea.on_hand_milli, tea.unanchored, tea.available_milli()) == (-3000, True, 0)
    books.take(COUNTED_95)
    tea = books.scopes[TEA]
    assert (tea.on_hand_milli, tea.unanchored, tea.available_milli()) == (95_000, False, 95_000)
    assert tea.available_milli(reserved_milli=5000, safety_milli=10_000) == 80_000


def test_the_first_count_posts_to_opening_also_when_an_earlier_one_comes_later() -> None:
    books = MemoryBooks()
    books.take(COUNTED_95)
    assert books.scopes[TEA].opening_milli == -95_000
    books.take(OPENING)
    assert books.scopes[TEA].opening_milli == -100_000
    assert books.scopes[TEA].shrink_milli == 5000
    assert books.status(OPENING) is Status.HISTORY


def test_a_count_between_two_others_restates_itself_and_the_next_and_no_other() -> None:
    books = MemoryBooks()
    counts = [count(n, f"{n:02}:00", 100 - n) for n in range(1, 20)]
    books.take(*counts, *(delta(n, f"{n:02}:30", -1) for n in range(1, 20)))
    late = count(30, "10:45", 80)
    outcome = books.take(late)
    assert {figure.id for figure in outcome.counts} == {late.id, counts[10].id}
    assert variance(books, late) == 80 - (90 - 1)
    assert variance(books, counts[10]) == 89 - 80
    assert outcome.anchors == []


def test_a_late_sale_restates_only_the_count_after_it() -> None:
    books = MemoryBooks()
    counts = [count(n, f"{n:02}:00", 100) for n in range(1, 20)]
    books.take(*counts)
    outcome = books.take(delta(1, "07:30", -1))
    assert [(figure.id, figure.variance_milli) for figure in outcome.counts] == [(counts[7].id, 1000)]
    assert on_hand(books) == 100


def test_an_undone_sale_is_as_if_it_had_never_been() -> None:
    books = MemoryBooks()
    books.take(OPENING, SOLD_3, undo(1, SOLD_3))
    assert on_hand(books) == 100
    assert books.scopes[TEA].customer_milli == 0
    assert books.rows[SOLD_3.id].reversed_by == by_hub(1)
    taken_back = books.rows[by_hub(1)]
    assert (taken_back.status, taken_back.placed, taken_back.qty_milli) == (Status.APPLIED, SOLD_3, 3000)


def test_an_undo_of_a_sale_before_the_count_restates_the_count_and_not_the_stock() -> None:
    books = MemoryBooks()
    books.take(OPENING, SOLD_3, SOLD_2, COUNTED_95)
    books.take(undo(1, SOLD_3))
    assert (on_hand(books), variance(books, COUNTED_95)) == (95, -3)
    assert books.rows[by_hub(1)].status is Status.ABSORBED


@pytest.mark.parametrize("together", [True, False])
def test_voiding_the_last_count_restores_the_one_before(together: bool) -> None:
    books = MemoryBooks()
    day: list[Entry] = [OPENING, SOLD_3, SOLD_2, COUNTED_95, WASTED_2]
    void = undo(1, COUNTED_95)
    if together:
        books.take(*day, void)
    else:
        books.take(*day)
        outcome = books.take(void)
        assert outcome.anchors == [AnchorMoved(TEA, COUNTED_95.key, OPENING.key)]
        assert outcome.dropped == [COUNTED_95.id]
    assert on_hand(books) == 100 - 3 - 2 - 2
    assert {books.status(sale) for sale in (SOLD_3, SOLD_2, WASTED_2, OPENING)} == {Status.APPLIED}
    assert books.status(COUNTED_95) is Status.HISTORY
    assert books.rows[by_hub(1)].status is Status.APPLIED
    assert COUNTED_95.id not in books.counts
    assert books.scopes[TEA].anchor == books.counts[OPENING.id]


def test_voiding_a_count_in_the_middle_hands_its_sales_to_the_next() -> None:
    books = MemoryBooks()
    middle = count(3, "13:15", 90)
    books.take(OPENING, SOLD_3, SOLD_2, COUNTED_95, middle)
    assert variance(books, COUNTED_95) == 95 - (90 - 2)
    outcome = books.take(undo(1, middle))
    assert (on_hand(books), variance(books, COUNTED_95)) == (95, 0)
    assert (outcome.dropped, outcome.anchors) == ([middle.id], [])


def test_voiding_the_only_count_leaves_stock_unanchored() -> None:
    books = MemoryBooks()
    books.take(SOLD_3, COUNTED_95, WASTED_2, undo(1, COUNTED_95))
    tea = books.scopes[TEA]
    assert (tea.on_hand_milli, tea.unanchored, tea.opening_milli) == (-5000, True, 0)


def test_an_undo_waits_in_quarantine_until_its_target_comes() -> None:
    books = MemoryBooks()
    books.take(OPENING, undo(1, SOLD_3))
    waiting = books.rows[by_hub(1)]
    assert (waiting.status, waiting.cause, waiting.placed) == (
        Status.QUARANTINED,
        Cause.REVERSES_UNKNOWN,
        None,
    )
    outcome = books.take(SOLD_3)
    assert on_hand(books) == 100
    assert {filed.entry.id for filed in outcome.filed} == {SOLD_3.id, by_hub(1)}
    assert (books.rows[by_hub(1)].status, books.rows[by_hub(1)].cause) == (Status.APPLIED, None)


def test_a_void_that_comes_before_its_count_keeps_the_count_out() -> None:
    books = MemoryBooks()
    books.take(OPENING, undo(1, COUNTED_95))
    outcome = books.take(COUNTED_95)
    assert on_hand(books) == 100
    assert books.status(COUNTED_95) is Status.HISTORY
    assert outcome.counts == []


@pytest.mark.parametrize("arrival", list(permutations([undo(1, SOLD_3), undo(2, SOLD_3), SOLD_3])))
def test_of_two_undos_the_one_of_lower_id_counts_whichever_came_first(arrival: Sequence[Entry]) -> None:
    books = MemoryBooks()
    books.take(OPENING)
    for entry in arrival:
        books.take(entry)
    assert on_hand(books) == 100
    assert books.rows[SOLD_3.id].reversed_by == by_hub(1)
    assert books.rows[by_hub(1)].status is Status.APPLIED
    assert books.rows[by_hub(2)].cause is Cause.ALREADY_REVERSED


@pytest.mark.parametrize("arrival", list(permutations([undo(1, SOLD_3), undo(2, by_hub(1)), SOLD_3])))
def test_an_undo_cannot_be_undone(arrival: Sequence[Entry]) -> None:
    books = MemoryBooks()
    books.take(OPENING)
    for entry in arrival:
        books.take(entry)
    assert on_hand(books) == 100
    assert books.rows[by_hub(2)].cause is Cause.REVERSES_A_REVERSAL


def test_an_undo_of_itself_is_an_undo_of_an_undo() -> None:
    books = MemoryBooks()
    books.take(undo(1, by_hub(1)))
    assert books.rows[by_hub(1)].cause is Cause.REVERSES_A_REVERSAL


def test_at_the_same_microsecond_station_then_epoch_then_seq_decide() -> None:
    counted = count(5, "13:30", 10, station="m")
    earlier = [
        delta(9, "13:30", -1, station="a"),
        delta(4, "13:30", -1, station="m"),
    ]
    later = [delta(6, "13:30", -1, station="m"), delta(1, "13:30", -1, station="z")]
    next_life = Delta(EntryId(StationId("m"), Epoch(2, 0), 1), TEA, -1000, Reason.SALE, at("13:30"))
    books = MemoryBooks()
    books.take(*earlier, *later, next_life)
    books.take(counted)
    assert on_hand(books) == 10 - 3
    assert {books.status(entry) for entry in earlier} == {Status.ABSORBED}
    assert {books.status(entry) for entry in (*later, next_life)} == {Status.APPLIED}
