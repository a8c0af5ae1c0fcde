"""A count that ends says each item once, under whatever codes it was read."""

from __future__ import annotations

import pytest

from edge.codecs.readings import Scan
from edge.station.actions import Accepted, Goods, Rejected
from edge.station.counting import LONGEST_US
from protocol.cards import Mode
from protocol.codes import read_code
from protocol.errors import BadInput
from protocol.events import Count, When
from tests.unit.edge_station.shop import (
    BANANAS,
    BANANAS_TOO,
    MILK,
    MILK_BY_6,
    MILK_BY_7,
    OTHER,
    SCANNER,
    TEA,
    UNKNOWN,
    Shop,
    grams,
    lookup,
    station_config,
)

UNKNOWN_TOO = "9780201379631"
END = "SW1:END"


def counting() -> Shop:
    return Shop(station_config(Mode.COUNT))


def counts(shop: Shop) -> list[Count]:
    return [entry for entry in shop.log if isinstance(entry, Count)]


def summed(shop: Shop) -> list[tuple[str, int]]:
    return [(count.code, count.qty_milli) for count in counts(shop)]


def at_end(shop: Shop) -> Accepted:
    outcome = shop.outcome(END)
    assert isinstance(outcome, Accepted)
    return outcome


def test_pieces_and_cases_of_an_item_are_one_count_in_pieces() -> None:
    shop = counting()
    for text in (MILK_BY_6, MILK, TEA, MILK_BY_6, MILK):
        shop.scan(text)
    assert at_end(shop).attention is None
    assert summed(shop) == [(TEA, 1000), (MILK, 14_000)]
    whens = [count.when.up_us for count in counts(shop)]
    assert whens == sorted(whens), "in the order of their last readings, so that the hub need not raise a time"


def test_the_one_count_spans_all_readings_of_the_item() -> None:
    shop = counting()
    shop.scan(MILK_BY_6)
    first = shop.clock.now()
    shop.scan(MILK)
    shop.scan(MILK_BY_6)
    last = shop.clock.now()
    shop.scan(TEA)
    shop.scan(END)
    milk = counts(shop)[0]
    assert (milk.code, milk.from_up_us, milk.when) == (MILK, first.up_us, last)


def test_the_span_over_a_reboot_goes_by_the_order_of_the_boots_whatever_the_wall_clock_says() -> None:
    shop = counting()
    shop.scan(MILK_BY_6)
    shop.clock.boot, shop.clock.up = "ba9876543210", 3_000_000
    shop.clock.wall -= 3_600_000_000
    shop.power_cut()
    shop.scan(MILK)
    last = shop.clock.now()
    shop.scan(END)
    (milk,) = counts(shop)
    assert milk.when == last
    assert milk.from_up_us <= 0


def test_a_count_over_a_reboot_did_not_take_years_because_the_clock_was_set_meanwhile() -> None:
    shop = counting()
    shop.scan(MILK_BY_6)
    shop.clock.boot, shop.clock.up = "ba9876543210", 3_000_000
    shop.clock.wall += 56 * 365 * 86_400_000_000
    shop.power_cut()
    shop.scan(MILK)
    last = shop.clock.now()
    shop.scan(END)
    (milk,) = counts(shop)
    assert milk.from_up_us == last.up_us - LONGEST_US


@pytest.mark.parametrize(
    ("scans", "count"),
    [
        ((MILK_BY_6,), (MILK_BY_6, 1000)),
        ((MILK_BY_6, MILK_BY_7, MILK), (MILK, 14_000)),
        ((MILK_BY_6,) * 7 + (MILK_BY_7,) * 6, (MILK_BY_6, 14_000)),
        ((MILK_BY_6,) * 7 + (MILK_BY_7,), (MILK_BY_7, 7000)),
    ],
)
def test_the_code_is_that_of_the_smallest_pack_read_that_states_the_sum_exactly(
    scans: tuple[str, ...], count: tuple[str, int]
) -> None:
    shop = counting()
    for text in scans:
        shop.scan(text)
    assert at_end(shop).attention is None
    assert summed(shop) == [count]


def test_packs_of_which_none_can_state_the_sum_stay_apart_and_ask_for_attention() -> None:
    shop = counting()
    shop.scan(MILK_BY_6)
    shop.scan(MILK_BY_7)
    assert at_end(shop).attention == "count-split"
    assert summed(shop) == [(MILK_BY_6, 1000), (MILK_BY_7, 1000)]


def test_codes_of_no_known_item_stay_a_count_each() -> None:
    shop = counting()
    for text in (UNKNOWN, MILK, UNKNOWN_TOO, UNKNOWN, MILK_BY_6):
        shop.scan(text)
    assert at_end(shop).attention is None
    assert summed(shop) == [(UNKNOWN_TOO, 1000), (UNKNOWN, 2000), (MILK, 7000)]


