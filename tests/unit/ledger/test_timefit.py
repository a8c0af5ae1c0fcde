"""What a station's entries get for a time, from anchors of any quality.

Beyond 300 lines because these are one pure function's rules.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import ContractBroken
from hub.ledger.timefit import (
    DRIFT_PPM,
    NEIGHBOURS,
    START,
    SYNCED_ERR_US,
    TRUSTED_FOR_US,
    UNSYNCED_ERR_US,
    Bracket,
    ClockFit,
    Timed,
    TimeSource,
    drift_us,
    first_difference_us,
    fit_boot,
    raised,
    time_of,
)
from protocol.events import Anchor, When

BOOT = "b1"
BOOTED_US = 1_790_000_000_000_000
SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US


def anchor(up_us: int, *, trip_us: int = 2000, off_us: int = 0, boot: str = BOOT) -> Anchor:
    """An exchange that starts at `up_us`, read half way; the hub's clock then `off_us` beside the truth."""
    return Anchor(boot, up_us, up_us + trip_us, BOOTED_US + up_us + trip_us // 2 + off_us)


def at(fit: ClockFit, up_us: int) -> tuple[int, int]:
    """How far the fit's time is from the truth, and the error that it states."""
    found = fit.at(up_us)
    assert found is not None
    return found[0] - BOOTED_US - up_us, found[1]


def test_one_anchor_gives_half_its_round_trip_for_an_error() -> None:
    fit = fit_boot([anchor(10 * SECOND_US, trip_us=2000)])
    assert at(fit, 10 * SECOND_US + 2000) == (0, 1001)


def test_away_from_its_anchor_a_time_grows_uncertain_by_the_drift_allowed() -> None:
    fit = fit_boot([anchor(HOUR_US, trip_us=0)])
    for up_us in (0, 2 * HOUR_US):
        assert at(fit, up_us) == (0, HOUR_US * DRIFT_PPM // 1_000_000)


def test_the_better_of_two_anchors_narrows_the_other() -> None:
    good, slow = anchor(0, trip_us=1000), anchor(SECOND_US, trip_us=800_000)
    _, err_us = at(fit_boot([slow, good]), 2 * SECOND_US)
    assert err_us < 1000


def test_an_entry_in_touch_keeps_the_time_that_the_anchor_before_it_gave() -> None:
    before = fit_boot([anchor(0)])
    after = fit_boot([anchor(0), anchor(60 * SECOND_US, trip_us=0)])
    assert before.at(50 * SECOND_US) == after.at(50 * SECOND_US)
    assert first_difference_us(before, after) == 60 * SECOND_US


def test_after_an_outage_the_next_anchor_narrows_what_happened_in_it() -> None:
    before = fit_boot([anchor(0)])
    after = fit_boot([anchor(0), anchor(8 * HOUR_US)])
    late = 7 * HOUR_US
    assert at(after, late)[1] < at(before, late)[1]
    assert first_difference_us(before, after) == TRUSTED_FOR_US + 2000 + 1


def test_what_a_boot_did_before_its_first_anchor_is_timed_by_that() -> None:
    unknown = fit_boot([])
    assert unknown.at(5) is None
    fit = fit_boot([anchor(HOUR_US)])
    assert at(fit, 0)[0] == 0
    assert first_difference_us(unknown, fit) == 0


def test_equal_fits_differ_nowhere() -> None:
    anchors = [anchor(n * SECOND_US) for n in range(5)]
    assert first_difference_us(fit_boot(anchors), fit_boot(anchors[::-1])) is None


@pytest.mark.parametrize("wrong", range(5))
def test_one_wrong_anchor_among_five_is_left_out_wherever_it_is(wrong: int) -> None:
    anchors = [anchor(n * SECOND_US, off_us=HOUR_US if n == wrong else 0) for n in range(5)]
    fit = fit_boot(anchors)
    assert len(fit.held) == 4
    assert fit.number == 5
    for up_us in range(0, 6 * SECOND_US, SECOND_US // 2):
        off_us, err_us = at(fit, up_us)
        assert abs(off_us) <= err_us <= 2000


def test_two_anchors_that_contradict_each_other_are_not_believed() -> None:
    assert fit_boot([anchor(0), anchor(SECOND_US, off_us=HOUR_US)]).at(5) is None


def test_when_the_hubs_clock_was_set_an_entry_in_between_may_be_of_either_time() -> None:
    anchors = [anchor(n * SECOND_US) for n in range(20)]
    anchors += [anchor(HOUR_US + n * SECOND_US, off_us=HOUR_US) for n in range(20)]
    fit = fit_boot(anchors)
    assert at(fit, 10 * SECOND_US)[0] == 0
    assert at(fit, HOUR_US + 10 * SECOND_US)[0] == HOUR_US
    off_us, err_us = at(fit, HOUR_US // 2)
    assert off_us - err_us <= 0
    assert off_us + err_us >= HOUR_US


def test_an_anchor_received_before_it_was_sent_is_left_out() -> None:
    fit = fit_boot([Anchor(BOOT, 2000, 1000, BOOTED_US)])
    assert (fit.number, fit.held) == (1, ())


def test_anchors_of_two_boots_make_no_fit() -> None:
    with pytest.raises(ContractBroken):
        fit_boot([anchor(0), anchor(0, boot="b2")])


@pytest.mark.parametrize(
    ("synced", "expected"),
    [
        (True, Timed(77, SYNCED_ERR_US, TimeSource.STATION_CLOCK)),
        (False, Timed(77, UNSYNCED_ERR_US, TimeSource.UNSURE)),
    ],
)
@pytest.mark.parametrize("fit", [None, fit_boot([])])
def test_without_an_anchor_the_stations_own_clock_must_do(fit: ClockFit | None, synced: bool, expected: Timed) -> None:
    assert time_of(When(BOOT, 5, 77, synced), fit) == expected


def test_with_an_anchor_the_stations_own_clock_counts_for_nothing() -> None:
    timed = time_of(When(BOOT, 2000, 77, True), fit_boot([anchor(0, trip_us=2000)]))
    assert timed == Timed(BOOTED_US + 2000, 1001, TimeSource.ANCHORS)


def test_within_a_log_time_never_goes_back_and_the_error_says_by_how_much_it_was_raised() -> None:
    timed = Timed(1000, 50, TimeSource.ANCHORS)
    assert raised(timed, START) is timed
    assert raised(timed, Timed(1000, 10, TimeSource.ANCHORS)) == timed
    assert raised(timed, Timed(1200, 10, TimeSource.ANCHORS)) == Timed(1200, 250, TimeSource.ANCHORS)


TEN_YEARS_US = 3652 * 24 * HOUR_US
NOW = Timed(BOOTED_US, 1000, TimeSource.ANCHORS)


@pytest.mark.parametrize("source", [TimeSource.STATION_CLOCK, TimeSource.UNSURE])
@pytest.mark.parametrize("own", list(TimeSource))
def test_one_reading_of_2036_lifts_nothing_that_comes_after(source: TimeSource, own: TimeSource) -> None:
    after = Timed(BOOTED_US, 1000, own)
    assert raised(after, Timed(BOOTED_US + TEN_YEARS_US, 1000, source)) is after


def test_nor_does_a_hub_whose_clock_read_2036() -> None:
    assert raised(NOW, Timed(BOOTED_US + TEN_YEARS_US, 1000, TimeSource.ANCHORS)) is NOW


def test_an_hour_too_much_is_smoothed_whoever_was_wrong() -> None:
    before = Timed(BOOTED_US + HOUR_US, 1000, TimeSource.UNSURE)
    assert raised(NOW, before) == Timed(BOOTED_US + HOUR_US, HOUR_US + 1000, TimeSource.UNSURE)


def test_a_clock_that_reads_1970_is_raised_to_what_is_sure() -> None:
    timed = raised(Timed(5, UNSYNCED_ERR_US, TimeSource.UNSURE), NOW)
    assert timed == Timed(BOOTED_US, UNSYNCED_ERR_US + BOOTED_US - 5, TimeSource.ANCHORS)


@pytest.mark.parametrize("synced", [True, False])
@pytest.mark.parametrize("wall_us", [0, 5, BOOTED_US - TEN_YEARS_US, BOOTED_US + TEN_YEARS_US, 2**53])
def test_a_boot_without_anchors_lies_between_its_neighbours_whatever_its_clock_reads(
    wall_us: int, synced: bool
) -> None:
    bracket = Bracket(BOOTED_US, BOOTED_US + HOUR_US)
    timed = time_of(When(BOOT, 60 * SECOND_US, wall_us, synced), None, bracket)
    assert BOOTED_US <= timed.t_us <= BOOTED_US + HOUR_US
    for truth_us in (BOOTED_US + 60 * SECOND_US, BOOTED_US + HOUR_US):
        assert abs(timed.t_us - truth_us) <= timed.err_us


def test_within_its_bracket_a_disciplined_clock_is_believed() -> None:
    timed = time_of(When(BOOT, 0, BOOTED_US + 7, True), None, Bracket(BOOTED_US, BOOTED_US + HOUR_US))
    assert timed == Timed(BOOTED_US + 7, SYNCED_ERR_US, TimeSource.STATION_CLOCK)


def test_a_boot_after_the_last_anchor_is_not_before_it() -> None:
    timed = time_of(When(BOOT, 60 * SECOND_US, 5, False), None, Bracket(BOOTED_US, None))
    assert timed.t_us == BOOTED_US + 60 * SECOND_US
    assert timed.source is TimeSource.UNSURE


def test_a_boot_before_the_first_anchor_is_not_after_it() -> None:
    timed = time_of(When(BOOT, 5, BOOTED_US + TEN_YEARS_US, True), None, Bracket(None, BOOTED_US))
    assert (timed.t_us, timed.err_us) == (BOOTED_US, TEN_YEARS_US)


@st.composite
def clocks(draw: st.DrawFn) -> tuple[list[Anchor], list[tuple[int, int]]]:
    """A drifting clock: its anchors in any order, and moments as (boot time, true UTC)."""
    up_us, utc_us = 0, BOOTED_US
    anchors: list[Anchor] = []
    moments: list[tuple[int, int]] = []

    def run(for_us: int) -> None:
        nonlocal up_us, utc_us
        ppm = draw(st.integers(-DRIFT_PPM, DRIFT_PPM))
        up_us += for_us
        utc_us += for_us + int(for_us * ppm / 1_000_000)

    for _ in range(draw(st.integers(1, 25))):
        run(draw(st.sampled_from([10_000, 30 * SECOND_US, HOUR_US])))
        if draw(st.booleans()):
            moments.append((up_us, utc_us))
        else:
            sent_us = up_us
            run(draw(st.integers(0, 300_000)))
            hub_us = utc_us
            run(draw(st.integers(0, 300_000)))
            anchors.append(Anchor(BOOT, sent_us, up_us, hub_us))
    return draw(st.permutations(anchors)), moments


@settings(max_examples=100, deadline=None)
@given(clocks())
def test_the_truth_is_always_within_the_stated_error(clock: tuple[list[Anchor], list[tuple[int, int]]]) -> None:
    anchors, moments = clock
    fit = fit_boot(anchors)
    assert len(fit.held) == len(anchors)
    for up_us, utc_us in moments:
        found = fit.at(up_us)
        assert (found is None) == (not anchors)
        if found is not None:
            t_us, err_us = found
            assert type(t_us) is int
            assert abs(t_us - utc_us) <= err_us


@settings(max_examples=100, deadline=None)
@given(clocks(), st.data())
def test_a_new_anchor_changes_no_time_before_the_first_difference(
    clock: tuple[list[Anchor], list[tuple[int, int]]], data: st.DataObject
) -> None:
    anchors, moments = clock
    some = anchors[: data.draw(st.integers(0, len(anchors)))]
    old, new = fit_boot(some), fit_boot(anchors)
    first_us = first_difference_us(old, new)
    for up_us, _ in moments:
        if first_us is None or up_us < first_us:
            assert old.at(up_us) == new.at(up_us)


@settings(max_examples=100, deadline=None)
@given(clocks())
def test_a_stretch_gives_the_times_that_the_fit_gives(clock: tuple[list[Anchor], list[tuple[int, int]]]) -> None:
    anchors, moments = clock
    fit = fit_boot(anchors)
    for up_us, _ in moments:
        stretch = fit.stretch_at(up_us)
        for near_us in () if stretch is None else (stretch.from_up_us, up_us, min(stretch.until_up_us - 1, 1 << 50)):
            assert stretch is not None
            err_us = stretch.err_us + drift_us(near_us - stretch.sent_up_us)
            assert fit.at(near_us) == (near_us + stretch.offset_us, err_us)


@settings(max_examples=100, deadline=None)
@given(clocks(), st.randoms(use_true_random=False))
def test_a_fit_is_a_function_of_the_anchors_in_whatever_order_they_are_given(
    clock: tuple[list[Anchor], list[tuple[int, int]]], random: Random
) -> None:
    anchors, _ = clock
    shuffled = anchors[:]
    random.shuffle(shuffled)
    assert fit_boot(shuffled) == fit_boot(anchors)


LIES_US = (HOUR_US, -HOUR_US, TEN_YEARS_US, -TEN_YEARS_US, -BOOTED_US)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, NEIGHBOURS // 2), st.data())
def test_anchors_that_lie_move_nothing_while_they_are_the_fewer(lying: int, data: st.DataObject) -> None:
    """Even where they all tell the same lie."""
    number = data.draw(st.integers(2 * lying + 1, NEIGHBOURS + 1))
    liars = data.draw(st.sets(st.integers(0, number - 1), min_size=lying, max_size=lying))
    lies_us = [data.draw(st.sampled_from(LIES_US)) if n in liars else 0 for n in range(number)]
    anchors = [anchor(n * 60 * SECOND_US, off_us=lie_us) for n, lie_us in enumerate(lies_us)]
    fit, honest = fit_boot(anchors), fit_boot([each for n, each in enumerate(anchors) if n not in liars])
    assert fit.held == honest.held
    for up_us in range(0, number * 60 * SECOND_US, 30 * SECOND_US):
        off_us, err_us = at(fit, up_us)
        assert abs(off_us) <= err_us
