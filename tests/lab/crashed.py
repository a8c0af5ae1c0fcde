"""Looks at what a power cut left of a card."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.lab.disk import partitions
from tests.lab.write_log import Replay


def checked(data: Path) -> int:
    """Check a file system as a starting machine does; give what fsck said: 0 clean, 1 mended, more is bad."""
    return subprocess.run(["e2fsck", "-p", str(data)], capture_output=True, text=True, check=False).returncode


def touched(card: Path, replay: Replay) -> set[int]:
    """Number the partitions that any write of the log touches."""
    return {
        part.number
        for part in partitions(card)
        for write in replay.writes
        if write.sectors and write.sector < part.start + part.length and part.start < write.sector + write.sectors
    }
