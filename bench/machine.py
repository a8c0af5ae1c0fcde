"""What a figure depends on besides the code: the machine, its libraries, and what others do on it meanwhile."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import time
from pathlib import Path

import apsw

from bench.figures import Machine
from shelfwire.demo.brokers import find_mosquitto

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def describe(folder: Path, noise: float) -> Machine:
    """Describe this machine; `folder` is where the files under test lie."""
    return Machine(
        cpu=_after_colon(Path("/proc/cpuinfo"), "model name") or platform.machine(),
        cores=os.cpu_count() or 1,
        memory_mb=int(_after_colon(Path("/proc/meminfo"), "MemTotal").split()[0] or 0) // 1024,
        kernel=platform.release(),
        file_system=_file_system(folder),
        python=platform.python_version(),
        sqlite_apsw=apsw.sqlite_lib_version(),
        sqlite_stdlib=sqlite3.sqlite_version,
        mosquitto=_mosquitto_version(),
        noise=noise,
    )


class Others:
    """How much of the processors other people's processes use between making this and `share`."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._busy = _busy_s()
        self._ours = _ours_s()

    def share(self) -> float:
        """Give it, 0 to 1 of all processors. Children must have ended or still run, and not have been left unwaited."""
        elapsed = time.monotonic() - self._began
        foreign = (_busy_s() - self._busy) - (_ours_s() - self._ours)
        return max(0.0, min(1.0, foreign / (elapsed * (os.cpu_count() or 1))))


class Noise:
    """How long one fixed computation takes at different moments of a run."""

    def __init__(self) -> None:
        self._taken: list[float] = []

    def look(self) -> None:
        """Do the computation once, some tens of milliseconds of it."""
        began = time.perf_counter()
        total = 0
        for number in range(400_000):
            total += number * number % 7
        self._taken.append(time.perf_counter() - began)

    @property
    def spread(self) -> float:
        """Slowest over fastest, less 1."""
        return max(self._taken) / min(self._taken) - 1 if self._taken else 0.0


def rss_mb(pid: int) -> float:
    """Give the memory a process holds, in MB of 1,000,000 bytes."""
    return int(_after_colon(Path(f"/proc/{pid}/status"), "VmRSS").split()[0]) * 1024 / 1e6


def peak_rss_mb(pid: int) -> float:
    """Give the most memory a process has held, in MB."""
    return int(_after_colon(Path(f"/proc/{pid}/status"), "VmHWM").split()[0]) * 1024 / 1e6


def cpu_s(pid: int) -> float:
    """Give the processor time a running process has used."""
    # The name, in parentheses, may hold spaces; utime and stime are fields 14 and 15 (proc(5)).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def _busy_s() -> float:
    user, nice, system, _, _, irq, softirq, *_ = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    return sum(map(int, (user, nice, system, irq, softirq))) / _TICKS_PER_S


def _ours_s() -> float:
    """Give the processor time of this process and its children, those that ended included."""
    times = os.times()
    own = times.user + times.system + times.children_user + times.children_system
    return own + sum(_tree_s(child) for child in _children(os.getpid()))


def _tree_s(pid: int) -> float:
    try:
        return cpu_s(pid) + sum(_tree_s(child) for child in _children(pid))
    except OSError:
        return 0.0  # It has ended this very moment.


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, task.read_text().split())
        except OSError:
            pass  # The thread has ended.
    return found


def _after_colon(file: Path, key: str) -> str:
    for line in file.read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def _file_system(folder: Path) -> str:
    """Name the file system that holds `folder`: the mount with the longest path that it lies under (proc(5))."""
    best, kind = "", "?"
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, what, *_ = line.split()
        if folder.resolve().is_relative_to(where) and len(where) >= len(best):
            best, kind = where, what
    return kind


def _mosquitto_version() -> str:
    program = find_mosquitto()
    if program is None:
        return "none"
    told = subprocess.run([program, "-h"], capture_output=True, text=True, check=False).stdout
    return told.splitlines()[0].removeprefix("mosquitto version ").strip()
