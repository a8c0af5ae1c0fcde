"""Runs all tests: python -m tests.run_all [arguments for pytest]. Three lanes side by side, then what has to be alone.

    mostly in process        =============================|
    processes that wait      =============================|
    processes                =============================|
    alone                                                 |=====|     the tests marked `alone`: they measure time

Most tests wait, for a sync or for a process, so that two lanes leave two processors idle for a quarter of their time.
Each lane is a pytest of its own; the lines of a file are printed together, and what a lane tells at its end once all
are over. Ctrl-C interrupts each lane once, so that it takes down what it had started; a second one kills them.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parents[1]
IN_PROCESS: Final = ("tests/unit", "tests/contract", "tests/captures", "--ignore=tests/unit/bench")
"""What the first lane runs."""
WAITING: Final = (
    "tests/unit/bench",
    "tests/browser",
    "tests/integration/enrol",
    "tests/integration/local_api",
    "tests/integration/runner",
    "tests/integration/tls",
    "tests/integration/test_bad_input.py",
    "tests/integration/test_clocks_that_lie.py",
    "tests/integration/test_demo.py",
    "tests/integration/test_kill_matrix.py",
    "tests/integration/test_nfc_reader.py",
    "tests/integration/test_probe.py",
    "tests/integration/test_station_settings.py",
)
"""What the second lane runs: browsers, what takes its time on purpose. The third runs all else, about as long."""
ALL_ELSE: Final = (
    "tests",
    *(f"--ignore={path}" for path in (*IN_PROCESS, *WAITING) if not path.startswith("--")),
)
LANES: Final = (IN_PROCESS, WAITING, ALL_ELSE)
IN_MEMORY: Final = Path("/dev/shm")
"""Where the first lane's files are, if there is room, and no longer than a test that passed: what a power cut leaves is
proved on a file system of our own, and what most processes write stays on a disk."""
KEEP_FAILED: Final = ("-o", "tmp_path_retention_policy=failed")
ROOM_BYTES: Final = 4 << 30
NOT_ALONE, ALONE = "not torture and not lab and not alone", "alone and not torture and not lab"
MARK: Final = "mark.alone"
NO_TESTS: Final = 5
"""How pytest exits if everything was left out."""

_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
_REPORT = re.compile(r"=+ (FAILURES|ERRORS|PASSES|warnings summary|short test summary info|[^=]* in [0-9.]+s.*) =+")
_LAST = re.compile(r"=+ (?P<counts>[^=]*) in [0-9.]+s.* =+")
_COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed|warnings?)")


@dataclass(slots=True)
class Lane:
    """One run of pytest: its arguments, what it tells at its end, and how it ended. `folder` is for its files."""

    arguments: Sequence[str]
    folder: Path | None = None
    report: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    code: int = 0
    process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Run to the end; raises nothing for tests that fail."""
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pytest", "--no-header", *_colour(), *self.arguments),
            cwd=ROOT,
            env=os.environ
            | {"COLUMNS": str(shutil.get_terminal_size().columns)}
            | ({} if self.folder is None else {"TMPDIR": str(self.folder)}),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            process_group=0,  # a terminal's Ctrl-C is passed on to it, once
            limit=1 << 24,
        )
        assert self.process.stdout is not None
        last, one_file = "", list[str]()
        async for line in self.process.stdout:
            text = line.decode(errors="replace")
            plain = _ESCAPE.sub("", text).strip()
            if self.report or _REPORT.fullmatch(plain):
                self.report.append(text)
                last = plain or last
            elif one_file and plain[:1].isalpha():
                print("".join(one_file), end="", flush=True)
                one_file = [text]
            else:
                one_file.append(text)
        print("".join(one_file), end="", flush=True)
        self.code = await self.process.wait()
        found = _LAST.fullmatch(last)
        for number, what in _COUNT.findall(found["counts"] if found else ""):
            self.counts[what.rstrip("s") if what.startswith("error") else what] += int(number)
        if found is None:
            self.report.append(f"tests: pytest ended with {self.code} and no summary\n")
            self.code = self.code or 1

    def signal(self, number: signal.Signals) -> None:
        """Send a signal: to pytest alone the gentle one, to all that it started the other."""
        if self.process is None or self.process.returncode is not None:
            return
        if number is signal.SIGKILL:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)


class Run:
    """All lanes, one phase after the other."""

    def __init__(self, phases: Sequence[Sequence[Lane]]) -> None:
        self._phases = phases
        self._interrupted = False
        self._ran: list[Lane] = []

    async def run(self) -> int:
        """Run, and tell how it went; give the exit code, 130 if it was interrupted."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupt)
        began_s = time.monotonic()
        for phase in self._phases:
            if not self._interrupted:
                self._ran += phase
                await asyncio.gather(*(lane.run() for lane in phase))
        for lane in self._ran:
            print("".join(lane.report), end="")
        counts: Counter[str] = sum((lane.counts for lane in self._ran), Counter())
        seconds = time.monotonic() - began_s
        told = ", ".join(f"{number} {what}" for what, number in sorted(counts.items())) or "nothing ran"
        word = "; interrupted" if self._interrupted else ""
        print(f"tests: {told} in {seconds:.0f} s ({int(seconds) // 60}:{int(seconds) % 60:02}){word}", flush=True)
        if self._interrupted:
            return 130
        return max((lane.code for lane in self._ran if lane.code != NO_TESTS), default=0)

    def _interrupt(self) -> None:
        number = signal.SIGKILL if self._interrupted else signal.SIGINT
        self._interrupted = True
        for lane in self._ran:
            lane.signal(number)


def alone_in(folder: Path) -> list[str]:
    """Give the files below `folder` that have a test marked `alone`."""
    return [str(path) for path in sorted(folder.rglob("test_*.py")) if MARK in path.read_text()]


def in_memory() -> Path | None:
    """Give a folder that no disk waits for; None where there is none, or little room."""
    try:
        there = os.statvfs(IN_MEMORY)
    except OSError:
        return None
    return IN_MEMORY if there.f_bavail * there.f_frsize >= ROOM_BYTES and os.access(IN_MEMORY, os.W_OK) else None


def main() -> int:
    """Run all tests."""
    more = sys.argv[1:]
    in_process, *others = (["-m", NOT_ALONE, *more, *paths] for paths in LANES)
    memory = in_memory()
    side_by_side = [
        Lane(in_process if memory is None else [*KEEP_FAILED, *in_process], memory),
        *(Lane(paths) for paths in others),
    ]
    alone = [Lane(["-m", ALONE, *more, *files])] if (files := alone_in(ROOT / "tests")) else []
    return asyncio.run(Run([side_by_side, alone]).run())


def _colour() -> list[str]:
    return ["--color=yes"] if sys.stdout.isatty() else []


if __name__ == "__main__":
    sys.exit(main())
