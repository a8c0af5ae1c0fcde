"""What counting in sessions does with what happens in shops, one story a test."""

from __future__ import annotations

from itertools import permutations

import pytest
from msgspec.structs import replace

from hub.errors import ContractBroken
from hub.ledger.asking import Asked, Question, Tolerance, questions
from hub.ledger.counting import UNKNOWN_ITEM, Goods, Part, Plan, Ruling, ShelfDone, Verdict, session_entry
from hub.ledger.entries import Count, Delta, Reversal, Scope, Status
from hub.ledger.restating import changes
from hub.ledger.sessions import compose
from protocol.events import Reason
from protocol.identity import HUB_STATION, EntryId, Epoch, ItemId, PlaceId, StationId
from tests.unit.ledger.memory_counting import Again, CountingShop, HomeGiven, MemoryFloor, ShelfGiven, Tagged

TEA, JAM = ItemId("tea"), ItemId("jam")
SHOP, A, B = PlaceId("shop"), PlaceId("shelf-a"), PlaceId("shelf-b")
TEA_HERE = Scope(TEA, SHOP)
MINUTE_US = 60_000_000
FLOOR = (ShelfGiven(A, SHOP), ShelfGiven(B, SHOP), HomeGiven(TEA, A), HomeGiven(TEA, B), HomeGiven(JAM, A))
EVERYTHING = Plan("s", SHOP, 0)


def at(clock: str) -> int:
    hours, minutes = map(int, clock.split(":"))
    return (hours * 60 + minutes) * MINUTE_US


def entry(seq: int, station: str = "hand-1") -> EntryId:
    return EntryId(StationId(station), Epoch(1, 7), seq)


def found(
    seq: int,
    place: PlaceId,
    pieces: int,
    clock: str,
    *,
    item: ItemId = TEA,
    pass_: int = 1,
    person: str = "",
    most: int | None = None,
    session: str = "s",
    since: str = "",
) -> Part:
    soft = None if most is None else most * 1000
    return Part(
        entry(seq), session, item, place, pieces * 1000, at(since or clock), at(clock), 0, pass_, person, soft
    )  # fmt: skip


def done(seq: int, place: PlaceId, clock: str, *, pass_: int = 1, person: str = "", since: str = "") -> ShelfDone:
    return ShelfDone(entry(seq), "s", place, at(since or clock), at(clock), 0, pass_, person)


def ruled(seq: int, verdict: Verdict, item: ItemId | None = None, pass_: int | None = None) -> Ruling:
    return Ruling(EntryId(HUB_STATION, Epoch(1, 1), seq), verdict, "s", item, pass_)


def sold(seq: int, clock: str, pieces: int, *, item: ItemId = TEA, lead_us: int = 0) -> Delta:
    scope = Scope(item, SHOP)
    return Delta(entry(seq, "till-1"), scope, -pieces * 1000, Reason.SALE, at(clock), lead_us=lead_us)


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


class TestWhoIsAsked:
    """Tolerance decides whether a person is asked, and nothing else."""

    @staticmethod
    def asked(shop: CountingShop, tolerance: Tolerance, plan: Plan | None = None) -> list[tuple[Asked, PlaceId | None]]:
        expected = {figure.scope: figure.expected_milli for figure in shop.books.counts.values()}
        told: list[Question] = questions(plan, shop.composed["s"], lambda _: tolerance, expected)
        return [(question.asked, question.place) for question in told]

    def shop(self, *told: Part | ShelfDone | Ruling | Plan) -> CountingShop:
        shop = CountingShop()
        shop.take(*FLOOR, found(90, A, 10, "07:00", item=JAM, session="before"), *told)
        return shop

    def test_nobody_about_a_count_that_is_what_the_books_expect(self) -> None:
        assert self.asked(self.shop(found(1, A, 10, "09:00", item=JAM)), Tolerance()) == []

    @pytest.mark.parametrize(
        ("tolerance", "is_asked"),
        [
            (Tolerance(), True),
            (Tolerance(qty_milli=1000), True),
            (Tolerance(qty_milli=2000), False),
            (Tolerance(per_mille=199), True),
            (Tolerance(per_mille=200), False),
        ],
    )
    def test_somebody_about_one_that_is_further_off_than_the_tolerance(
        self, tolerance: Tolerance, is_asked: bool
    ) -> None:
        shop = self.shop(found(1, A, 8, "09:00", item=JAM))
        assert self.asked(shop, tolerance) == ([(Asked.VARIANCE, None)] if is_asked else [])
        assert shop.on_hand("jam") == 8

    def test_nobody_once_another_person_found_the_same(self) -> None:
        first = found(1, A, 8, "09:00", item=JAM, person="ann")
        assert self.asked(self.shop(first, found(2, A, 8, "09:30", item=JAM, pass_=2, person="bob")), Tolerance()) == []
        alone = self.shop(first, found(2, A, 8, "09:30", item=JAM, pass_=2, person="ann"))
        assert self.asked(alone, Tolerance()) == [(Asked.VARIANCE, None)]

    def test_somebody_once_two_people_found_different_things(self) -> None:
        first = found(1, A, 8, "09:00", item=JAM, person="ann")
        shop = self.shop(first, found(2, A, 9, "09:30", item=JAM, pass_=2, person="bob"))
        assert self.asked(shop, Tolerance()) == [(Asked.PASSES_DIFFER, A)]
        assert self.asked(shop, Tolerance(qty_milli=1000)) == []
        shop.take(ruled(1, Verdict.ACCEPT, JAM))
        assert self.asked(shop, Tolerance()) == []

    def test_another_person_where_the_plan_wants_two(self) -> None:
        plan = Plan("s", SHOP, 0, items=frozenset([JAM]), two_passes=True)
        first = found(1, A, 10, "09:00", item=JAM, person="ann")
        assert self.asked(self.shop(plan, first), Tolerance(), plan) == [(Asked.REPEAT, A)]
        second = found(2, A, 10, "09:30", item=JAM, pass_=2, person="bob")
        assert self.asked(self.shop(plan, first, second), Tolerance(), plan) == []

    def test_a_sweep_is_as_far_off_as_its_nearer_bound(self) -> None:
        shop = self.shop(found(1, A, 6, "09:00", item=JAM, most=9))
        assert self.asked(shop, Tolerance(qty_milli=1000)) == []
        assert self.asked(shop, Tolerance()) == [(Asked.VARIANCE, None)]


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
