"""Every clock an agent may be given."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from edge.clock import Clock, FakeClock, SystemClock, read_boot_id
from edge.errors import EdgeError


@pytest.fixture(params=["system", "fake"])
def clock(request: pytest.FixtureRequest) -> Clock:
    return SystemClock(read_boot_id()) if request.param == "system" else FakeClock()


def test_the_boot_has_a_name_of_12_hex_digits(clock: Clock) -> None:
    assert re.fullmatch("[0-9a-f]{12}", clock.boot)


def test_now_tells_the_same_boot_time_as_up(clock: Clock) -> None:
    before = clock.up_us()
    now = clock.now()
    assert now.boot == clock.boot
    assert before <= now.up_us <= clock.up_us()


def test_wall_time_is_utc_in_microseconds(clock: Clock) -> None:
    assert 1_700_000_000_000_000 < clock.now().wall_us < 5_000_000_000_000_000


def test_the_system_clock_counts_from_boot() -> None:
    clock = SystemClock(read_boot_id())
    assert abs(clock.up_us() - time.clock_gettime(time.CLOCK_BOOTTIME) * 1e6) < 1e6
    assert abs(clock.now().wall_us - time.time() * 1e6) < 1e6


def test_the_kernel_says_steadily_whether_the_clock_is_disciplined() -> None:
    clock = SystemClock(read_boot_id())
    assert len({clock.now().synced for _ in range(100)}) == 1


def test_the_fake_clock_moves_only_when_told() -> None:
    clock = FakeClock()
    before = clock.now()
    assert clock.now() == before
    clock.advance(1.5)
    assert (clock.now().up_us - before.up_us, clock.now().wall_us - before.wall_us) == (1_500_000, 1_500_000)


def test_no_boot_id_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(EdgeError):
        read_boot_id(tmp_path / "missing")
    (tmp_path / "odd").write_text("not a boot id\n")
    with pytest.raises(EdgeError):
        read_boot_id(tmp_path / "odd")
