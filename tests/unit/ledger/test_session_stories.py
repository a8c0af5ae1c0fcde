"""What counting in sessions does with what happens in shops, one story a test."""

from __future__ import annotations

from itertools import permutations

import pytest
from msgspec.structs import replace

from hub.errors import ContractBroken
from hub.ledger.counting import Goods, Plan, Verdict, session_entry
from hub.ledger.entries import Count, Reversal, Scope, Status
from hub.ledger.restating import changes
from hub.ledger.sessions import compose
from protocol.identity import EntryId, ItemId, PlaceId
from tests.unit.ledger.memory_counting import Again, CountingShop, HomeGiven, MemoryFloor, ShelfGiven, Tagged
from tests.unit.ledger.telling_sessions import (
    EVERYTHING,
    FLOOR,
    JAM,
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


class TestShelves:
    def test_an_item_on_two_shelves_is_counted_when_both_were_and_not_before(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, found(1, A, 4, "09:00"))
        assert shop.figures() == []
        assert shop.composed["s"].open == {TEA_HERE: {B}}
        shop.take(found(2, B, 6, "09:10"))
        assert shop.on_hand() == 10
        assert shop.composed["s"].open == {}

    def test_what_was_read_of_a_shelf_in_one_pass_is_summed(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, found(1, A, 4, "09:00"), found(2, A, 3, "09:02"), found(3, B, 6, "09:10"))
        assert shop.on_hand() == 13

    def test_a_shelf_that_held_none_is_counted_all_the_same(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, found(1, A, 4, "09:00"), done(2, B, "09:10"))
        assert shop.on_hand() == 4

    def test_the_count_lasts_from_its_first_reading_to_its_last(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, found(1, A, 4, "09:05", since="09:00"), done(2, B, "09:30", since="09:25"))
        (figure,) = shop.figures()
        assert (figure.from_us, figure.to_us, figure.t_us) == (at("09:00"), at("09:30"), at("09:30"))

    def test_an_item_found_where_nobody_keeps_it_is_counted_there_too(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, found(1, A, 4, "09:00", item=JAM))
        assert shop.on_hand("jam") == 4
        shop.take(found(2, B, 1, "09:10", item=JAM))
        assert shop.on_hand("jam") == 5

    def test_an_item_without_a_home_may_be_anywhere(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, found(1, A, 4, "09:00", item=ItemId("salt")))
        assert shop.composed["s"].open == {Scope(ItemId("salt"), SHOP): {B}}
        shop.take(done(2, B, "09:10"))
        assert shop.on_hand("salt") == 4

    def test_a_shelf_given_later_asks_nothing_of_a_count_made_before(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, found(1, A, 4, "09:00"), done(2, B, "09:10"))
        shop.take(ShelfGiven(PlaceId("shelf-c"), SHOP, at("12:00")), HomeGiven(TEA, PlaceId("shelf-c"), at("12:00")))
        assert shop.on_hand() == 4

    def test_a_home_said_to_have_been_there_already_opens_the_count_again(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, found(1, A, 4, "09:00", item=JAM))
        outcome = shop.take(HomeGiven(JAM, B))
        assert len(outcome.dropped) == 1
        assert shop.composed["s"].open == {Scope(JAM, SHOP): {B}}
        assert shop.state("jam").unanchored
        shop.take(done(2, B, "09:10"))
        assert shop.on_hand("jam") == 4


class TestAnAreaWithoutShelves:
    """There is nothing to compose: a station's count is a count of the area, as it always was."""

    def test_each_count_counts_by_itself_under_its_own_name(self) -> None:
        shop = CountingShop()
        shop.take(found(1, SHOP, 4, "09:00"), found(2, SHOP, 6, "09:10"))
        assert [(figure.id, figure.qty_milli) for figure in shop.figures()] == [(entry(1), 4000), (entry(2), 6000)]
        assert shop.on_hand() == 6
        assert shop.composed["s"].results == {}

    def test_an_undo_takes_it_back(self) -> None:
        shop = CountingShop()
        shop.take(found(1, SHOP, 4, "09:00"), found(2, SHOP, 6, "09:10"), Reversal(entry(9), entry(2), at("09:11")))
        assert shop.on_hand() == 4

    def test_a_session_that_went_from_place_to_place_is_one_count_of_what_it_found_at_each(self) -> None:
        shop = CountingShop()
        shop.take(found(1, A, 4, "09:00"), done(2, A, "09:01"))
        assert shop.on_hand() == 4
        shop.take(found(3, B, 6, "09:10"), done(4, B, "09:11"))
        assert shop.on_hand() == 10
        assert [figure.id for figure in shop.figures()] == [session_entry("s", TEA_HERE)]

    def test_a_plan_that_comes_late_makes_one_count_of_them(self) -> None:
        shop = CountingShop()
        shop.take(found(1, PlaceId("till"), 4, "09:00"), found(2, PlaceId("bay"), 6, "09:10"))
        shop.take(EVERYTHING)
        assert [(figure.id, figure.qty_milli) for figure in shop.figures()] == [(session_entry("s", TEA_HERE), 10_000)]
        assert {shop.books.rows[entry(seq)].status for seq in (1, 2)} == {Status.HISTORY}

    def test_so_do_shelves_that_come_late_and_were_there_before(self) -> None:
        shop = CountingShop()
        shop.take(found(1, A, 4, "09:00"))
        assert shop.on_hand() == 4
        shop.take(*FLOOR)
        assert shop.figures() == []
        assert shop.books.rows[entry(1)].status is Status.HISTORY


class TestPasses:
    def test_a_second_pass_is_compared_with_the_first_and_never_added_to_it(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, found(1, A, 4, "09:00"), done(2, B, "09:10"), found(3, A, 5, "10:00", pass_=2))
        assert shop.on_hand() == 5

    def test_a_pass_that_did_not_find_it_does_not_overrule_one_that_did(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, found(1, A, 4, "09:00", item=JAM), done(2, A, "10:00", pass_=2))
        assert shop.on_hand("jam") == 4
        shop.take(ruled(1, Verdict.ACCEPT, JAM, 2))
        assert shop.on_hand("jam") == 0

    def test_a_person_may_choose_the_first(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, found(1, A, 4, "09:00", item=JAM), found(2, A, 5, "10:00", item=JAM, pass_=2))
        shop.take(ruled(1, Verdict.ACCEPT, JAM, 1))
        assert shop.on_hand("jam") == 4

    def test_a_pass_that_is_rejected_counts_no_more_until_it_is_accepted(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, found(1, A, 4, "09:00", item=JAM), found(2, A, 5, "10:00", item=JAM, pass_=2))
        shop.take(ruled(1, Verdict.REJECT, None, 2))
        assert shop.on_hand("jam") == 4
        shop.take(ruled(2, Verdict.ACCEPT, JAM, 2))
        assert shop.on_hand("jam") == 5


class TestRulings:
    def counted_twice(self) -> CountingShop:
        """Ten of jam at eight, by another session; four at nine, by this one."""
        shop = CountingShop()
        before = found(1, A, 10, "08:00", item=JAM, session="before")
        shop.take(*FLOOR, before, found(2, A, 4, "09:00", item=JAM), sold(1, "09:30", 1, item=JAM))
        assert shop.on_hand("jam") == 3
        return shop

    @pytest.mark.parametrize("verdict", [Verdict.REJECT, Verdict.VOID])
    def test_the_count_before_is_restored(self, verdict: Verdict) -> None:
        shop = self.counted_twice()
        shop.take(ruled(1, verdict))
        assert shop.on_hand("jam") == 9
        assert [figure.qty_milli for figure in shop.figures("jam")] == [10_000]

    @pytest.mark.parametrize("verdict", [Verdict.REJECT, Verdict.VOID])
    def test_a_ruling_on_one_item_leaves_the_others(self, verdict: Verdict) -> None:
        shop = self.counted_twice()
        shop.take(ruled(1, verdict, TEA))
        assert shop.on_hand("jam") == 3

    @pytest.mark.parametrize("order", list(permutations([0, 1, 2])))
    def test_the_later_ruling_counts_whichever_came_first(self, order: tuple[int, ...]) -> None:
        shop = self.counted_twice()
        rulings = [ruled(1, Verdict.REJECT), ruled(2, Verdict.ACCEPT, JAM), ruled(3, Verdict.REJECT, TEA)]
        for n in order:
            shop.take(rulings[n])
        assert shop.on_hand("jam") == 3
        assert shop.composed["s"].results[Scope(JAM, SHOP)].settled

    def test_nothing_brings_a_voided_session_back(self) -> None:
        shop = self.counted_twice()
        shop.take(ruled(1, Verdict.VOID), ruled(2, Verdict.ACCEPT))
        assert shop.on_hand("jam") == 9

    def test_an_undo_of_what_a_station_counted_takes_that_part_away(self) -> None:
        shop = self.counted_twice()
        shop.take(found(3, A, 2, "09:05", item=JAM))
        assert shop.on_hand("jam") == 5
        shop.take(Reversal(entry(9), entry(3), at("09:06")))
        assert shop.on_hand("jam") == 3
        assert shop.books.rows[entry(9)].status is Status.APPLIED


class TestARadioSweepInASession:
    def test_scanner_and_reader_share_a_count(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, found(1, A, 4, "09:00"), found(2, B, 6, "09:10", most=8))
        tea = shop.state()
        assert (tea.lo_milli, tea.on_hand_milli, tea.hi_milli) == (10_000, 10_000, 12_000)

    def test_a_shelf_counted_beside_a_reader_says_nothing_of_tags_the_reader_did_not_see(self) -> None:
        shop = CountingShop()
        by_hand = [replace(done(seq, place, "09:05"), goods=Goods.UNTAGGED) for seq, place in enumerate((A, B), 1)]
        shop.take(*FLOOR, Tagged(TEA), EVERYTHING, sold(1, "08:00", 1), sold(2, "08:00", 1, item=JAM), *by_hand)
        assert (shop.state().unanchored, shop.state("jam").unanchored) == (True, False)
        shop.take(found(3, A, 6, "09:04", most=8))
        assert shop.composed["s"].open == {TEA_HERE: {B}}
        shop.take(replace(done(4, B, "09:05"), goods=Goods.TAGGED))
        assert (shop.on_hand(), shop.composed["s"].open) == (6, {})

    def test_a_complete_count_is_one_of_tagged_goods_once_every_shelf_was_swept_too(self) -> None:
        shop = CountingShop()
        by_hand = [replace(done(seq, place, "09:05"), goods=Goods.UNTAGGED) for seq, place in enumerate((A, B), 1)]
        by_radio = [replace(done(seq, place, "09:06"), goods=Goods.TAGGED) for seq, place in enumerate((A, B), 3)]
        shop.take(*FLOOR, Tagged(TEA), EVERYTHING, sold(1, "08:00", 1), *by_hand, by_radio[0])
        assert shop.state().unanchored
        complete = shop.composed["s"].complete
        assert complete is not None
        assert (complete.goods, complete.t_us) == (Goods.UNTAGGED, at("09:05"))
        shop.take(by_radio[1])
        assert (shop.on_hand(), shop.state().unanchored) == (0, False)
        shop.take(sold(2, "08:00", 1, item=JAM))
        assert shop.on_hand("jam") == 0

    def test_a_sweep_alone_says_nothing_of_goods_without_tags(self) -> None:
        shop = CountingShop()
        by_radio = [replace(done(seq, place, "09:06"), goods=Goods.TAGGED) for seq, place in enumerate((A, B), 3)]
        shop.take(*FLOOR, Tagged(TEA), Plan("s", SHOP, 0, items=frozenset([TEA, JAM])), *by_radio)
        assert shop.composed["s"].open == {Scope(JAM, SHOP): {A}}
        assert shop.on_hand() == 0

    def test_books_within_it_are_left_alone(self) -> None:
        shop = CountingShop()
        shop.take(found(1, SHOP, 7, "08:00", session="before"), found(2, SHOP, 6, "09:10", most=8))
        tea = shop.state()
        assert (tea.lo_milli, tea.on_hand_milli, tea.hi_milli) == (6000, 7000, 8000)


class TestNames:
    def test_a_count_of_a_session_is_named_by_what_it_is_about(self) -> None:
        named = {
            session_entry(session, Scope(ItemId(item), PlaceId(area)))
            for session in ("s", "t")
            for item in ("a", "ab", "b")
            for area in ("bc", "c", "shop")
        }
        assert len(named) == 2 * 3 * 3
        assert all(EntryId.parse(str(identity)) == identity for identity in named)

    def test_two_scopes_under_one_name_are_refused_and_never_merged(self) -> None:
        identity = session_entry("s", TEA_HERE)
        before = Count(identity, Scope(JAM, SHOP), 1000, 0, 0)
        after = compose(Plan("s", SHOP, 0), [found(1, SHOP, 4, "09:00")], [], [], MemoryFloor()).entries
        with pytest.raises(ContractBroken):
            changes({identity: before}, after)

    def test_a_better_time_restates_the_count_under_its_name(self) -> None:
        shop = CountingShop()
        shop.take(*FLOOR, found(1, A, 10, "09:00", item=JAM), sold(1, "09:30", 1, item=JAM))
        assert shop.on_hand("jam") == 9
        shop.take(Again(1, found(1, A, 10, "09:45", item=JAM)))
        assert shop.on_hand("jam") == 10
        assert [figure.id for figure in shop.figures("jam")] == [session_entry("s", Scope(JAM, SHOP))]
