"""Sessions: what was done in one go carries one name, and can be asked what it came to."""

from __future__ import annotations

import pytest

from edge.station.actions import Accepted, Rejected
from edge.station.session import SESSION_ENTRIES
from edge.station.summary import SummaryLine
from protocol.cards import Mode
from protocol.events import CountReading, Delta
from tests.unit.edge_station.shop import (
    BANANAS,
    MILK,
    MILK_BY_6,
    OTHER,
    TEA,
    UNKNOWN,
    Shop,
    grams,
    station_config,
)

IDLE_US = 300_000_000


def sessions(shop: Shop) -> list[str | None]:
    return [entry.session for entry in shop.log if isinstance(entry, Delta | CountReading)]


def name_of(outcome: object) -> str:
    assert isinstance(outcome, Rejected)
    return outcome.name


def test_a_sale_is_one_session_and_the_next_begins_after_end() -> None:
    shop = Shop()
    for text in (MILK, TEA, "SW1:END", MILK):
        shop.scan(text)
    first, second, third = sessions(shop)
    assert first == second
    assert third not in (None, first)


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode not in (Mode.COUNT, Mode.PRICE_CHECK)])
def test_whatever_moves_goods_is_grouped(mode: Mode) -> None:
    shop = Shop(station_config(mode))
    shop.scan(MILK)
    assert isinstance(shop.outcome("SW1:END"), Accepted)
    shop.scan(MILK)
    assert len(set(sessions(shop))) == 2


def test_another_mode_or_document_is_another_session() -> None:
    shop = Shop()
    for text in ("SW1:MODE:RECEIVE:PO-1", MILK, "SW1:MODE:RECEIVE:PO-2", MILK, "SW1:MODE:SALE", MILK):
        shop.scan(text)
    assert len(set(sessions(shop))) == 3


def test_what_a_sale_came_to_is_told_while_it_goes_on_and_at_its_end() -> None:
    shop = Shop()
    for text in (MILK, MILK, "SW1:QTY:6", MILK, TEA):
        shop.scan(text)
    shop.scan(BANANAS)
    shop.weigh(grams(250))
    summary = shop.summary()
    assert [(line.code, line.scans, line.qty_milli, line.price_minor, line.total_minor) for line in summary.lines] == [
        (MILK, 2, 2000, 119, 238),
        (MILK, 1, 6000, 99, 594),
        (TEA, 1, 1000, None, None),
        (BANANAS, 1, 250, 199, 50),
    ]
    assert (summary.total_minor, summary.currency, summary.unpriced) == (238 + 594 + 50, "EUR", 1)
    ended = shop.end()
    assert isinstance(ended, Accepted)
    assert ended.ended == summary


def test_each_weighing_is_rounded_as_it_was_told() -> None:
    shop = Shop()
    for weight in (250, 0, 250):
        if weight:
            shop.scan(BANANAS)
        shop.weigh(grams(weight))
    assert shop.summary().total_minor == 50 + 50


def test_a_case_costs_as_many_pieces_as_it_holds() -> None:
    shop = Shop()
    shop.scan(MILK_BY_6)
    assert shop.summary().total_minor == 6 * 99


def test_what_is_taken_back_is_not_in_it() -> None:
    shop = Shop()
    for text in (MILK, TEA, MILK, "SW1:UNDO"):
        shop.scan(text)
    summary = shop.summary()
    assert (summary.scans, summary.total_minor) == (2, 119)


def test_a_refused_scan_is_in_no_session() -> None:
    shop = Shop(slow=True)
    shop.scan(MILK)
    shop.fail()
    assert shop.station.session is None
    assert name_of(shop.outcome("SW1:END")) == "no-session"


def test_a_sale_in_which_nothing_is_done_is_over_and_listeners_are_told() -> None:
    shop = Shop(station_config(idle_us=IDLE_US))
    shop.scan(MILK)
    name = shop.station.session
    shop.wait(200)
    shop.scan(TEA)
    deadline = shop.station.next_deadline_us
    assert deadline == shop.clock.now().up_us + IDLE_US
    shop.wait(300)
    assert shop.idle == [name]
    assert shop.station.next_deadline_us is None
    shop.scan(MILK)
    assert sessions(shop) == [name, name, shop.station.session]


