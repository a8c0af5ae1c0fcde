"""What the hub takes for the time while its wall clock is set, lies, or was never set."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from hub.clock import BELIEVED_AFTER_US, HubClock, KernelSync

UTC = 1_790_000_000_000_000
SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
TEN_YEARS_US = 3652 * 24 * HOUR_US


@dataclass
class Machine:
    """A wall clock and the time since boot; `truth_us` is what a clock that nobody touched would read."""

    up_us: int = 0
    off_us: int = 0
    synced: bool = False

    def __post_init__(self) -> None:
        self.clock = HubClock(lambda: self.truth_us + self.off_us, lambda: self.up_us, lambda: self.synced)

    @property
    def truth_us(self) -> int:
        return UTC + self.up_us

    def run(self, for_us: int, every_us: int = 10 * SECOND_US) -> list[int]:
        """Let time pass, looking at the clock now and then; give how far what it told was from the truth."""
        told: list[int] = []
        for _ in range(for_us // every_us):
            self.up_us += every_us
            told.append(self.clock.now_us() - self.truth_us)
        return told


@pytest.mark.parametrize("off_us", [HOUR_US, -HOUR_US, TEN_YEARS_US, -TEN_YEARS_US])
def test_a_minute_of_another_time_is_never_told(off_us: int) -> None:
    machine = Machine()
    machine.run(MINUTE_US)
    machine.off_us = off_us
    assert set(machine.run(MINUTE_US)) == {0}
    machine.off_us = 0
    assert set(machine.run(HOUR_US)) == {0}


@pytest.mark.parametrize("off_us", [HOUR_US, -HOUR_US])
def test_a_clock_that_was_set_is_believed_after_minutes(off_us: int) -> None:
    machine = Machine()
    machine.run(MINUTE_US)
    machine.off_us = off_us
    told = machine.run(HOUR_US)
    waited = BELIEVED_AFTER_US // (10 * SECOND_US)
    assert set(told[:waited]) == {0}
    assert set(told[waited + 1 :]) == {off_us}


def test_a_lie_that_changes_is_not_believed_any_sooner() -> None:
    machine = Machine()
    machine.run(MINUTE_US)
    for hours in range(1, 10):
        machine.off_us = hours * HOUR_US
        assert set(machine.run(4 * MINUTE_US)) == {0}


def test_a_clock_that_nobody_had_set_is_believed_once_it_is() -> None:
    machine = Machine(off_us=-UTC)
    assert machine.clock.now_us() == 0
    machine.run(MINUTE_US)
    machine.off_us = 0
    assert set(machine.run(MINUTE_US)) == {0}


def test_a_clock_that_is_slewed_is_followed() -> None:
    machine = Machine()
    machine.run(MINUTE_US)
    for _ in range(1000):
        machine.off_us += 5000
        assert machine.run(10 * SECOND_US) == [machine.off_us]


def test_a_leap_second_that_the_clock_repeats_or_skips_is_a_second_and_no_more() -> None:
    machine = Machine()
    machine.run(MINUTE_US)
    for leap_us in (-SECOND_US, SECOND_US):
        machine.off_us += leap_us
        assert all(abs(off_us - machine.off_us) <= SECOND_US for off_us in machine.run(MINUTE_US))


@pytest.mark.parametrize("off_us", [HOUR_US, -HOUR_US, TEN_YEARS_US, -TEN_YEARS_US])
def test_a_hub_started_before_a_time_daemon_set_its_clock_believes_that_at_once(off_us: int) -> None:
    machine = Machine(off_us=off_us)
    assert set(machine.run(MINUTE_US)) == {off_us}
    machine.off_us, machine.synced = 0, True
    assert set(machine.run(MINUTE_US)) == {0}


@pytest.mark.parametrize("off_us", [HOUR_US, -HOUR_US, TEN_YEARS_US, -TEN_YEARS_US])
def test_once_synchronised_no_step_is_believed_at_once_whatever_the_kernel_says(off_us: int) -> None:
    machine = Machine(synced=True)
    machine.run(MINUTE_US)
    machine.off_us, machine.synced = off_us, False
    assert set(machine.run(MINUTE_US)) == {0}
    machine.synced = True
    assert set(machine.run(2 * MINUTE_US)) == {0}


def test_the_kernel_says_steadily_whether_the_clock_is_synchronised() -> None:
    synced = KernelSync()
    assert len({synced() for _ in range(100)}) == 1
