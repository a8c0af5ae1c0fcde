"""Whoever could wait is told that a backlog comes in for as long as it does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from edge.clock import SystemClock
from edge.uplink.stream import StreamPump
from hub.store.sql import Sql
from hub.wire import intake
from protocol.frames import decode_reader_message
from tests.unit.hub_wire.carried import LOG, hub_at, new_log, sales


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.001)


async def test_a_large_commit_that_waits_for_what_is_under_way_is_still_a_backlog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "BUSY_AFTER_S", 0.0)
    numbers, under_way, go_on = count(1), threading.Event(), threading.Event()

    def long_fold(_: Sql) -> None:
        under_way.set()
        assert go_on.wait(10)

    async with new_log() as log, hub_at(tmp_path) as hub, asyncio.TaskGroup() as group:
        pump = StreamPump(log, lambda: next(numbers), SystemClock("boot"), None, lambda: None)
        monkeypatch.setattr(hub.desk, "_respond", lambda _, said: pump.hear(decode_reader_message(said)))
        draining = group.create_task(pump.drain(lambda payload: hub.desk.take(LOG, payload)))
        await log.append(sales(1, 1))
        await until(lambda: log.stats.unacked == 0)
        assert not hub.desk.busy, "one scan is no backlog"

        holding = group.create_task(hub.store._database.write(long_fold))
        await until(under_way.is_set)
        await log.append(sales(2, 1000))
        await until(lambda: hub.desk.busy)
        busy = set()
        for _ in range(100):
            await asyncio.sleep(0)
            busy.add(hub.desk.busy)
        assert busy == {True}
        go_on.set()
        await holding
        await until(lambda: log.stats.unacked == 0)
        assert not hub.desk.busy
        draining.cancel()
