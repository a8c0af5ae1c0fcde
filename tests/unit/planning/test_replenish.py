"""Suggested orders: enough until the next order arrives, in whole packs, of what is not there or coming already."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.planning.alerts import Alarm, alerts
from hub.planning.replenish import Terms, suggest
from tests.unit.planning.goods import goods

STEADY = [2000] * 56
TERMS = Terms(lead_days=2, review_days=1)


def test_a_steady_item_is_ordered_up_to_what_it_takes_until_the_next_order_arrives() -> None:
    found = suggest(goods("tea", on_hand=1), STEADY, TERMS)
    assert (found.up_to_milli, found.safety_milli, found.order_milli) == (6000, 0, 5000)


def test_what_is_on_its_way_is_not_ordered_again_and_what_is_reserved_is_not_there() -> None:
    terms = replace(TERMS, on_order_milli=2000, in_transit_milli=1000, reserved_milli=4000)
    assert suggest(goods("tea", on_hand=1), STEADY, terms).order_milli == 6000


def test_an_order_is_whole_packs() -> None:
    found = suggest(goods("tea", on_hand=1), STEADY, replace(TERMS, pack_milli=4000))
    assert (found.packs, found.order_milli) == (2, 8000)


def test_goods_below_zero_are_ordered_back_above_it() -> None:
    assert suggest(goods("tea", on_hand=-3), STEADY, TERMS).order_milli == 9000


def test_safety_is_what_the_lumpy_need_beyond_the_mean() -> None:
    """Ten pieces every tenth day: the mean of three days is 3, but three in ten stretches take ten."""
    lumpy = [10_000 if day % 10 == 0 else 0 for day in range(60)]
    found = suggest(goods("fuse", on_hand=0), lumpy, TERMS)
    assert found.up_to_milli == 10_000
    assert found.safety_milli == 10_000 - 2759
    half = suggest(goods("fuse", on_hand=0), lumpy, replace(TERMS, service_permille=500))
    assert half.up_to_milli == 0


def test_a_past_too_short_to_tell_suggests_nothing_but_what_is_promised() -> None:
    found = suggest(goods("new", on_hand=2), [1000] * 5, TERMS)
    assert (found.up_to_milli, found.safety_milli, found.order_milli) == (None, None, 0)
    assert suggest(goods("new", on_hand=2), [1000] * 5, replace(TERMS, reserved_milli=5000)).order_milli == 3000


@pytest.mark.parametrize(
    ("least", "most", "up_to", "order"),
    [
        (None, None, 6000, 5000),
        (9000, None, 9000, 8000),
        (2000, None, 6000, 5000),
        (None, 4000, 4000, 3000),
        (None, 9000, 6000, 5000),
        (9000, 4000, 4000, 3000),
    ],
)
def test_what_is_ordered_up_to_lies_between_minimum_and_maximum(
    least: int | None, most: int | None, up_to: int, order: int
) -> None:
    terms = replace(TERMS, min_milli=least, max_milli=most)
    found = suggest(goods("tea", on_hand=1), STEADY, terms)
    assert (found.up_to_milli, found.order_milli) == (up_to, order)
    found = suggest(goods("tea", on_hand=1), [1000], terms)
    assert found.up_to_milli == (None if least is None else min(least, most or least))


@pytest.mark.parametrize(
    "terms", [Terms(lead_days=-1), Terms(review_days=0), Terms(pack_milli=0), Terms(service_permille=0)]
)
def test_terms_that_cannot_be_are_refused(terms: Terms) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        suggest(goods("tea"), STEADY, terms)


@given(
    st.lists(st.integers(-5000, 20_000), max_size=70),
    st.integers(-20, 200),
    st.integers(0, 14),
    st.integers(1, 14),
    st.integers(1, 30_000),
    st.integers(1, 1000),
)
def test_what_is_ordered_reaches_the_level_by_less_than_a_pack(
    daily: list[int], on_hand: int, lead: int, review: int, pack: int, service: int
) -> None:
    found = suggest(goods("tea", on_hand=on_hand), daily, Terms("", lead, review, pack, service))
    level = found.up_to_milli or 0
    assert found.order_milli == found.packs * pack
    assert on_hand * 1000 + found.order_milli >= level
    assert found.order_milli == 0 or on_hand * 1000 + found.order_milli - pack < level
    assert found.up_to_milli is None or found.up_to_milli >= (found.safety_milli or 0) >= 0
    more = suggest(goods("tea", on_hand=on_hand), daily, Terms("", lead, review, pack, 1000))
    assert more.order_milli >= found.order_milli


def alarms(on_hand: int, doubt: tuple[int, int] = (0, 0), daily: list[int] = STEADY, **terms: int) -> dict[Alarm, int]:
    found = alerts(suggest(goods("tea", on_hand=on_hand, doubt=doubt), daily, replace(TERMS, **terms)))  # type: ignore[arg-type]
    return {alert.alarm: alert.short_milli for alert in found}


def test_all_is_well_while_it_lasts() -> None:
    assert alarms(10) == {}


def test_below_zero_is_told_and_nothing_else_of_it() -> None:
    assert alarms(-3) == {Alarm.NEGATIVE: 3000}


def test_more_promised_than_there_is_and_than_there_is_for_certain() -> None:
    assert alarms(4, daily=[], reserved_milli=6000) == {Alarm.OVERSOLD: 2000}
    assert alarms(10, (-5, 0), daily=[], reserved_milli=7000) == {Alarm.PERHAPS_OVERSOLD: 2000}
    assert alarms(10, (-3, 0), daily=[], reserved_milli=7000) == {}


def test_gone_before_an_order_can_arrive_unless_one_is_on_its_way() -> None:
    assert alarms(3) == {Alarm.RUNS_OUT: 1000}
    assert alarms(3, on_order_milli=6000) == {}


def test_safety_stock_that_somebody_said_is_ordered_up_to_beside_the_mean_and_is_not_promised() -> None:
    kept = replace(goods("tea", on_hand=1), safety_milli=4000, reserved_milli=2000)
    found = suggest(kept, STEADY, TERMS)
    assert (found.up_to_milli, found.safety_milli, found.wanted_milli) == (10_000, 4000, 11_000)
    assert suggest(kept, [], TERMS).wanted_milli == 5000, "of a past too short to tell, what was said"
    told = {alert.alarm: alert.short_milli for alert in alerts(suggest(replace(kept, on_hand_milli=5000), [], TERMS))}
    assert told == {Alarm.OVERSOLD: 1000}
