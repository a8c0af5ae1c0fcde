"""What a scan, a weight and a card do at a station."""

from __future__ import annotations

import pytest

from edge.codecs.readings import WeightState
from edge.station.actions import Accepted, Rejected, Where, Work
from protocol.cards import Mode
from protocol.events import Count, CountReading, Delta, Reason, Rejection, Reversal
from protocol.identity import DeviceId
from tests.unit.edge_station.shop import (
    BAD,
    BANANAS,
    CATALOGUE,
    EPOCH,
    MILK,
    OTHER,
    SCANNER,
    TEA,
    UNKNOWN,
    Shop,
    grams,
    no_weight,
    station_config,
)


def name_of(outcome: object) -> str:
    assert isinstance(outcome, Rejected)
    return outcome.name


def quantities(shop: Shop) -> list[int]:
    return [entry.qty_milli for entry in shop.log if isinstance(entry, Delta)]


@pytest.mark.parametrize(
    ("mode", "reason", "qty_milli"),
    [
        (Mode.SALE, Reason.SALE, -1000),
        (Mode.RETURN, Reason.RETURN, 1000),
        (Mode.RECEIVE, Reason.RECEIPT, 1000),
        (Mode.TRANSFER, Reason.TRANSFER, -1000),
        (Mode.WASTE, Reason.WASTE, -1000),
    ],
)
def test_a_scan_moves_one_piece_in_the_direction_of_the_mode(mode: Mode, reason: Reason, qty_milli: int) -> None:
    shop = Shop(station_config(mode))
    outcome = shop.outcome(MILK)
    assert shop.log == [
        Delta(
            when=shop.clock.now(),
            device=SCANNER,
            code=MILK,
            aim=None,
            qty_milli=qty_milli,
            reason=reason,
            place="shop",
            catalogue=CATALOGUE,
            session=f"{shop.clock.now().boot}-{shop.clock.now().up_us}",
            price_minor=119,
        )
    ]
    assert isinstance(outcome, Accepted)
    assert (outcome.did, outcome.where, outcome.attention) == (mode.value, Where(EPOCH, 1), None)


def test_nothing_is_accepted_before_it_is_on_disk() -> None:
    shop = Shop(slow=True)
    shop.scan(MILK)
    assert shop.answers == {}
    shop.write()
    assert len(shop.answers) == 1


def test_a_refusing_disk_is_a_red_light_and_no_event() -> None:
    shop = Shop(slow=True)
    ticket = shop.scan(MILK)
    shop.fail()
    assert shop.answers[ticket] == Rejected("full", "no room")
    assert name_of(shop.outcome("SW1:UNDO")) == "nothing-to-undo"


def test_a_price_check_tells_and_moves_nothing() -> None:
    shop = Shop(station_config(Mode.PRICE_CHECK))
    outcome = shop.outcome(MILK)
    assert isinstance(outcome, Accepted)
    assert outcome.price is not None
    assert outcome.price.minor == 119
    assert name_of(shop.outcome(UNKNOWN)) == "unknown-item"
    assert shop.log == []


def test_an_unknown_item_is_an_event_that_asks_for_attention() -> None:
    shop = Shop()
    outcome = shop.outcome(UNKNOWN)
    assert isinstance(outcome, Accepted)
    assert outcome.attention == "unknown-item"
    assert quantities(shop) == [-1000]


def test_selling_without_a_price_asks_for_attention() -> None:
    outcome = Shop().outcome(TEA)
    assert isinstance(outcome, Accepted)
    assert outcome.attention == "no-price"
    received = Shop(station_config(Mode.RECEIVE)).outcome(TEA)
    assert isinstance(received, Accepted)
    assert received.attention is None


def test_a_wrong_check_digit_is_refused_and_logged_with_its_bytes() -> None:
    shop = Shop()
    assert name_of(shop.outcome(BAD)) == "check-digit"
    assert shop.log == []
    (entry,) = shop.chatter
    assert isinstance(entry, Rejection)
    assert (entry.device, entry.name, entry.raw) == (SCANNER, "check-digit", BAD)


def test_a_refused_code_keeps_only_its_first_bytes() -> None:
    shop = Shop()
    assert name_of(shop.outcome("x" * 5000)) == "too-long"
    (entry,) = shop.chatter
    assert isinstance(entry, Rejection)
    assert len(entry.raw) == 256


# Quantity cards


