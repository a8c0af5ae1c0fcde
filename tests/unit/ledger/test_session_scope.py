"""What a session says of goods that nobody found: by a plan, and as a complete count."""

from __future__ import annotations

from msgspec.structs import replace

from hub.ledger.counting import UNKNOWN_ITEM, Plan, Verdict
from hub.ledger.entries import Delta, Reversal, Scope
from protocol.events import Reason
from protocol.identity import ItemId, PlaceId
from tests.unit.ledger.memory_counting import Again, CountingShop
from tests.unit.ledger.telling_sessions import (
    EVERYTHING,
    FLOOR,
    JAM,
    MINUTE_US,
    SHOP,
    TEA,
    TEA_HERE,
    A,
    B,
    at,
    done,
    entry,
    found,
    ruled,
    sold,
)


class TestACompleteCount:
    """All that was not found is not there, also what nobody had heard of yet."""

    def test_it_is_zero_for_every_item_that_it_did_not_find(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, EVERYTHING, sold(1, "08:00", 3), sold(2, "08:30", 2, item=JAM))
        shop.take(found(1, A, 4, "09:00"), done(2, A, "09:05"))
        assert shop.composed["s"].complete is None
        shop.take(done(3, B, "09:10"))
        assert (shop.on_hand(), shop.on_hand("jam")) == (4, 0)
        assert not shop.state("jam").unanchored

    def test_it_is_zero_for_an_item_first_heard_of_later(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, EVERYTHING, done(1, A, "09:05"), done(2, B, "09:10"))
        shop.take(sold(1, "12:00", 2, item=JAM))
        assert (shop.on_hand("jam"), shop.state("jam").unanchored) == (-2, False)
        shop.take(sold(2, "08:00", 5, item=JAM))
        assert (shop.on_hand("jam"), shop.figures("jam")[0].variance_milli) == (-2, 5000)

    def test_something_found_of_it_after_all_takes_the_place_of_the_zero(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, EVERYTHING, sold(1, "08:00", 2, item=JAM), done(1, A, "09:05"), done(2, B, "09:10"))
        zero = shop.figures("jam")[0]
        shop.take(found(3, A, 7, "09:04", item=JAM))
        assert [(figure.id, figure.qty_milli) for figure in shop.figures("jam")] == [(zero.id, 7000)]

    def test_a_ruling_on_an_item_it_did_not_find_keeps_the_zero_away(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, EVERYTHING, sold(1, "08:00", 2, item=JAM), done(1, A, "09:05"), done(2, B, "09:10"))
        shop.take(ruled(1, Verdict.REJECT, JAM))
        assert shop.state("jam").unanchored

    def test_while_it_found_goods_of_an_unknown_code_nothing_is_known_to_be_absent(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, EVERYTHING, sold(1, "08:00", 2), sold(2, "08:00", 2, item=JAM), done(2, A, "09:05"))
        strange = found(1, A, 7, "09:00", item=UNKNOWN_ITEM)
        shop.take(strange, done(3, B, "09:10"))
        assert shop.books.counts == {}
        shop.take(Again(1, replace(strange, item=JAM)))
        assert (shop.on_hand("jam"), shop.on_hand()) == (7, 0)

    def test_a_person_may_accept_that_they_were_something_else(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, EVERYTHING, sold(1, "08:00", 2), found(1, A, 7, "09:00", item=UNKNOWN_ITEM))
        shop.take(done(2, A, "09:05"), done(3, B, "09:10"), ruled(1, Verdict.ACCEPT))
        assert (shop.on_hand(), shop.state().unanchored) == (0, False)

    def test_voided_it_says_nothing_of_anything(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, EVERYTHING, sold(1, "08:00", 2, item=JAM), found(1, A, 4, "09:00"))
        shop.take(done(2, A, "09:05"), done(3, B, "09:10"))
        shop.take(ruled(1, Verdict.VOID))
        assert shop.books.counts == {}
        shop.take(sold(2, "12:00", 1, item=ItemId("salt")))
        assert shop.books.counts == {}

    def test_other_areas_are_none_of_its_business(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, EVERYTHING, done(1, A, "09:05"), done(2, B, "09:10"))
        yard = Scope(TEA, PlaceId("yard"))
        shop.take(Delta(entry(1, "till-1"), yard, 5000, Reason.RECEIPT, at("10:00")))
        assert shop.state("tea", "yard").unanchored

    def test_a_store_of_one_place_is_complete_once_somebody_says_so(self) -> None:
        shop = CountingShop()
        shop.take(EVERYTHING, sold(1, "08:00", 2, item=JAM), found(1, SHOP, 4, "09:00"))
        assert shop.state("jam").unanchored
        shop.take(done(2, SHOP, "09:05"))
        assert (shop.on_hand("jam"), shop.on_hand()) == (0, 4)


class TestAPlan:
    def test_what_it_asks_for_and_nobody_found_is_zero_once_its_homes_were_counted(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, Plan("s", SHOP, 0, items=frozenset([TEA, JAM])), done(1, A, "09:00"))
        assert shop.on_hand("jam") == 0
        assert shop.composed["s"].open == {TEA_HERE: {B}}

    def test_nor_is_what_it_asks_for_while_goods_of_an_unknown_code_were_found(self) -> None:
        shop = CountingShop()
        strange = found(2, A, 7, "09:00", item=UNKNOWN_ITEM)
        shop.take(*FLOOR, Plan("s", SHOP, 0, items=frozenset([JAM])), done(1, A, "09:00"), strange)
        assert shop.composed["s"].open == {Scope(JAM, SHOP): frozenset()}
        shop.take(Reversal(entry(9), strange.entry, at("09:01")))
        assert shop.on_hand("jam") == 0

    def test_before_anybody_went_it_says_where_to_go(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, Plan("s", SHOP, at("08:00"), items=frozenset([TEA])))
        assert shop.composed["s"].open == {TEA_HERE: {A, B}}

    def test_in_a_closed_area_leads_raise_no_doubt(self) -> None:
        parts = (found(1, A, 10, "21:00", item=JAM), sold(1, "21:10", 1, item=JAM, lead_us=30 * MINUTE_US))
        shop = CountingShop()
        shop.take(*FLOOR, *parts)
        assert shop.state("jam").ambiguous == 1
        shop.take(Plan("s", SHOP, 0, items=frozenset([JAM]), closed=True))
        assert shop.state("jam").ambiguous == 0

    def test_a_blind_count_finds_what_any_other_finds(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, Plan("s", SHOP, 0, blind=True), found(1, A, 4, "09:00", item=JAM))
        assert shop.on_hand("jam") == 4
