"""A count: its readings, its end, what undo does in it, and what a power cut leaves of it."""

from __future__ import annotations

from edge.station.actions import Accepted
from protocol.cards import Mode
from protocol.events import Count, CountReading
from tests.unit.edge_station.shop import (
    BANANAS,
    MILK,
    OTHER,
    SCANNER,
    TEA,
    UNKNOWN,
    Shop,
    grams,
    station_config,
)
from tests.unit.edge_station.telling import name_of


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
