"""The size cap holds for what lines really take on disk, not only for what they measure."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.buffer.api import LogLimits
from edge.buffer.errors import LogFull
from edge.buffer.sqlite_log import SqliteLog

MOST = 3_000_000


async def fill(log: SqliteLog, lines: list[bytes]) -> None:
    """Append until it is refused, or twice the cap was taken."""
    for _ in range(2 * MOST // sum(map(len, lines), start=16 * len(lines))):
        await log.append(lines)


@pytest.mark.parametrize("length", [0, 30, 2100, 60_000])
async def test_the_file_stays_within_its_cap_whatever_the_lines(tmp_path: Path, length: int) -> None:
    limits = LogLimits(max_bytes=MOST, keep_bytes=0)
    path = tmp_path / "log.db"
    async with SqliteLog(path, clock=lambda: 1, nonce=lambda: 2, limits=limits) as log:
        lines = [b"x" * length] * (70_000 // (length + 16))
        with pytest.raises(LogFull):
            await fill(log, lines)
        assert log.stats.entries * (length + 16) > MOST / 3
        await log.acked(log.view.head)
        await log.prune(None)
        await log.append(lines)
    assert path.stat().st_size < MOST + 1_500_000