def test_undo_reaches_over_an_idle_end_but_not_over_one_that_somebody_said() -> None:
    shop = Shop(station_config(idle_us=IDLE_US))
    shop.scan(MILK)
    shop.wait(300)
    assert isinstance(shop.outcome("SW1:UNDO"), Accepted)
    shop.scan(MILK)
    shop.scan("SW1:END")
    assert name_of(shop.outcome("SW1:UNDO")) == "nothing-to-undo"


def test_a_delivery_waits_for_the_next_pallet() -> None:
    shop = Shop(station_config(Mode.RECEIVE, idle_us=IDLE_US))
    shop.scan(MILK)
    shop.wait(10_000)
    shop.scan(MILK)
    assert len(set(sessions(shop))) == 1


def test_only_the_session_named_is_ended() -> None:
    shop = Shop()
    shop.scan(MILK)
    assert name_of(shop.end("another")) == "other-session"
    assert isinstance(shop.end(shop.station.session), Accepted)
    assert name_of(shop.end()) == "no-session"


def test_end_waits_for_what_is_being_written_and_scans_for_the_end() -> None:
    shop = Shop(slow=True)
    shop.scan(MILK)
    assert name_of(shop.outcome("SW1:END", OTHER)) == "busy"
    shop.write()
    shop.scan("SW1:END", OTHER)
    assert name_of(shop.outcome(MILK)) == "busy"
    assert name_of(shop.outcome("SW1:UNDO")) == "busy"


@pytest.mark.parametrize("mode", [Mode.SALE, Mode.RECEIVE, Mode.COUNT])
def test_a_session_goes_on_after_a_power_cut_and_still_knows_what_it_came_to(mode: Mode) -> None:
    shop = Shop(station_config(mode, idle_us=IDLE_US))
    for text in (MILK, TEA, MILK, "SW1:UNDO", UNKNOWN):
        shop.scan(text)
    before = shop.summary()
    shop.power_cut()
    assert shop.summary() == before
    shop.scan(MILK)
    assert len(set(sessions(shop))) == 1


def test_an_ended_session_stays_ended_after_a_power_cut() -> None:
    shop = Shop()
    shop.scan(MILK)
    shop.scan("SW1:END")
    shop.power_cut()
    assert shop.station.session is None


@pytest.mark.parametrize(("away_s", "sessions_then"), [(60, 1), (400, 2), (-3600, 2)])
def test_over_a_reboot_the_wall_clock_says_whether_a_sale_is_over(away_s: int, sessions_then: int) -> None:
    shop = Shop(station_config(idle_us=IDLE_US))
    shop.scan(MILK)
    shop.clock.wall += away_s * 1_000_000
    shop.clock.boot, shop.clock.up = "ba9876543210", 3_000_000
    shop.power_cut()
    shop.scan(MILK)
    assert len(set(sessions(shop))) == sessions_then
    if sessions_then == 1:
        shop.wait(300)
        assert len(shop.idle) == 1


def test_a_session_holds_a_bounded_number_of_entries_and_refuses_nothing() -> None:
    shop = Shop(station_config(Mode.RECEIVE))
    for _ in range(SESSION_ENTRIES + 1):
        shop.scan(MILK)
    assert [sessions(shop).count(name) for name in dict.fromkeys(sessions(shop))] == [SESSION_ENTRIES, 1]


def test_a_count_tells_what_was_read_so_far() -> None:
    shop = Shop(station_config(Mode.COUNT))
    for text in (MILK, "SW1:QTY:5", MILK, TEA):
        shop.scan(text)
    summary = shop.summary()
    assert summary.mode is Mode.COUNT
    assert [(line.code, line.scans, line.qty_milli) for line in summary.lines] == [(MILK, 2, 6000), (TEA, 1, 1000)]
    assert (summary.total_minor, summary.unpriced) == (None, 2)
    ended = shop.end(summary.session)
    assert isinstance(ended, Accepted)
    assert ended.ended == summary


def test_an_unknown_code_is_a_line_without_an_item() -> None:
    shop = Shop()
    shop.scan(UNKNOWN)
    assert shop.summary().lines == (SummaryLine(UNKNOWN, None, 1, 1000, None, None),)
