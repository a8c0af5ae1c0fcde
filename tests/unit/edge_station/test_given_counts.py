"""A count somebody gave: session, shelf and pass by a card, who counts by another, and what END says of the shelf."""

from __future__ import annotations

import pytest
from msgspec import structs

from edge.station.actions import Accepted, GivenCount, Work
from edge.station.note import NOTE, decode_note, encode_note
from protocol.cards import CountCard, Mode, WhoCard, card_text
from protocol.events import Count, CountReading, ShelfCounted
from protocol.identity import Epoch, PlaceId
from tests.unit.edge_station.shop import MILK, OTHER, TEA, Shop, station_config
from tests.unit.edge_station.telling import name_of


def shelf(place: str, pass_: int = 1, session: str = "autumn-26") -> str:
    return card_text(CountCard(session, PlaceId(place), pass_))


ANNA, BERT = card_text(WhoCard("anna")), card_text(WhoCard("bert"))


def done(shop: Shop) -> list[ShelfCounted]:
    return [entry for entry in shop.log if isinstance(entry, ShelfCounted)]


def counts(shop: Shop) -> list[tuple[str, str, int, str, int]]:
    return [(e.session, e.place, e.pass_, e.person, e.qty_milli) for e in shop.log if isinstance(e, Count)]


def test_readings_and_counts_name_the_session_the_shelf_the_pass_and_the_person() -> None:
    shop = Shop()
    shop.scan(ANNA)
    shop.scan(shelf("shelf-3", 2))
    shop.scan(MILK)
    shop.scan("SW1:END")
    (reading,) = [entry for entry in shop.log if isinstance(entry, CountReading)]
    assert (reading.session, reading.place, reading.pass_, reading.person) == ("autumn-26", "shelf-3", 2, "anna")
    assert counts(shop) == [("autumn-26", "shelf-3", 2, "anna", 1000)]


def test_end_says_that_the_shelf_is_counted_in_the_transaction_of_its_counts() -> None:
    shop = Shop()
    shop.scan(shelf("shelf-3"))
    begun = shop.clock.now()
    shop.scan(MILK)
    shop.scan(TEA)
    shop.slow = True
    shop.scan("SW1:END")
    (commit,) = shop.waiting
    assert [type(entry) for entry in commit.entries] == [Count, Count, ShelfCounted]
    shop.write()
    (said,) = done(shop)
    assert (said.session, said.place, said.pass_, said.codes, said.readings) == ("autumn-26", "shelf-3", 1, 2, 2)
    assert (said.from_up_us, said.when, said.tags) == (begun.up_us, shop.clock.now(), None)


def test_an_empty_shelf_is_counted_too() -> None:
    shop = Shop()
    shop.scan(shelf("shelf-3"))
    begun = shop.clock.now()
    shop.wait(30)
    answer = shop.outcome("SW1:END")
    assert isinstance(answer, Accepted)
    assert answer.ended is not None
    assert answer.ended.session == "autumn-26"
    (said,) = done(shop)
    assert (said.codes, said.readings, said.from_up_us) == (0, 0, begun.up_us)
    assert not counts(shop)


def test_after_end_goods_are_refused_until_the_next_shelf_is_given() -> None:
    shop = Shop()
    shop.scan(shelf("shelf-3"))
    shop.scan(MILK)
    shop.scan("SW1:END")
    assert name_of(shop.outcome(TEA)) == "shelf-ended"
    assert name_of(shop.outcome("SW1:END")) == "no-count"
    shop.scan(shelf("shelf-4"))
    assert isinstance(shop.outcome(TEA), Accepted)
    shop.scan("SW1:MODE:COUNT")
    assert isinstance(shop.outcome(TEA), Accepted)
    assert [entry.place for entry in shop.log if isinstance(entry, CountReading)] == ["shelf-3", "shelf-4", "shop"]


def test_the_card_of_the_next_shelf_ends_the_one_before_if_anything_was_read_there() -> None:
    shop = Shop()
    shop.scan(shelf("shelf-3"))
    shop.scan(MILK)
    shop.scan(shelf("shelf-4"))
    shop.scan(shelf("shelf-5"))
    assert [(said.place, said.readings) for said in done(shop)] == [("shelf-3", 1)]


def test_leaving_a_shelf_for_other_work_does_not_say_that_it_is_counted() -> None:
    shop = Shop()
    shop.scan(shelf("shelf-3"))
    shop.scan(MILK)
    answer = shop.outcome("SW1:MODE:SALE")
    assert isinstance(answer, Accepted)
    assert answer.attention == "shelf-not-ended"
    assert counts(shop) == [("autumn-26", "shelf-3", 1, "", 1000)]
    assert not done(shop)


