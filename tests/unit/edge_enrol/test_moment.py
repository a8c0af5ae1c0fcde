"""What time it is at least, on a machine that may not know."""

from __future__ import annotations

from pathlib import Path

from edge.enrol.moment import SLACK_US, STEP_US, Moment

BUILT_US = 1_790_000_000_000_000
LONG_AGO_US = 1_546_300_800_000_000  # 2019


class Clock:
    def __init__(self, us: int) -> None:
        self.us = us

    def __call__(self) -> int:
        return self.us


def opened(folder: Path, clock: Clock) -> Moment:
    moment = Moment(folder / "floor", BUILT_US, clock)
    moment.open()
    return moment


def test_a_clock_before_the_machine_was_built_is_not_believed(tmp_path: Path) -> None:
    clock = Clock(LONG_AGO_US)
    moment = opened(tmp_path, clock)
    assert (moment.clock_is_set, moment.now_us) == (False, BUILT_US)
    clock.us = BUILT_US + 5
    assert (moment.clock_is_set, moment.now_us) == (True, BUILT_US + 5)


def test_what_the_hub_said_is_kept_over_a_start_and_clocks_may_differ(tmp_path: Path) -> None:
    clock = Clock(LONG_AGO_US)
    moment = opened(tmp_path, clock)
    hub_us = BUILT_US + 30 * 86_400_000_000
    moment.told(hub_us)
    again = opened(tmp_path, clock)
    assert again.now_us == hub_us - SLACK_US
    clock.us = hub_us - 1_000_000
    assert again.clock_is_set


def test_the_floor_never_sinks_and_is_not_written_all_the_time(tmp_path: Path) -> None:
    moment = opened(tmp_path, Clock(LONG_AGO_US))
    hub_us = BUILT_US + 30 * 86_400_000_000
    moment.told(hub_us)
    written = (tmp_path / "floor").stat().st_mtime_ns
    moment.told(LONG_AGO_US)
    moment.told(hub_us + STEP_US - 1)
    assert (tmp_path / "floor").stat().st_mtime_ns == written
    assert moment.now_us == hub_us + STEP_US - 1 - SLACK_US


def test_a_floor_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "floor").write_bytes(b"\0\xff nonsense")
    assert opened(tmp_path, Clock(LONG_AGO_US)).now_us == BUILT_US