def test_a_weighed_item_under_two_codes_is_one_weight() -> None:
    shop = counting()
    for text, weight in ((BANANAS_TOO, 4301), (BANANAS, 250)):
        shop.scan(text)
        shop.weigh(grams(weight))
    shop.scan(END)
    assert summed(shop) == [(BANANAS_TOO, 4551)]


def test_undoing_all_of_one_code_leaves_the_other_as_it_was_read() -> None:
    shop = counting()
    shop.scan(MILK_BY_6)
    shop.scan(MILK)
    shop.scan("SW1:UNDO")
    shop.scan(END)
    assert summed(shop) == [(MILK_BY_6, 1000)]


def test_undoing_some_of_one_code_takes_off_that_many_of_its_packs() -> None:
    shop = counting()
    for text in (MILK, "SW1:QTY:3", MILK_BY_6, MILK_BY_6, "SW1:UNDO"):
        shop.scan(text)
    shop.scan(END)
    assert summed(shop) == [(MILK, 19_000)]


def test_a_power_cut_after_any_of_the_scans_changes_nothing() -> None:
    steps = [MILK_BY_6, UNKNOWN, MILK, "SW1:UNDO", MILK_BY_7, MILK, TEA, MILK_BY_6, "SW1:UNDO"]
    closed: list[list[Count]] = []
    for cut in range(len(steps) + 2):
        shop = counting()
        for number, text in enumerate([*steps, END]):
            if number == cut:
                shop.power_cut()
            shop.scan(text)
        closed.append(counts(shop))
    uncut = closed.pop()
    assert [(count.code, count.qty_milli) for count in uncut] == [(UNKNOWN, 1000), (TEA, 1000), (MILK, 14_000)]
    assert all(each == uncut for each in closed)


def test_a_mode_set_over_the_api_closes_the_count_alike() -> None:
    shop = counting()
    shop.scan(MILK)
    shop.scan(MILK_BY_6)
    shop.set_mode(Mode.SALE)
    assert summed(shop) == [(MILK, 7000)]


def test_an_item_that_the_catalogue_learned_of_during_the_count_is_known_at_its_end() -> None:
    shop = counting()
    shop.lookup = lambda scan, when: Goods(read_code(scan.text, scan.aim).lookup, when.wall_us, 1)
    shop.scan(MILK)
    shop.scan(MILK_BY_6)
    shop.lookup = lookup
    shop.scan(END)
    assert summed(shop) == [(MILK, 7000)]


def test_a_code_that_means_another_item_by_the_time_of_the_count_does_not_carry_it() -> None:
    shop = counting()
    shop.scan(MILK)
    relinked = shop.clock.now().up_us + 1

    def pieces_are_tea_now(scan: Scan, when: When) -> Goods:
        return lookup(Scan(TEA, b"") if scan.text == MILK and when.up_us >= relinked else scan, when)

    shop.lookup = pieces_are_tea_now
    shop.scan(MILK_BY_6)
    assert at_end(shop).attention == "count-split"
    assert summed(shop) == [(MILK, 1000), (MILK_BY_6, 1000)]


def test_a_count_stays_open_while_the_catalogue_cannot_be_read() -> None:
    def failing(scan: Scan, when: When) -> Goods:
        raise BadInput("catalogue-failing", "a damaged page")

    shop = counting()
    shop.scan(MILK)
    shop.scan(MILK_BY_6)
    shop.lookup = failing
    assert shop.outcome(END) == Rejected("catalogue-failing", "a damaged page")
    assert shop.answers[shop.set_mode(Mode.SALE)] == Rejected("catalogue-failing", "a damaged page")
    shop.lookup = lookup
    shop.scan(END)
    assert summed(shop) == [(MILK, 7000)]


def test_a_code_that_a_later_release_does_not_take_does_not_keep_the_count_open() -> None:
    def stricter(scan: Scan, when: When) -> Goods:
        if scan.text == UNKNOWN:
            raise BadInput("check-digit", "a rule of tomorrow")
        return lookup(scan, when)

    shop = counting()
    shop.scan(UNKNOWN)
    shop.scan(MILK)
    shop.lookup = stricter
    shop.scan(END)
    assert summed(shop) == [(UNKNOWN, 1000), (MILK, 1000)]


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("code", ["12345678", "123456789013", "1234567890123", "12345678901234"])
def test_a_code_is_counted_with_the_aim_prefix_it_was_read_by(code: str, restart: bool) -> None:
    with pytest.raises(BadInput, match="check-digit"):
        read_code(code, None)
    shop = counting()
    shop.scan(code, SCANNER, aim="]C0")
    if restart:
        shop.power_cut()
    shop.scan(code, OTHER, aim="]C0")
    shop.scan(END)
    (count,) = counts(shop)
    assert (count.code, count.aim, count.qty_milli) == (code, "]C0", 2000)
    assert read_code(count.code, count.aim).lookup == code