def test_a_given_shelf_survives_a_power_cut_and_so_does_who_counts() -> None:
    shop = Shop()
    shop.scan(BERT)
    shop.scan(shelf("shelf-3", 2))
    begun = shop.clock.now()
    shop.power_cut()
    shop.scan(MILK)
    shop.power_cut()
    shop.scan(MILK)
    shop.scan("SW1:END")
    assert counts(shop) == [("autumn-26", "shelf-3", 2, "bert", 2000)]
    assert [(said.person, said.pass_, said.from_up_us) for said in done(shop)] == [("bert", 2, begun.up_us)]
    shop.power_cut()
    assert shop.station.work == Work(Mode.COUNT, count=GivenCount("autumn-26", PlaceId("shelf-3"), 2, ended=True))
    assert name_of(shop.outcome(MILK)) == "shelf-ended"


def test_what_was_closed_before_is_not_counted_again_where_the_log_forgot_when_the_shelf_was_given() -> None:
    shop = Shop()
    for place in ("shelf-3", "shelf-4", "shelf-3"):
        shop.scan(shelf(place))
        shop.scan(MILK)
        shop.scan(TEA)
        if place == "shelf-4":
            shop.scan("SW1:END")
    note = decode_note(shop.notes[NOTE])
    shop.notes[NOTE] = encode_note(structs.replace(note, epoch=str(Epoch(9, 9))))
    shop.power_cut()
    shop.scan("SW1:END")
    assert [(said.place, said.readings) for said in done(shop)] == [("shelf-3", 2), ("shelf-4", 2), ("shelf-3", 2)]


def test_what_one_person_counts_is_ended_before_another_goes_on() -> None:
    shop = Shop()
    shop.scan(ANNA)
    shop.scan(shelf("shelf-3"))
    shop.scan(MILK)
    assert name_of(shop.outcome(BERT)) == "count-open"
    shop.scan("SW1:END")
    shop.scan(shelf("shelf-3", 2))
    assert isinstance(shop.outcome(BERT), Accepted)
    shop.scan(MILK)
    shop.scan("SW1:END")
    assert [(said.pass_, said.person) for said in done(shop)] == [(1, "anna"), (2, "bert")]


def test_the_person_is_forgotten_with_the_counting() -> None:
    shop = Shop(station_config(Mode.COUNT))
    shop.scan(ANNA)
    shop.scan("SW1:MODE:SALE")
    shop.scan("SW1:MODE:COUNT")
    shop.scan(MILK)
    assert [entry.person for entry in shop.log if isinstance(entry, CountReading)] == [""]


def test_a_person_named_in_the_middle_of_a_sale_leaves_undo_and_session_as_they_were() -> None:
    shop = Shop()
    shop.scan(MILK)
    shop.scan(ANNA)
    shop.power_cut()
    assert shop.station.session is not None
    assert isinstance(shop.outcome("SW1:UNDO"), Accepted)


def test_a_count_without_a_card_is_as_it_always_was() -> None:
    shop = Shop(station_config(Mode.COUNT))
    shop.scan(MILK)
    shop.scan("SW1:END")
    assert not done(shop)
    assert [(place, pass_, person) for _, place, pass_, person, _ in counts(shop)] == [("shop", 1, "")]
    assert isinstance(shop.outcome(TEA), Accepted)


def test_the_disk_refusing_end_leaves_the_shelf_open() -> None:
    shop = Shop()
    shop.scan(shelf("shelf-3"))
    shop.scan(MILK)
    shop.slow = True
    shop.scan("SW1:END")
    shop.fail()
    shop.slow = False
    shop.scan(TEA)
    shop.scan("SW1:END")
    assert [said.readings for said in done(shop)] == [2]


def test_two_scanners_may_count_one_shelf() -> None:
    shop = Shop()
    shop.scan(shelf("shelf-3"))
    shop.scan(MILK)
    shop.scan(MILK, OTHER)
    shop.scan("SW1:UNDO", OTHER)
    shop.scan("SW1:END", OTHER)
    assert counts(shop) == [("autumn-26", "shelf-3", 1, "", 1000)]
    assert [said.readings for said in done(shop)] == [1]


@pytest.mark.parametrize(
    "text",
    [
        "SW1:COUNT:AUTUMN-26:SHELF-3:1:XX",
        "SW1:COUNT:AUTUMN-26:SHELF-3:TN",
        "SW1:COUNT:AUTUMN-26:SHELF-4:1:TN",
        "SW1:COUNT:AUTUMN-26:SHELF-3:0:TN",
        "SW1:WHO:ANN:6F",
    ],
)
def test_a_damaged_card_is_refused(text: str) -> None:
    assert name_of(Shop().outcome(text)) == "bad-card"


def test_the_local_api_gives_a_count_as_the_card_does() -> None:
    shop = Shop()
    given = GivenCount("autumn-26", PlaceId("shelf-3"), 1)
    shop.ask_for(Work(Mode.COUNT, count=given))
    assert shop.station.work.count == given
    assert name_of(shop.answers[shop.ask_for(Work(Mode.SALE, count=given))]) == "bad-count"
    badly = Work(Mode.COUNT, count=GivenCount("Autumn 26", PlaceId("shelf-3")))
    assert name_of(shop.answers[shop.ask_for(badly)]) == "bad-card"
