"""What a scale's answers tell about the scale, by a clock that is turned by hand."""

from __future__ import annotations

import pytest

from edge.codecs.readings import Weight, WeightState
from edge.drivers.scale_figures import EMPTY_RESTS, ScaleFigures

S = 10**9
FRESH = 3 * S


def stable(grams: int, *, net: bool = False) -> Weight:
    return Weight(grams, WeightState.STABLE if grams else WeightState.ZERO, net, b"")


def state(which: WeightState) -> Weight:
    return Weight(None, which, net=False, raw=b"")


MOTION, UNDER, UNCHANGED = state(WeightState.MOTION), state(WeightState.UNDER), state(WeightState.UNCHANGED)


def drift_of(*weights: Weight) -> int:
    figures = ScaleFigures()
    for number, weight in enumerate(weights):
        figures.take(weight, number * S)
    return figures.measured(len(weights) * S)["zero_drift_grams"]


def test_of_a_scale_that_never_answered_nothing_is_known_and_nothing_said() -> None:
    assert ScaleFigures().measured(5 * S) == {}
    assert ScaleFigures().complaint(5 * S, FRESH) == ""


def test_a_weight_ages_while_the_scale_answers_without_one_and_an_answer_while_it_says_nothing() -> None:
    figures = ScaleFigures()
    figures.take(stable(1250), S)
    figures.take(MOTION, 3 * S)
    measured = figures.measured(4 * S)
    assert (measured["weight_age_ms"], measured["answer_age_ms"]) == (3000, 1000)


def test_the_watchdog_barks_when_answers_stop_and_not_before() -> None:
    figures = ScaleFigures()
    figures.take(stable(1250), S)
    assert figures.complaint(S + FRESH, FRESH) == ""
    assert figures.complaint(S + FRESH + 1, FRESH) == "last answered 3 s ago"
    figures.take(stable(1250), 9 * S)
    assert figures.complaint(10 * S, FRESH) == ""


@pytest.mark.parametrize(
    ("weights", "drift"),
    [
        ([stable(0)], 0),
        ([stable(0), stable(0), stable(0)], 0),
        ([stable(0), stable(1250), stable(4)], 4),
        ([stable(2), stable(8), stable(4)], 6),
        ([stable(0), stable(11), stable(1250)], 0),
        ([stable(0), stable(5, net=True)], 0),
        ([stable(0), MOTION, UNDER, stable(2)], 2),
    ],
)
def test_the_drift_is_how_far_apart_the_figures_of_the_empty_scale_were(weights: list[Weight], drift: int) -> None:
    assert drift_of(*weights) == drift


def test_one_long_rest_does_not_push_the_others_out_and_many_rests_do() -> None:
    assert drift_of(stable(8), *[stable(0)] * 1000) == 8
    assert drift_of(stable(8), *[stable(0), UNCHANGED] * 1000) == 8
    assert drift_of(stable(8), *[stable(0), stable(1250)] * EMPTY_RESTS) == 0


def test_a_zero_that_wanders_is_said() -> None:
    figures = ScaleFigures()
    for number, grams in enumerate([0, 1250, 6]):
        figures.take(stable(grams), number * S)
    assert figures.complaint(3 * S, FRESH) == ""
    figures.take(stable(7), 3 * S)
    assert "7 g" in figures.complaint(3 * S, FRESH)


def test_a_motion_lasts_from_its_first_answer_to_the_first_at_rest() -> None:
    figures = ScaleFigures()
    figures.take(stable(0), 0)
    figures.take(MOTION, 2 * S)
    figures.take(MOTION, 4 * S)
    assert figures.measured(5 * S)["in_motion_ms"] == figures.measured(5 * S)["longest_motion_ms"] == 3000
    figures.take(stable(1250), 6 * S)
    measured = figures.measured(60 * S)
    assert (measured["in_motion_ms"], measured["longest_motion_ms"]) == (0, 4000)
    figures.take(MOTION, 61 * S)
    assert figures.measured(62 * S)["longest_motion_ms"] == 4000


def test_a_motion_without_end_is_said_and_a_silence_ends_it_untold() -> None:
    figures = ScaleFigures()
    for second in range(40):
        figures.take(MOTION, second * S)
    assert figures.complaint(39 * S, FRESH) == "in motion for 39 s: something touches it, or moves it"
    figures.interrupt()
    assert figures.measured(39 * S)["in_motion_ms"] == figures.measured(39 * S)["longest_motion_ms"] == 0
