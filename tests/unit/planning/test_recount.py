"""The recount list: most money at stake first, and a reason for each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.planning.recount import NEVER_DAYS, Why, recount_list
from hub.planning.standing import DAY_US, CountRecord
from tests.unit.planning.goods import NOW_US, goods


def test_what_is_certain_and_fresh_is_left_out() -> None:
    assert recount_list([goods("tea")], NOW_US) == []


def test_the_same_doubt_weighs_by_what_a_unit_costs() -> None:
    ranked = recount_list([goods("tea", doubt=(-2, 0), price=300), goods("gin", doubt=(-2, 0), price=2500)], NOW_US)
    assert [(each.standing.item, each.doubt_milli, each.at_stake_minor) for each in ranked] == [
        ("gin", 2000, 5000),
        ("tea", 2000, 600),
    ]
    assert ranked[0].why == (Why.AMBIGUOUS,)


def test_what_went_wrong_before_goes_wrong_again_day_by_day() -> None:
    """Ten pieces in a year of counts, against none in a year: after 30 days the one is in doubt, and the other less."""
    year = 365 * DAY_US
    unruly = goods("gum", counted_days_ago=30, record=CountRecord(13, 10_000, year))
    quiet = goods("salt", counted_days_ago=30, record=CountRecord(13, 0, year))
    first, second = recount_list([quiet, unruly], NOW_US)
    assert (first.standing.item, first.why) == ("gum", (Why.STALE,))
    # The shop: 11 pieces in 3 years, so 0.01 a day. Gum: (10 + 0.904) / 455 a day. Salt: 0.904 / 455.
    assert first.doubt_milli == 719
    assert second.doubt_milli == 60


def test_one_count_is_no_record() -> None:
    """Found wrong by 5 in two days: not 2.5 a day for ever, which 30 days later would be 75 pieces."""
    hasty = goods("gum", counted_days_ago=30, record=CountRecord(2, 5000, 2 * DAY_US))
    (found,) = recount_list([hasty], NOW_US)
    assert found.doubt_milli < 7000


def test_never_counted_is_a_year_of_doubt_and_negative_is_doubt_by_itself() -> None:
    never, below = goods("new", counted_days_ago=None), goods("bread", on_hand=-3)
    first, second = recount_list([never, below], NOW_US)
    assert (first.standing.item, first.doubt_milli, first.why) == ("bread", 3000, (Why.NEGATIVE,))
    assert (second.standing.item, second.why) == ("new", (Why.NEVER_COUNTED,))
    assert second.doubt_milli == 1000 * NEVER_DAYS // 365


def test_what_has_no_price_comes_after_what_has_by_doubt() -> None:
    ranked = recount_list(
        [goods("bag", doubt=(0, 9), price=None), goods("box", doubt=(0, 99), price=None), goods("tea", doubt=(0, 1))],
        NOW_US,
    )
    assert [each.standing.item for each in ranked] == ["tea", "box", "bag"]


@given(
    st.lists(
        st.builds(
            goods,
            st.text("abc", min_size=1, max_size=3),
            st.integers(-50, 50),
            st.tuples(st.integers(-9, 0), st.integers(0, 9)),
            st.none() | st.integers(0, 900),
            st.none() | st.integers(0, 5000),
            st.builds(CountRecord, st.integers(0, 9), st.integers(0, 10**6), st.integers(0, 900 * DAY_US)),
        ),
        max_size=12,
    )
)
def test_the_list_falls_and_age_and_doubt_never_make_an_item_less_doubtful(found: list) -> None:  # type: ignore[type-arg]
    ranked = recount_list(found, NOW_US)
    at_stake = [each.at_stake_minor for each in ranked]
    assert at_stake == sorted(at_stake, reverse=True)
    assert all(each.doubt_milli > 0 and each.why for each in ranked)
    later = {id(each.standing): each.doubt_milli for each in recount_list(found, NOW_US + 30 * DAY_US)}
    assert all(later[id(each.standing)] >= each.doubt_milli for each in ranked)
