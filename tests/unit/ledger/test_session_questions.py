"""Which of a session's results a person is asked about."""

from __future__ import annotations

import pytest

from hub.ledger.asking import Asked, Question, Tolerance, questions
from hub.ledger.counting import Part, Plan, Ruling, ShelfDone, Verdict
from protocol.identity import PlaceId
from tests.unit.ledger.memory_counting import CountingShop
from tests.unit.ledger.telling_sessions import (
    FLOOR,
    JAM,
    SHOP,
    A,
    found,
    ruled,
)


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