def test_a_quantity_card_multiplies_the_next_scan_only() -> None:
    shop = Shop()
    shop.scan("SW1:QTY:12")
    assert shop.log == []
    shop.scan(MILK)
    shop.scan(MILK)
    assert quantities(shop) == [-12_000, -1000]


def test_a_quantity_can_make_another_price_win() -> None:
    shop = Shop()
    shop.scan("SW1:QTY:6")
    shop.scan(MILK)
    shop.scan(MILK)
    assert [entry.price_minor for entry in shop.log if isinstance(entry, Delta)] == [99, 119]


def test_a_quantity_card_is_for_the_scanner_that_read_it() -> None:
    shop = Shop()
    shop.scan("SW1:QTY:5", SCANNER)
    shop.scan(MILK, OTHER)
    shop.scan(MILK, SCANNER)
    assert quantities(shop) == [-1000, -5000]


def test_a_quantity_outlives_a_misread_but_not_a_minute() -> None:
    shop = Shop()
    shop.scan("SW1:QTY:5")
    shop.scan(BAD)
    shop.scan(MILK)
    assert quantities(shop) == [-5000]
    shop.scan("SW1:QTY:5")
    shop.wait(61)
    assert [notice.rejected.name for notice in shop.notices] == ["quantity-expired"]
    shop.scan(MILK)
    assert quantities(shop) == [-5000, -1000]


def test_a_quantity_outlives_a_refusal_of_the_disk_and_is_used_once() -> None:
    shop = Shop(slow=True)
    shop.scan("SW1:QTY:12")
    shop.scan(MILK)
    shop.fail()
    for _ in range(2):
        shop.scan(MILK)
        shop.write()
    assert quantities(shop) == [-12_000, -1000]


def test_of_two_quantities_the_later_one_holds_after_a_refusal() -> None:
    shop = Shop(slow=True)
    shop.scan("SW1:QTY:12")
    shop.scan(MILK)
    shop.scan("SW1:QTY:2")
    shop.fail()
    shop.scan(MILK)
    shop.write()
    assert quantities(shop) == [-2000]


def test_a_quantity_refused_by_the_disk_is_not_for_the_next_mode() -> None:
    shop = Shop(slow=True)
    shop.scan("SW1:QTY:12")
    shop.scan(MILK)
    shop.scan("SW1:MODE:RECEIVE", OTHER)
    refused = shop.waiting.pop(0)
    shop.write()
    shop.waiting.append(refused)
    shop.fail()
    shop.scan(MILK)
    shop.write()
    assert quantities(shop) == [1000]


def test_a_quantity_told_beside_the_code_is_taken_and_bounded() -> None:
    shop = Shop()
    shop.scan(MILK, qty_milli=2500)
    shop.scan(BANANAS, qty_milli=730)
    assert quantities(shop) == [-2500, -730]
    for wrong in (0, -1000, 10**10):
        assert name_of(shop.answers[shop.scan(MILK, qty_milli=wrong)]) == "bad-quantity"


# Undo


@pytest.mark.parametrize("card", ["SW1:MODE:RECEIVE:PO-2", "SW1:MODE:SALE"])
def test_after_a_power_cut_undo_does_not_reach_what_was_being_written_when_the_work_changed(card: str) -> None:
    shop = Shop(station_config(Mode.RECEIVE), slow=True)
    shop.scan(MILK)
    shop.scan(card, OTHER)
    shop.write()
    shop.write()
    shop.power_cut()
    assert name_of(shop.outcome("SW1:UNDO")) == "nothing-to-undo"


def test_undo_names_the_last_event_and_then_the_one_before() -> None:
    shop = Shop()
    shop.scan(MILK)
    shop.scan(TEA)
    shop.scan("SW1:UNDO")
    shop.scan("SW1:UNDO")
    assert [(e.epoch, e.seq) for e in shop.log if isinstance(e, Reversal)] == [(str(EPOCH), 2), (str(EPOCH), 1)]
    assert name_of(shop.outcome("SW1:UNDO")) == "nothing-to-undo"


def test_undo_while_another_undo_is_being_written_takes_the_event_before() -> None:
    shop = Shop()
    shop.scan(MILK)
    shop.scan(TEA)
    shop.slow = True
    shop.scan("SW1:UNDO", SCANNER)
    shop.scan("SW1:UNDO", OTHER)
    shop.write()
    shop.write()
    assert [e.seq for e in shop.log if isinstance(e, Reversal)] == [2, 1]


