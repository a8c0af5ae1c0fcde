"""What the health check makes of an agent's answer: of its devices, and of a real log that takes something or not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from edge.buffer.api import LogLimits, StationLog
from edge.buffer.errors import LogFull
from edge.buffer.sqlite_log import SqliteLog
from edge.health import log_answer
from image.slots.health import AgentHealth, Sick, judge, read_health

LINE = b'{"k":"scan"}'


def told_of(log: StationLog | None, **devices: str) -> AgentHealth:
    answer = {
        "version": "1",
        "status": {"devices": [{"device": name, "status": status} for name, status in devices.items()]},
        "stock": None if log is None else log_answer(log),
    }
    told = read_health(msgspec.json.encode(answer))
    assert isinstance(told, AgentHealth)
    return told


@asynccontextmanager
async def opened(folder: Path, limits: LogLimits | None = None) -> AsyncIterator[SqliteLog]:
    """A log that was written to before the update, opened by what the update brought."""
    made = SqliteLog(folder / "log.db", clock=lambda: 0, nonce=lambda: 1)
    async with made:
        await made.append([LINE] * 100)
    async with SqliteLog(folder / "log.db", clock=lambda: 0, nonce=lambda: 1, limits=limits) as log:
        yield log


async def test_a_log_that_was_only_opened_has_not_shown_that_it_takes_anything(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        assert log_answer(log).written_bytes, "opening writes, which is no proof"
        assert judge(told_of(log), None) == Sick("the station's log has taken nothing yet")
        await log.append([LINE])
        assert judge(told_of(log), None) is None


async def test_a_note_shows_it_too_where_a_count_is_open_and_no_mark_may_come(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await log.put_note("tried", b"60000000")
        assert judge(told_of(log), None) is None


async def test_a_log_that_refuses_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path, LogLimits(max_bytes=1)) as log:
        with pytest.raises(LogFull):
            await log.append([LINE])
        assert judge(told_of(log), None) == Sick("the station's log has taken nothing yet; it refused 1")


def test_a_station_that_is_not_enrolled_has_no_log_to_ask_for() -> None:
    assert judge(told_of(None), None) is None


@pytest.mark.parametrize(
    ("before", "now", "sick"),
    [
        (("scanner",), {"scanner": "ready", "scale": "failed"}, None),
        (("scanner",), {"scanner": "absent"}, "devices that worked before do not: scanner (absent)"),
        (("scanner",), {}, "devices that worked before do not: scanner (not configured)"),
        ((), {"scale": "failed"}, None),
        (None, {"scale": "failed"}, "devices failed: scale ()"),
        (None, {"scale": "absent"}, None),
    ],
)
def test_devices_are_held_against_what_worked_before(
    before: tuple[str, ...] | None, now: dict[str, str], sick: str | None
) -> None:
    assert judge(told_of(None, **now), before) == (None if sick is None else Sick(sick))
