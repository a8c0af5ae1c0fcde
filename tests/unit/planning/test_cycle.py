"""The cycle-count plan: each item as often as its turnover deserves, and no day more than people can count."""

from __future__ import annotations

import pytest

from hub.planning.cycle import Class, classes, cycle_plan
from tests.unit.planning.goods import NOW_US, goods


def test_classes_go_by_money_turned_over() -> None:
    shop = [
        goods("gin", price=2500, sold=120),
        goods("tea", price=300, sold=200),
        goods("gum", price=100, sold=100),
        goods("urn", price=9000, sold=0),
        goods("salt", price=50, sold=10),
    ]
    assert classes(shop) == [Class.A, Class.B, Class.C, Class.D, Class.C]


def test_a_shop_that_sells_one_thing_has_it_in_class_a() -> None:
    assert classes([goods("gin", sold=1)]) == [Class.A]
    assert classes([goods("gin", sold=1, price=None)]) == [Class.A]
    assert classes([]) == []


def test_the_longest_overdue_comes_first_and_the_rest_on_its_day() -> None:
    shop = [
        goods("gin", price=2500, sold=100, counted_days_ago=29),
        goods("tea", price=300, sold=200, counted_days_ago=100),
        goods("new", counted_days_ago=None),
        goods("fresh", sold=1, counted_days_ago=1),
    ]
    plan = cycle_plan(shop, NOW_US, per_day=5, days=3)
    assert [(due.standing.item, due.cls, due.day, due.overdue_days) for due in plan] == [
        ("new", Class.D, 0, 365),
        ("tea", Class.B, 0, 10),
        ("gin", Class.A, 1, 0),
    ]


def test_no_day_has_more_than_can_be_counted_and_what_has_no_room_waits() -> None:
    plan = cycle_plan([goods(f"item-{n:02d}", counted_days_ago=None) for n in range(12)], NOW_US, per_day=5, days=2)
    assert [due.day for due in plan] == [0] * 5 + [1] * 5
    assert len({due.standing.item for due in plan}) == 10


def test_a_plan_for_no_days_is_refused() -> None:
    with pytest.raises(ValueError, match="0 items a day"):
        cycle_plan([], NOW_US, per_day=0, days=1)
