"""What every measurement is given: a folder on the disk under test, how long it may take, and the time of day."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.buffer.api import LogLimits
from edge.buffer.sqlite_log import SqliteLog
from shelfwire.turns import take_short_turns

RESERVE_BYTES: Final = 1 << 20
"""A station's log keeps one, of 32 MiB unless told otherwise; how large makes no difference."""


@dataclass(frozen=True, slots=True)
class Workbench:
    """`quick` makes everything a hundredth of its size: it shows that a measurement runs, and nothing else."""

    folder: Path
    quick: bool = False
    rounds: int = 3

    def size(self, full: int, share: int = 100) -> int:
        """Scale a number of entries or items; `share` says what part of it is quick, where a hundredth is not."""
        return max(20, full // share) if self.quick else full

    def fresh(self, name: str) -> Path:
        """Make a new folder to measure in."""
        folder = self.folder / f"{name}-{secrets.token_hex(4)}"
        folder.mkdir()
        return folder


def utc_us() -> int:
    """Tell the wall clock in microseconds."""
    return time.time_ns() // 1000


def nonce() -> int:
    """Draw 64 random bits."""
    return secrets.randbits(64)


def station_log(path: Path, max_commit_lines: int = 10_000, vfs: str | None = None) -> SqliteLog:
    """Make a station's log as the agent does."""
    take_short_turns()
    limits = LogLimits(max_commit_lines=max_commit_lines, reserve_bytes=RESERVE_BYTES)
    return SqliteLog(path, clock=utc_us, nonce=nonce, limits=limits, vfs=vfs)
