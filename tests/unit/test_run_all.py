"""The whole suite in lanes: everything runs once, all of it is told, and Ctrl-C leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.run_all import LANES, ROOT, Lane, Run, alone_in

DEADLINE_S = 60.0


def lane(folder: Path, name: str, text: str, *more: str) -> Lane:
    """A lane of one file of tests, in a project of its own."""
    file = folder / f"test_{name}.py"
    file.write_text(text)
    (folder / "pytest.ini").touch()
    return Lane(["-c", str(folder / "pytest.ini"), f"--rootdir={folder}", "-p", "no:cacheprovider", *more, str(file)])


GOOD = "import pytest\n@pytest.mark.parametrize('n', range(3))\ndef test_good(n): pass\n"
BAD = "import pytest\ndef test_bad(): assert 'this' == 'that'\ndef test_skipped(): pytest.skip('for a reason')\n"


async def test_all_lanes_are_told_in_one_line_and_by_one_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phases = [[lane(tmp_path, "one", GOOD), lane(tmp_path, "two", BAD)], [lane(tmp_path, "three", GOOD)]]
    assert await Run(phases).run() == 1
    told = capsys.readouterr().out
    assert told.splitlines()[-1].startswith("tests: 1 failed, 6 passed, 1 skipped in ")
    # What failed is told after all progress, where it is seen.
    assert told.index("test_three.py") < told.index("assert 'this' == 'that'")
    assert told.count("test_two.py::test_bad") == 1


async def test_good_lanes_end_well_also_where_everything_of_one_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phases = [[lane(tmp_path, "one", GOOD), lane(tmp_path, "two", BAD, "-k", "nothing")], []]
    assert await Run(phases).run() == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("tests: 3 passed in ")


async def test_a_lane_that_dies_without_a_word_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await Run([[lane(tmp_path, "one", "import os\ndef test_dies(): os._exit(0)\n")]]).run() == 1
    assert "pytest ended with 0 and no summary" in capsys.readouterr().out


WAITS = """\
import subprocess, time, pytest
@pytest.fixture
def child():
    with open({left!r}, "w") as left:
        process = subprocess.Popen(["sleep", "1000"])
        left.write(str(process.pid))
    yield
    process.kill()
    process.wait()
def test_waits(child):
    time.sleep(1000)
"""


async def test_interrupted_each_lane_takes_down_what_it_started(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lefts = [tmp_path / "left-1", tmp_path / "left-2"]
    lanes = [lane(tmp_path, f"waits_{n}", WAITS.format(left=str(left))) for n, left in enumerate(lefts)]
    running = asyncio.create_task(Run([lanes, [lane(tmp_path, "later", GOOD)]]).run())
    async with asyncio.timeout(DEADLINE_S):
        while not all(left.exists() and left.read_text() for left in lefts):  # noqa: ASYNC110 - other processes' doing
            await asyncio.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)
        assert await running == 130
    for left in lefts:
        with pytest.raises(ProcessLookupError):
            os.kill(int(left.read_text()), 0)
    told = capsys.readouterr().out
    assert told.splitlines()[-1].endswith("; interrupted")
    assert "test_later" not in told


def test_every_file_of_tests_is_in_one_lane_and_in_no_other() -> None:
    for file in (ROOT / "tests").rglob("test_*.py"):
        assert sum(_runs(paths, file.relative_to(ROOT)) for paths in LANES) == 1, file
    assert alone_in(ROOT / "tests")


def test_what_a_lane_names_is_there() -> None:
    for paths in LANES:
        assert all((ROOT / path.removeprefix("--ignore=")).exists() for path in paths)


def _runs(paths: Sequence[str], file: Path) -> bool:
    named = [path for path in paths if not path.startswith("--ignore=")]
    ignored = [path.removeprefix("--ignore=") for path in paths if path.startswith("--ignore=")]
    return any(map(file.is_relative_to, named)) and not any(map(file.is_relative_to, ignored))
