"""The write-ahead log is folded into the file when nobody waits, and in any case before it grows large."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.buffer.tables import Tables

LINES = [b"x" * 1000] * 1000


@pytest.mark.parametrize(("idle", "most_mb"), [(True, 8), (False, 20)])
def test_it_stays_small_however_much_is_written(tmp_path: Path, idle: bool, most_mb: int) -> None:
    tables = Tables(tmp_path / "log.db")
    for n in range(30):
        with tables.transaction():
            tables.insert_lines(n * 1000, LINES)
        tables.tidy(idle=idle)
        assert (tmp_path / "log.db-wal").stat().st_size <= most_mb * 1_000_000
    assert tables.bytes_on_disk() >= 30_000_000
    tables.close()
    assert not (tmp_path / "log.db-wal").exists()


def test_while_others_wait_a_small_one_is_left_alone(tmp_path: Path) -> None:
    tables = Tables(tmp_path / "log.db")
    for n in range(8):
        with tables.transaction():
            tables.insert_lines(n * 1000, LINES)
        tables.tidy(idle=False)
    assert (tmp_path / "log.db").stat().st_size < 1_000_000
    tables.tidy(idle=True)
    assert (tmp_path / "log.db").stat().st_size > 8_000_000
    tables.close()
