"""A backup, a restore or a rebuild that is killed leaves the old file or the new one, whole, and can be done again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ALL = ("backup", "restore", "rebuild")


def killed(folder: Path, what: str, every: int, timers: int, deadline_s: int) -> dict[str, int]:
    """Kill it at each `every`-th thing it does with a file, and `timers` times at any moment."""
    arguments = (str(folder), what, str(every), str(timers))
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
    seen = killed(tmp_path, what, 5, 3, 100)
    assert seen["broken"] == 0
    assert min(seen["old"], seen["new"]) >= 1


@pytest.mark.torture
@pytest.mark.parametrize("what", ALL)
def test_killed_at_every_moment_it_leaves_the_old_or_the_new(what: str, tmp_path: Path) -> None:
    seen = killed(tmp_path, what, 1, 100, 800)
    print(what, seen)
    assert seen["broken"] == 0
    assert min(seen["old"], seen["new"]) >= 5
