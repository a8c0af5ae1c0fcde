"""What a presentation scanner sees twice is taken once, written down, and restored if it was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.station.actions import Accepted, Rejected, Repeated, Where
from edge.station.dwell import CODES, Dwell
from edge.station.station import LOGGED_REPEATS
from edge.station.suppressed import REMEMBERED
from protocol.cards import Mode, PlaceCard, card_text
from protocol.chain import Chapter, Position
from protocol.events import Count, CountReading, Delta, Rejection, Restored, Reversal, Suppressed
from protocol.identity import Epoch, PlaceId
from tests.unit.edge_station.shop import (
    API,
    BAD,
    BANANAS,
    EPOCH,
    LINEAGE,
    MILK,
    OTHER,
    SCANNER,
    TEA,
    UNKNOWN,
    Shop,
    grams,
    station_config,
)

DWELL_US = 500_000
SECOND_US = 1_000_000
SOON, LATE = 0.3, 0.6
AGAIN = "SW1:AGAIN"


def presentation(mode: Mode = Mode.SALE) -> Shop:
    """A shop whose `SCANNER` has no trigger."""
    return Shop(station_config(mode, dwell_us={SCANNER: DWELL_US}))


def sold(shop: Shop) -> list[tuple[str, int]]:
    return [(entry.code, entry.qty_milli) for entry in shop.log if isinstance(entry, Delta)]


def held(shop: Shop) -> list[Suppressed]:
    return [entry for entry in shop.log if isinstance(entry, Suppressed)]


def name_of(outcome: object) -> str:
    assert isinstance(outcome, Rejected)
    return outcome.name


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


# Restoring


def test_a_card_restores_the_last_one_with_the_time_it_was_scanned_at() -> None:
    shop = presentation()
    shop.scan(MILK)
    shop.scan(MILK, after_s=SOON)
    seen = shop.clock.now()
    answer = shop.outcome(AGAIN)
    assert answer == Accepted(
        "restored", Mode.SALE, MILK, qty_milli=1000, where=Where(EPOCH, 4), session=shop.station.session
    )
    restored, delta = shop.log[2:]
    assert restored == Restored(shop.clock.now(), SCANNER, str(EPOCH), 2)
    assert isinstance(delta, Delta)
    assert (delta.when, delta.device, delta.price_minor) == (seen, SCANNER, 119)
    assert shop.summary().total_minor == 2 * 119


def test_each_is_restored_once() -> None:
    shop = presentation()
    for text in (MILK, MILK, MILK):
        shop.scan(text, after_s=SOON)
    for _ in range(2):
        assert isinstance(shop.outcome(AGAIN, OTHER), Accepted)
    assert name_of(shop.outcome(AGAIN, OTHER)) == "nothing-to-restore"
    assert [entry.seq for entry in shop.log if isinstance(entry, Restored)] == [3, 2]
    assert name_of(shop.restore(Where(EPOCH, 2))) == "not-restorable"


def test_till_software_restores_the_one_it_names() -> None:
    shop = presentation()
    for text in (MILK, MILK, TEA, TEA):
        shop.scan(text, after_s=0.1)
    assert isinstance(shop.restore(Where(EPOCH, 2)), Accepted)
    assert sold(shop)[2:] == [(MILK, -1000)]
    for nothing in (Where(EPOCH, 1), Where(EPOCH, 2), Where(EPOCH, 99), Where(Epoch(7, 7), 4)):
        assert name_of(shop.restore(nothing)) == "not-restorable"


def test_two_requests_at_once_restore_it_once_and_a_failed_one_can_be_repeated() -> None:
    shop = presentation()
    shop.scan(MILK)
    shop.scan(MILK, after_s=SOON)
    shop.slow = True
    shop.scan(AGAIN, SCANNER)
    assert name_of(shop.outcome(AGAIN, OTHER)) == "nothing-to-restore"
    shop.fail()
    shop.scan(AGAIN, OTHER)
    shop.write()
    assert sold(shop) == [(MILK, -1000)] * 2


def test_a_card_means_no_scan_of_more_than_a_minute_ago() -> None:
    shop = presentation()
    shop.scan(MILK)
    shop.scan(MILK, after_s=SOON)
    shop.wait(61)
    assert name_of(shop.outcome(AGAIN)) == "nothing-to-restore"
    assert isinstance(shop.restore(Where(EPOCH, 2)), Accepted)


def test_after_a_mark_what_is_restored_happens_now() -> None:
    """The mark promised the hub that nothing older would come."""
    shop = presentation()
    shop.scan(MILK)
    shop.scan(MILK, after_s=SOON)
    shop.mark()
    shop.power_cut()
    shop.scan(AGAIN)
    delta = shop.log[-1]
    assert isinstance(delta, Delta)
    assert delta.when == shop.clock.now()


def test_after_a_power_cut_it_can_still_be_restored_and_only_once() -> None:
    shop = presentation()
    for text in (MILK, MILK, MILK):
        shop.scan(text, after_s=SOON)
    shop.power_cut()
    shop.scan(AGAIN, OTHER)
    shop.power_cut()
    shop.scan(AGAIN, OTHER)
    shop.power_cut()
    assert name_of(shop.outcome(AGAIN, OTHER)) == "nothing-to-restore"
    assert [entry.seq for entry in shop.log if isinstance(entry, Restored)] == [3, 2]
    assert shop.summary().total_minor == 3 * 119


def test_undo_takes_back_what_was_restored_and_it_is_spent() -> None:
    shop = presentation()
    shop.scan(MILK)
    shop.scan(MILK, after_s=SOON)
    shop.scan(AGAIN)
    shop.scan("SW1:UNDO")
    assert [entry.seq for entry in shop.log if isinstance(entry, Reversal)] == [4]
    assert name_of(shop.outcome(AGAIN)) == "nothing-to-restore"
    shop.scan("SW1:UNDO", OTHER)
    assert [entry.seq for entry in shop.log if isinstance(entry, Reversal)] == [4, 1]


def test_what_was_held_back_before_a_session_ended_is_not_restored_into_the_next() -> None:
    shop = presentation()
    shop.scan(MILK)
    shop.scan(MILK, after_s=SOON)
    shop.scan("SW1:END")
    assert name_of(shop.outcome(AGAIN)) == "nothing-to-restore"
    assert name_of(shop.restore(Where(EPOCH, 2))) == "not-restorable"


def test_a_sale_in_which_something_is_restored_goes_on() -> None:
    shop = Shop(station_config(dwell_us={SCANNER: DWELL_US}, idle_us=10_000_000))
    shop.scan(MILK)
    shop.scan(MILK, after_s=0.1)
    shop.wait(8)
    shop.scan(AGAIN)
    shop.wait(5)
    assert shop.idle == []
    shop.wait(5)
    assert len(shop.idle) == 1


def test_a_transfer_is_restored_with_both_legs() -> None:
    shop = presentation()
    shop.scan(card_text(PlaceCard(PlaceId("stockroom"))))
    shop.scan(MILK)
    shop.scan(MILK, after_s=SOON)
    shop.scan(AGAIN)
    assert [entry.qty_milli for entry in shop.log if isinstance(entry, Delta)] == [-1000, 1000] * 2
    shop.scan("SW1:UNDO")
    assert [entry.seq for entry in shop.log if isinstance(entry, Reversal)] == [5, 6]


def test_in_a_count_too_a_sight_is_one_reading_and_can_be_restored() -> None:
    shop = presentation(Mode.COUNT)
    for text in (MILK, MILK, MILK):
        shop.scan(text, after_s=SOON)
    shop.scan(AGAIN)
    shop.power_cut()
    shop.scan("SW1:END")
    assert [entry.qty_milli for entry in shop.log if isinstance(entry, CountReading)] == [1000, 1000]
    assert [entry.qty_milli for entry in shop.log if isinstance(entry, Count)] == [2000]


def test_only_the_latest_are_remembered() -> None:
    shop = presentation()
    for _ in range(REMEMBERED + 1):
        shop.scan(MILK, after_s=LATE)
        shop.scan(MILK, after_s=SOON)
    assert name_of(shop.restore(Where(EPOCH, 2))) == "not-restorable"
    assert isinstance(shop.restore(Where(EPOCH, 4)), Accepted)


def test_it_is_restored_by_its_new_name_when_the_log_has_opened_a_new_epoch() -> None:
    shop = presentation()
    shop.scan(MILK)
    shop.scan(MILK, after_s=SOON)
    newer = Epoch(2, 0xDEF)
    lineage = (*LINEAGE, Chapter(newer, Position(EPOCH, 1, b"")))
    shop.station.carried(Where(newer, 1), lineage)
    assert name_of(shop.restore(Where(EPOCH, 2))) == "not-restorable"
    shop.slow = True
    shop.scan(AGAIN)
    (commit,) = shop.waiting
    assert commit.entries[0] == Restored(shop.clock.now(), SCANNER, str(newer), 1)


def test_the_local_api_has_no_window() -> None:
    shop = presentation()
    for _ in range(2):
        shop.scan(MILK, API, after_s=0.01)
    assert sold(shop) == [(MILK, -1000)] * 2
