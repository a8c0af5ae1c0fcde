"""A scan that was held back is restored if it was meant: once, in its session, with its own time."""

from __future__ import annotations

from edge.station.actions import Accepted, Where
from edge.station.suppressed import REMEMBERED
from protocol.cards import Mode, PlaceCard, card_text
from protocol.chain import Chapter, Position
from protocol.events import Count, CountReading, Delta, Restored, Reversal
from protocol.identity import Epoch, PlaceId
from tests.unit.edge_station.presentation import AGAIN, DWELL_US, LATE, SOON, name_of, presentation, sold
from tests.unit.edge_station.shop import (
    EPOCH,
    LINEAGE,
    MILK,
    OTHER,
    SCANNER,
    TEA,
    Shop,
    station_config,
)


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