def test_an_undo_that_was_not_written_can_be_tried_again() -> None:
    shop = Shop()
    shop.scan(MILK)
    shop.slow = True
    shop.scan("SW1:UNDO")
    shop.fail()
    shop.scan("SW1:UNDO")
    shop.write()
    assert [e.seq for e in shop.log if isinstance(e, Reversal)] == [1]


def test_undo_drops_a_waiting_quantity_first() -> None:
    shop = Shop()
    shop.scan(MILK)
    shop.scan("SW1:QTY:3")
    shop.scan("SW1:UNDO")
    shop.scan(MILK)
    assert quantities(shop) == [-1000, -1000]


def test_undo_does_not_reach_into_the_mode_before() -> None:
    shop = Shop()
    shop.scan(MILK)
    shop.scan("SW1:MODE:RECEIVE")
    assert name_of(shop.outcome("SW1:UNDO")) == "nothing-to-undo"


def test_undo_after_a_power_cut_takes_back_what_still_stands() -> None:
    shop = Shop()
    shop.scan(MILK)
    shop.scan(TEA)
    shop.scan(MILK)
    shop.scan("SW1:UNDO")
    shop.power_cut()
    shop.scan("SW1:UNDO")
    assert [e.seq for e in shop.log if isinstance(e, Reversal)] == [3, 2]


# Weighing


def test_a_weighed_item_takes_the_next_stable_weight_in_grams() -> None:
    shop = Shop()
    ticket = shop.scan(BANANAS)
    shop.weigh(no_weight(WeightState.MOTION))
    shop.weigh(no_weight(WeightState.FAULT))
    assert shop.unanswered == [ticket]
    shop.weigh(grams(1250))
    (event,) = shop.log
    assert isinstance(event, Delta)
    assert (event.qty_milli, event.price_minor, event.when) == (-1250, 199, shop.clock.now())


def test_a_weight_from_before_the_scan_does_not_count() -> None:
    shop = Shop()
    shop.weigh(grams(500))
    ticket = shop.scan(BANANAS)
    assert shop.unanswered == [ticket]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (None, "weight-none"),
        (no_weight(WeightState.MOTION), "weight-motion"),
        (no_weight(WeightState.OVER), "weight-over"),
        (no_weight(WeightState.UNDER), "weight-under"),
        (no_weight(WeightState.FAULT), "weight-fault"),
        (no_weight(WeightState.UNCHANGED), "weight-unchanged"),
        (grams(0), "weight-zero"),
    ],
)
def test_no_weight_in_time_is_a_named_refusal_and_never_zero(said: object, name: str) -> None:
    shop = Shop()
    ticket = shop.scan(BANANAS)
    if said is not None:
        shop.weigh(said)  # type: ignore[arg-type]
    assert shop.station.next_deadline_us is not None
    shop.wait(5)
    assert name_of(shop.answers[ticket]) == name
    assert shop.log == []
    assert [e.name for e in shop.chatter if isinstance(e, Rejection)] == [name]
    assert shop.station.next_deadline_us is None


def test_a_load_is_sold_once_unless_it_is_lifted_or_taken_back() -> None:
    shop = Shop()
    shop.scan(BANANAS)
    shop.weigh(grams(1250))
    ticket = shop.scan(BANANAS)
    shop.weigh(grams(1250))
    shop.wait(5)
    assert name_of(shop.answers[ticket]) == "weight-same-load"
    shop.scan("SW1:UNDO")
    shop.scan(BANANAS)
    shop.weigh(grams(1250))
    shop.weigh(grams(0))
    shop.scan(BANANAS)
    shop.weigh(grams(1250))
    assert quantities(shop) == [-1250, -1250, -1250]


def test_while_a_weight_is_waited_for_the_scanner_refuses_goods_and_undo_gives_up() -> None:
    shop = Shop()
    bananas = shop.scan(BANANAS)
    assert name_of(shop.outcome(MILK)) == "weighing"
    assert name_of(shop.outcome(BANANAS, OTHER)) == "scale-busy"
    assert isinstance(shop.outcome(MILK, OTHER), Accepted)
    assert isinstance(shop.outcome("SW1:UNDO"), Accepted)
    assert name_of(shop.answers[bananas]) == "given-up"
    assert quantities(shop) == [-1000]


def test_a_weighed_item_is_not_multiplied() -> None:
    shop = Shop()
    shop.scan("SW1:QTY:2")
    assert name_of(shop.outcome(BANANAS)) == "quantity-of-weighed"


