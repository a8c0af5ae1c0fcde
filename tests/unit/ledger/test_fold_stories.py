"""What the fold does with what happens in shops, one story a test."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import pytest
from msgspec.structs import replace

from hub.errors import ContractBroken
from hub.ledger.entries import Cause, Count, Delta, Entry, Reversal, Scope, Status
from hub.ledger.figures import AnchorMoved, Outcome, is_ambiguous
from protocol.events import Reason
from protocol.identity import HUB_STATION, EntryId, Epoch, ItemId, PlaceId, StationId
from tests.unit.ledger.memory_books import MemoryBooks

TEA = Scope(ItemId("tea"), PlaceId("shop"))
JAM = Scope(ItemId("jam"), PlaceId("shop"))
MINUTE_US = 60_000_000
DAY_US = 24 * 60 * MINUTE_US


def at(clock: str) -> int:
    """Microseconds of a time of day, written 13:10 or 13:10:30."""
    hours, minutes, seconds = (*map(int, clock.split(":")), 0)[:3]
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000


def till(seq: int, station: str = "till-1") -> EntryId:
    return EntryId(StationId(station), Epoch(1, 7), seq)


def by_hub(seq: int) -> EntryId:
    return EntryId(HUB_STATION, Epoch(1, 1), seq)


def delta(
    seq: int,
    clock: str,
    pieces: int,
    reason: Reason = Reason.SALE,
    *,
    station: str = "till-1",
    err_us: int = 0,
    lead_us: int = 0,
    lag_us: int = 0,
    fit: int = 0,
    scope: Scope = TEA,
) -> Delta:
    return Delta(till(seq, station), scope, pieces * 1000, reason, at(clock), err_us, lead_us, lag_us, fit=fit)


def count(
    seq: int, clock: str, pieces: int, *, since: str = "", station: str = "counter", err_us: int = 0, fit: int = 0
) -> Count:
    return Count(till(seq, station), TEA, pieces * 1000, at(since or clock), at(clock), err_us, fit=fit)


def undo(seq: int, target: Entry | EntryId) -> Reversal:
    return Reversal(by_hub(seq), target if isinstance(target, EntryId) else target.id, at("18:00"))


def on_hand(books: MemoryBooks, scope: Scope = TEA) -> int:
    """In pieces."""
    return books.scopes[scope].on_hand_milli // 1000


def variance(books: MemoryBooks, counted: Count) -> int:
    """In pieces."""
    return books.counts[counted.id].variance_milli // 1000


OPENING = count(1, "12:00", 100)
SOLD_3 = delta(1, "13:10", -3)
SOLD_2 = delta(1, "13:20", -2, station="till-2")
COUNTED_95 = count(2, "13:30", 95)
WASTED_2 = delta(2, "13:40", -2, Reason.WASTE)
NOTHING = Outcome([], [], [], [], [])


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


def counted_daily(days: int) -> MemoryBooks:
    """Books of a shop that counted one more of tea at the end of each day; what they were asked is forgotten."""
    books = MemoryBooks()
    ends = range(DAY_US, (days + 1) * DAY_US, DAY_US)
    books.take(*(Count(till(day, "counter"), TEA, day * 1000, end, end) for day, end in enumerate(ends, 1)))
    books.asked.clear()
    return books


def soft(seq: int, clock: str, seen: int, most: int, *, fit: int = 0, stands: bool = True) -> Count:
    lo_milli, hi_milli = seen * 1000, most * 1000
    return Count(
        till(seq, "reader"),
        TEA,
        lo_milli,
        at(clock),
        at(clock),
        fit=fit,
        lo_milli=lo_milli,
        hi_milli=hi_milli,
        stands=stands,
    )


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
