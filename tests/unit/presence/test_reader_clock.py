"""A reader's clock that is plainly wrong is corrected; old reports of a right one are not."""

from __future__ import annotations

import pytest

from edge.presence.reader_clock import ReaderClock
from edge.presence.rules import S_US

NOW_US = 1_750_000_000 * S_US


def live(clock: ReaderClock, wrong_s: float, seconds: int, from_s: int = 0) -> int:
    """Have a report a second come at once from a clock that is wrong; give how often the offset changed."""
    changed = 0
    for second in range(from_s, from_s + seconds):
        now_us = NOW_US + second * S_US
        changed += clock.heard(now_us + round(wrong_s * S_US) - 200_000 - second % 3 * 100_000, now_us)
    return changed


@pytest.mark.parametrize("wrong_s", [0, 1.5, -1, -25])
def test_a_clock_that_may_be_right_is_believed(wrong_s: float) -> None:
    clock = ReaderClock()
    assert live(clock, wrong_s, 300) == 0
    assert clock.offset_us == 0


@pytest.mark.parametrize("wrong_s", [-1_750_000_000, -86_400, -301, -45, 40, 3600])
def test_one_that_is_plainly_wrong_is_set_right_once(wrong_s: float) -> None:
    clock = ReaderClock()
    assert live(clock, wrong_s, 300) == 1
    assert abs(clock.offset_us + wrong_s * S_US) <= S_US


def test_until_it_is_sure_nothing_is_changed() -> None:
    clock = ReaderClock()
    assert live(clock, -3600, 55) == 0
    assert live(clock, -3600, 10, 55) == 1


def test_a_reader_that_sends_what_it_kept_is_not_behind() -> None:
    """An hour of reports in ten minutes, six times the pace, then live."""
    clock = ReaderClock()
    for second in range(600):
        assert not clock.heard(NOW_US - 3000 * S_US + 6 * second * S_US, NOW_US + second * S_US)
    assert live(clock, 0, 100, 601) == 0
    assert clock.offset_us == 0


def test_kept_reports_in_between_live_ones_are_not_a_clock() -> None:
    clock = ReaderClock()
    for second in range(600):
        assert not clock.heard(NOW_US + (second - 3600) * S_US, NOW_US + second * S_US)
        assert not clock.heard(NOW_US + second * S_US, NOW_US + second * S_US)


def test_a_reader_that_gets_the_time_at_last_is_believed_again() -> None:
    clock = ReaderClock()
    live(clock, -3600, 100)
    assert clock.offset_us
    assert live(clock, 0, 20, 100) == 1
    assert clock.offset_us == 0


def test_one_bogus_time_changes_nothing() -> None:
    clock = ReaderClock()
    live(clock, 0, 10)
    assert not clock.heard(NOW_US + 10**15, NOW_US + 10 * S_US)
    assert live(clock, 0, 100, 11) == 0