def test_only_the_weights_of_the_scale_named_count() -> None:
    shop = Shop()
    shop.config = shop.config.__class__(shop.config.place, Mode.SALE, scale=DeviceId("scale"))
    shop.power_cut()
    ticket = shop.scan(BANANAS)
    shop.weigh(grams(300), DeviceId("parcel-scale"))
    assert shop.unanswered == [ticket]
    shop.weigh(grams(300))
    assert quantities(shop) == [-300]


# Modes


def test_a_mode_card_switches_and_its_document_is_named() -> None:
    shop = Shop()
    shop.scan("SW1:MODE:RECEIVE:PO-17")
    shop.scan(MILK)
    shop.set_mode(Mode.SALE)
    shop.scan(MILK)
    assert [(e.reason, e.document) for e in shop.log if isinstance(e, Delta)] == [
        (Reason.RECEIPT, "PO-17"),
        (Reason.SALE, None),
    ]


def test_the_mode_survives_a_power_cut_unless_the_settings_changed() -> None:
    shop = Shop()
    shop.scan("SW1:MODE:RECEIVE:PO-17")
    shop.power_cut()
    assert shop.station.work == Work(Mode.RECEIVE, "PO-17")
    shop.power_cut(station_config(Mode.WASTE))
    assert shop.station.work == Work(Mode.WASTE)


def test_a_mode_that_did_not_reach_the_disk_did_not_change() -> None:
    shop = Shop(slow=True)
    shop.scan("SW1:MODE:WASTE")
    assert name_of(shop.outcome(MILK, OTHER)) == "busy"
    shop.fail()
    assert shop.station.mode is Mode.SALE
    shop.scan(MILK, OTHER)
    shop.write()
    assert quantities(shop) == [-1000]


@pytest.mark.parametrize("document", ["po 17", "", "A" * 41])
def test_a_document_no_card_could_carry_is_refused(document: str) -> None:
    shop = Shop()
    assert name_of(shop.answers[shop.set_mode(Mode.RECEIVE, document)]) == "bad-card"


def test_a_changed_mode_refuses_what_still_waits_for_a_weight() -> None:
    shop = Shop()
    ticket = shop.scan(BANANAS)
    shop.scan("SW1:MODE:WASTE", OTHER)
    assert name_of(shop.answers[ticket]) == "mode-changed"


# Counting


def counts(shop: Shop) -> dict[str, int]:
    return {entry.code: entry.qty_milli for entry in shop.log if isinstance(entry, Count)}


def test_a_count_adds_up_its_readings_by_code_and_end_states_them() -> None:
    shop = Shop(station_config(Mode.COUNT))
    shop.scan(MILK)
    first = shop.clock.now()
    shop.scan(TEA)
    shop.scan("SW1:QTY:10")
    shop.scan(MILK, SCANNER)
    last = shop.clock.now()
    assert not counts(shop)
    shop.scan("SW1:END")
    assert counts(shop) == {MILK: 11_000, TEA: 1000}
    milk = next(entry for entry in shop.log if isinstance(entry, Count) and entry.code == MILK)
    assert (milk.from_up_us, milk.when, milk.place) == (first.up_us, last, "shop")
    readings = [entry for entry in shop.log if isinstance(entry, CountReading)]
    assert {entry.session for entry in readings} == {milk.session}


def test_each_count_is_a_session_of_its_own() -> None:
    shop = Shop(station_config(Mode.COUNT))
    for _ in range(2):
        shop.scan(MILK)
        shop.scan("SW1:END")
    assert len({entry.session for entry in shop.log if isinstance(entry, Count)}) == 2


def test_one_item_under_two_lengths_of_its_code_is_one_count() -> None:
    shop = Shop(station_config(Mode.COUNT))
    shop.scan(MILK)
    shop.scan("0" + MILK)
    shop.scan("SW1:END")
    assert counts(shop) == {MILK: 2000}


def test_end_without_a_count_is_refused() -> None:
    assert name_of(Shop().outcome("SW1:END")) == "no-session"
    assert name_of(Shop(station_config(Mode.COUNT)).outcome("SW1:END")) == "no-count"


def test_a_mode_card_ends_the_count_too() -> None:
    shop = Shop(station_config(Mode.COUNT))
    shop.scan(MILK)
    shop.scan("SW1:MODE:SALE")
    assert counts(shop) == {MILK: 1000}
    assert shop.station.mode is Mode.SALE


