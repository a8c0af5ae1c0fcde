"""A backup, a restore or a rebuild that is killed or loses power leaves the old file or the new one, whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ALL = ("backup", "restore", "rebuild")


def cut_short(folder: Path, what: str, every: int, timers: int, cuts: int, deadline_s: int) -> dict[str, int]:
    """Kill it at each `every`-th file it touches and `timers` times at any moment; cut the power `cuts` times."""
    arguments = (str(folder), what, str(every), str(timers), str(cuts))
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.hub_store.cut_short", *arguments],
        capture_output=True,
        text=True,
        timeout=deadline_s,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts: dict[str, int] = json.loads(done.stdout)
    return counts


@pytest.mark.parametrize("what", ALL)
def test_killed_at_some_moments_it_leaves_the_old_or_the_new(what: str, tmp_path: Path) -> None:
    seen = cut_short(tmp_path, what, 8, 1, 0, 100)
    assert seen["broken"] == 0
    assert min(seen["old"], seen["new"]) >= 1


@pytest.mark.torture
@pytest.mark.needs_fuse
@pytest.mark.parametrize("what", ALL)
def test_cut_short_at_every_moment_it_leaves_the_old_or_the_new(what: str, tmp_path: Path) -> None:
    seen = cut_short(tmp_path, what, 1, 100, 100, 800)
    print(what, seen)
    assert seen["broken"] == 0
    assert min(seen["old"], seen["new"]) >= 5
