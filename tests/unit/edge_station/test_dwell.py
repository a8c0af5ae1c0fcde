"""What a presentation scanner sees twice is taken once and written down, and what opens its windows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.station.actions import Accepted, Repeated, Where
from edge.station.dwell import CODES, Dwell
from edge.station.station import LOGGED_REPEATS
from protocol.cards import Mode
from protocol.events import Delta, Rejection, Reversal
from tests.unit.edge_station.presentation import (
    AGAIN,
    DWELL_US,
    LATE,
    SECOND_US,
    SOON,
    held,
    name_of,
    presentation,
    sold,
)
from tests.unit.edge_station.shop import (
    API,
    BAD,
    BANANAS,
    EPOCH,
    MILK,
    OTHER,
    SCANNER,
    TEA,
    UNKNOWN,
    Shop,
    grams,
    station_config,
)

# What is held back


def test_a_trigger_scanner_reads_two_pieces_however_fast() -> None:
    shop = presentation()
    for _ in range(2):
        shop.scan(MILK, OTHER, after_s=0.01)
    assert sold(shop) == [(MILK, -1000)] * 2


def test_the_same_code_in_the_same_sight_is_held_back_and_says_by_what_it_was_taken() -> None:
    shop = presentation()
    shop.scan(MILK)
    again = shop.outcome(MILK, after_s=SOON)
    assert again == Repeated(MILK, Where(EPOCH, 2))
    assert sold(shop) == [(MILK, -1000)]
    (entry,) = held(shop)
    assert (entry.epoch, entry.seq) == (str(EPOCH), 1)
    assert (entry.meant.code, entry.meant.qty_milli, entry.meant.when) == (MILK, -1000, shop.clock.now())


def test_a_code_out_of_sight_for_the_window_is_another_piece() -> None:
    shop = presentation()
    for after_s in (1.0, LATE, SOON, LATE):
        shop.scan(MILK, after_s=after_s)
    assert sold(shop) == [(MILK, -1000)] * 3


def test_each_sight_begins_the_window_anew() -> None:
    shop = presentation()
    for _ in range(8):
        shop.scan(MILK, after_s=SOON)
    assert sold(shop) == [(MILK, -1000)]


def test_a_code_left_in_view_is_taken_once_however_long_and_does_not_fill_the_log() -> None:
    shop = presentation()
    shop.scan(MILK)
    for _ in range(1_000):
        shop.scan(MILK, after_s=SOON)
    assert sold(shop) == [(MILK, -1000)]
    assert len(held(shop)) == LOGGED_REPEATS
    assert {entry.name for entry in shop.chatter if isinstance(entry, Rejection)} == {"repeated"}


def test_two_labels_in_view_do_not_open_each_others_windows() -> None:
    shop = presentation()
    for _ in range(4):
        shop.scan(MILK, after_s=0.1)
        shop.scan(TEA, after_s=0.1)
    assert sold(shop) == [(MILK, -1000), (TEA, -1000)]


def test_another_scanner_sees_another_piece() -> None:
    shop = Shop(station_config(dwell_us={SCANNER: DWELL_US, OTHER: DWELL_US}))
    shop.scan(MILK, SCANNER, after_s=0.1)
    shop.scan(MILK, OTHER, after_s=0.1)
    assert sold(shop) == [(MILK, -1000)] * 2


def test_only_so_many_codes_are_watched() -> None:
    shop = presentation()
    codes = [f"shelf-{number}" for number in range(CODES + 1)]
    for code in (*codes, codes[-1], codes[0]):
        shop.scan(code, after_s=0.01)
    assert [code for code, _ in sold(shop)] == [*codes, codes[0]]


def test_what_was_refused_may_be_shown_again_at_once() -> None:
    shop = presentation()
    assert [name_of(shop.outcome(BAD, after_s=0.1)) for _ in range(2)] == ["check-digit"] * 2
    shop.slow = True
    shop.scan(MILK)
    shop.fail()
    shop.slow = False
    assert isinstance(shop.outcome(MILK, after_s=0.1), Accepted)


def test_an_unknown_code_in_view_is_one_event_too() -> None:
    shop = presentation()
    shop.scan(UNKNOWN)
    shop.scan(UNKNOWN, after_s=SOON)
    assert sold(shop) == [(UNKNOWN, -1000)]


def test_a_repeat_that_the_disk_refuses_is_said() -> None:
    shop = presentation()
    shop.scan(MILK)
    shop.slow = True
    ticket = shop.scan(MILK, after_s=SOON)
    shop.fail()
    assert name_of(shop.answers[ticket]) == "full"


@given(
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from("ABC")), max_size=60),
    st.integers(1, 10),
)
def test_a_sight_lasts_while_no_pause_is_as_long_as_the_window(sights: list[tuple[int, str]], window: int) -> None:
    """Against the plainest definition: look back along the sights of this code for the last pause."""
    dwell = Dwell({SCANNER: window * SECOND_US})
    now_us = 0
    seen: dict[str, list[int]] = {}
    for gap_s, code in sights:
        now_us += gap_s * SECOND_US
        before = seen.setdefault(code, [])
        held = bool(before) and now_us - before[-1] < window * SECOND_US
        assert (dwell.again(SCANNER, code, now_us) is not None) == held
        if not held:
            dwell.taken(SCANNER, code, now_us)
            before.clear()
        before.append(now_us)


# Cards and modes


def test_after_any_card_what_is_shown_is_meant() -> None:
    shop = presentation()
    shop.scan(MILK)
    shop.scan("SW1:QTY:3", after_s=0.1)
    shop.scan(MILK, after_s=0.1)
    shop.scan(MILK, after_s=0.1)
    assert sold(shop) == [(MILK, -1000), (MILK, -3000)]
    shop.scan("SW1:UNDO", after_s=0.1)
    shop.scan(MILK, after_s=0.1)
    assert sold(shop)[2:] == [(MILK, -1000)]


@pytest.mark.parametrize("card", ["SW1:UNDO", AGAIN, "SW1:QTY:2", "SW1:END", "SW1:MODE:WASTE"])
def test_a_card_left_in_view_does_once_what_it_says(card: str) -> None:
    shop = presentation()
    for text in (MILK, TEA, MILK, MILK):
        shop.scan(text, after_s=0.1)
    shop.scan(card, after_s=0.1)
    entries = len(shop.log)
    for _ in range(5):
        assert shop.outcome(card, after_s=SOON) == Repeated(card)
    assert len(shop.log) == entries


def test_an_undo_card_left_on_the_counter_takes_back_one_sale_and_not_one_a_minute() -> None:
    shop = presentation()
    for text in (MILK, TEA, MILK):
        shop.scan(text)
    for _ in range(700):
        shop.scan("SW1:UNDO", after_s=0.2)
    assert len([entry for entry in shop.log if isinstance(entry, Reversal)]) == 1


def test_goods_left_in_view_after_their_price_was_told_are_never_sold() -> None:
    shop = presentation()
    shop.scan("SW1:PRICE")
    for _ in range(700):
        shop.scan(MILK, after_s=0.2)
    assert sold(shop) == []


def test_a_card_that_could_do_nothing_may_be_shown_again_at_once() -> None:
    shop = presentation()
    assert name_of(shop.outcome("SW1:END")) == "no-session"
    assert name_of(shop.outcome("SW1:END", after_s=0.1)) == "no-session"


def test_a_card_that_the_disk_refused_may_be_shown_again_at_once() -> None:
    shop = presentation()
    shop.scan(MILK)
    shop.slow = True
    shop.scan("SW1:UNDO")
    shop.fail()
    shop.scan("SW1:UNDO", after_s=0.1)
    shop.write()
    assert [entry.seq for entry in shop.log if isinstance(entry, Reversal)] == [1]


def test_an_item_for_which_no_weight_came_may_be_shown_again_at_once() -> None:
    shop = Shop(station_config(dwell_us={SCANNER: 10_000_000}))
    shop.scan(BANANAS)
    shop.wait(5)
    shop.scan(BANANAS)
    shop.weigh(grams(700))
    assert sold(shop) == [(BANANAS, -700)]


def test_a_mode_told_by_the_till_opens_the_windows() -> None:
    shop = Shop(station_config(dwell_us={SCANNER: 5_000_000}))
    shop.scan(MILK)
    shop.set_mode(Mode.WASTE)
    shop.scan(MILK)
    assert [entry.reason.value for entry in shop.log if isinstance(entry, Delta)] == ["sale", "waste"]


def test_a_price_check_repeats_itself_and_moves_nothing() -> None:
    shop = presentation(Mode.PRICE_CHECK)
    outcomes = [shop.outcome(MILK, after_s=0.1) for _ in range(3)]
    assert all(isinstance(outcome, Accepted) and outcome.did == "price-check" for outcome in outcomes)
    assert shop.log == []


def test_after_a_price_card_what_is_still_in_view_is_not_sold() -> None:
    shop = presentation()
    shop.scan("SW1:PRICE", after_s=0.1)
    told = shop.outcome(MILK, after_s=0.1)
    assert isinstance(told, Accepted)
    assert (told.did, told.mode, told.price and told.price.minor) == ("price-check", Mode.SALE, 119)
    assert isinstance(shop.outcome(MILK, after_s=SOON), Repeated)
    (entry,) = held(shop)
    assert (entry.epoch, entry.seq) == ("", 0)
    assert isinstance(shop.outcome(AGAIN, after_s=0.1), Accepted)
    assert sold(shop) == [(MILK, -1000)]
    assert shop.summary().total_minor == 119


def test_a_weighed_item_in_view_while_it_waits_is_no_refusal() -> None:
    shop = presentation()
    bananas = shop.scan(BANANAS)
    assert isinstance(shop.outcome(BANANAS, after_s=SOON), Repeated)
    shop.weigh(grams(700))
    assert isinstance(shop.answers[bananas], Accepted)
    assert sold(shop) == [(BANANAS, -700)]
    assert name_of(shop.outcome(AGAIN, after_s=0.1)) == "weigh-again"
    shop.wait(5)
    shop.scan(BANANAS)
    shop.wait(5)
    assert name_of(shop.told[-1]) == "weight-none"
    shop.scan(BANANAS, after_s=0.1)
    assert shop.station.next_deadline_us is not None


def test_the_local_api_has_no_window() -> None:
    shop = presentation()
    for _ in range(2):
        shop.scan(MILK, API, after_s=0.01)
    assert sold(shop) == [(MILK, -1000)] * 2