def test_undo_in_a_count_takes_back_the_last_reading_by_its_negative() -> None:
    shop = Shop(station_config(Mode.COUNT))
    shop.scan(MILK)
    shop.scan("SW1:QTY:7")
    shop.scan(TEA)
    shop.scan("SW1:UNDO")
    shop.scan("SW1:END")
    assert [e.qty_milli for e in shop.log if isinstance(e, CountReading)] == [1000, 7000, -7000]
    assert counts(shop) == {MILK: 1000}


def test_an_ended_count_is_not_undone_by_a_card() -> None:
    shop = Shop(station_config(Mode.COUNT))
    shop.scan(MILK)
    shop.scan("SW1:END")
    assert name_of(shop.outcome("SW1:UNDO")) == "nothing-to-undo"


def test_a_weighed_item_is_counted_by_weight() -> None:
    shop = Shop(station_config(Mode.COUNT))
    shop.scan(BANANAS)
    shop.weigh(grams(4300))
    shop.scan("SW1:END")
    assert counts(shop) == {BANANAS: 4300}


def test_an_open_count_survives_a_power_cut_after_any_of_its_scans() -> None:
    steps = ["SW1:MODE:COUNT", MILK, TEA, MILK, "SW1:UNDO", TEA, TEA, "SW1:UNDO", "SW1:UNDO", MILK]
    for cut in range(len(steps) + 1):
        shop = Shop()
        for number, text in enumerate([*steps, "SW1:END"]):
            if number == cut:
                shop.power_cut()
            shop.scan(text)
        assert counts(shop) == {MILK: 2000, TEA: 1000}, f"cut before step {cut}"


def test_the_note_of_a_count_is_on_disk_with_its_first_reading() -> None:
    shop = Shop(station_config(Mode.COUNT), slow=True)
    shop.scan(MILK, SCANNER)
    shop.scan(MILK, OTHER)
    shop.fail()
    shop.write()
    shop.power_cut()
    shop.slow = False
    shop.scan("SW1:END")
    assert counts(shop) == {MILK: 1000}


def test_settings_changed_during_a_count_wait_for_its_end() -> None:
    shop = Shop(station_config(Mode.COUNT))
    shop.scan(MILK)
    shop.power_cut(station_config(Mode.SALE))
    assert shop.station.mode is Mode.COUNT
    shop.scan("SW1:END")
    assert counts(shop) == {MILK: 1000}


def test_end_waits_until_readings_are_written_and_readings_until_the_end_is() -> None:
    shop = Shop(station_config(Mode.COUNT), slow=True)
    shop.scan(MILK, SCANNER)
    assert name_of(shop.outcome("SW1:END", OTHER)) == "busy"
    shop.write()
    end = shop.scan("SW1:END", OTHER)
    assert name_of(shop.outcome(MILK, SCANNER)) == "busy"
    shop.write()
    assert isinstance(shop.answers[end], Accepted)
    assert counts(shop) == {MILK: 1000}


def test_a_count_holds_a_bounded_number_of_codes() -> None:
    shop = Shop(station_config(Mode.COUNT, count_codes=2))
    shop.scan(MILK)
    shop.scan(TEA)
    assert name_of(shop.outcome(UNKNOWN)) == "count-too-large"
    assert isinstance(shop.outcome(MILK), Accepted)


def test_a_count_over_a_reboot_says_its_beginning_in_the_time_of_the_new_boot() -> None:
    shop = Shop(station_config(Mode.COUNT))
    shop.scan(MILK)
    shop.clock.advance(120)
    shop.clock.boot, shop.clock.up = "ba9876543210", 3_000_000
    shop.power_cut()
    shop.scan(MILK)
    shop.scan("SW1:END")
    (count,) = (entry for entry in shop.log if isinstance(entry, Count))
    assert count.when.boot == "ba9876543210"
    assert count.from_up_us == 3_500_000 - 120_500_000


# Marks


def test_the_station_is_settled_only_when_nothing_older_can_still_come() -> None:
    shop = Shop(slow=True)
    settled = [shop.station.settled]
    shop.scan(MILK)
    settled.append(shop.station.settled)
    shop.write()
    settled.append(shop.station.settled)
    shop.slow = False
    for text in (BANANAS, "SW1:UNDO", "SW1:MODE:COUNT", MILK, "SW1:UNDO", MILK, "SW1:END"):
        shop.scan(text)
        settled.append(shop.station.settled)
    assert settled == [True, False, True, False, True, True, False, True, False, True]
