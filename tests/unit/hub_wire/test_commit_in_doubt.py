"""A database may die between committing and saying so: what was committed is not committed again, nor given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import pytest

from edge.clock import SystemClock
from edge.uplink.stream import StreamPump
from hub.errors import TryAgain
from hub.store.reader_logs import LogCommit
from hub.store.store import HubStore
from hub.wire import intake
from protocol.frames import decode_reader_message
from protocol.replication.ports import ReaderState
from tests.unit.hub_wire.carried import LOG, hub_at, new_log, sales

DEADLINE_S = 60.0
FAILURES = 3


class Dying:
    """Puts a store's database to death at each of its next commits, before or after it has committed.

    For a moment nobody can be asked either.
    """

    def __init__(self, store: HubStore, *, commits: bool, patch: pytest.MonkeyPatch) -> None:
        self._commit, self._state = store.commit, store.settled_state
        self._commits = commits
        self.left = FAILURES
        self._away = 0
        patch.setattr(store, "commit", self.commit)
        patch.setattr(store, "settled_state", self.settled_state)

    async def commit(self, commits: Sequence[LogCommit]) -> None:
        if self.left == 0:
            return await self._commit(commits)
        if self._commits:
            await self._commit(commits)
        self.left -= 1
        self._away = 2
        raise TryAgain("the connection is lost")

    async def settled_state(self, log: str) -> ReaderState:
        if self._away:
            self._away -= 1
            raise TryAgain("the server is starting up")
        return await self._state(log)


@pytest.mark.parametrize("commits", [True, False], ids=["committed", "not committed"])
async def test_each_entry_is_there_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commits: bool) -> None:
    monkeypatch.setattr(intake, "FAILED_WAIT_S", 0.001)
    numbers = count(1)
    async with new_log() as log, hub_at(tmp_path) as hub, asyncio.TaskGroup() as group:
        pump = StreamPump(log, lambda: next(numbers), SystemClock("boot"), None, lambda: None)
        monkeypatch.setattr(hub.desk, "_respond", lambda _, said: pump.hear(decode_reader_message(said)))
        draining = group.create_task(pump.drain(lambda payload: hub.desk.take(LOG, payload)))
        await log.append(sales(1, 10))
        await until(lambda: log.stats.unacked == 0)  # so that they know each other by now
        dying = Dying(hub.store, commits=commits, patch=monkeypatch)
        for n in range(1, 5):
            await log.append(sales(10 * n + 1, 10 * n + 10))
            await until(lambda: log.stats.unacked == 0)
        assert dying.left == 0
        assert [line for *_, line in await hub.lines()] == sales(1, 50)
        draining.cancel()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.001)
