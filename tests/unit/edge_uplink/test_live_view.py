"""What a station shows while its backlog drains: the newest scans, seldom, bounded, and nothing once it is drained."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator

import pytest

from edge.buffer.memory_log import MemoryLog
from edge.clock import FakeClock
from edge.uplink.live import EVERY_S, SHOWN_ABOVE, LiveView
from edge.uplink.stream import StreamPump
from protocol.chain import Position
from protocol.events import Delta, Mark, Reason, When, encode_entry
from protocol.frames import decode_writer_message
from protocol.live import MAX_LIVE_SCANS, decode_live
from protocol.replication.messages import Cursor, Hello

WHEN = When("b", 5, 7, True)
WITHIN_S = 60.0


def sale(number: int) -> bytes:
    return encode_entry(Delta(WHEN, "scanner", f"{number:013d}", None, -1000, Reason.SALE, "shop"))


class Station:
    """A log, its pump, what it shows; and a hub that greets back and has read up to where a test says."""

    def __init__(self) -> None:
        self.log = MemoryLog(clock=lambda: 0, nonce=itertools.count(1).__next__)
        self.pump = StreamPump(self.log, itertools.count(100).__next__, FakeClock(), None, lambda: None)
        self.view = LiveView(self.log, self.pump)
        self.shown: list[list[int]] = []
        self.shown_s: list[float] = []
        self.hub_answers = True
        self.hub_at: Position | None = None

    async def hear(self, payload: bytes) -> None:
        """Be the hub."""
        message = decode_writer_message(payload)
        if isinstance(message, Hello) and self.hub_answers:
            self.say(message.ask)

    def say(self, re: int | None = None) -> None:
        """Let the hub tell its cursor."""
        self.pump.hear(Cursor(at=self.hub_at or self.log.view.first, reader=77, credit=1, re=re))

    def show(self, payload: bytes) -> None:
        live = decode_live(payload)
        assert live.epoch == self.log.view.head.epoch
        self.shown.append([one.seq for one in live.scans])
        self.shown_s.append(time.monotonic())

    async def until_shown(self, seq: int) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not (self.shown and self.shown[-1][-1] == seq):  # noqa: ASYNC110 - told by nobody
                await asyncio.sleep(0.005)


@pytest.fixture
async def station() -> AsyncIterator[Station]:
    station = Station()
    async with station.log:
        await station.log.append([sale(0)])
        yield station


async def running(station: Station) -> list[asyncio.Task[None]]:
    return [asyncio.create_task(station.pump.drain(station.hear)), asyncio.create_task(station.view.show(station.show))]


async def end(jobs: list[asyncio.Task[None]]) -> None:
    for job in jobs:
        job.cancel()
    await asyncio.wait(jobs)


async def test_behind_a_backlog_the_newest_scans_are_shown_at_once_and_then_each_new_one(station: Station) -> None:
    await station.log.append([sale(n) for n in range(5000)])
    jobs = await running(station)
    await station.until_shown(5001)
    assert station.shown[0] == list(range(5002 - MAX_LIVE_SCANS, 5002))
    await station.log.append([sale(7)])
    await station.until_shown(5002)
    assert station.shown[-1] == [5002]
    await end(jobs)


async def test_of_a_burst_the_newest_win_and_it_is_told_a_few_times_a_second(station: Station) -> None:
    await station.log.append([sale(n) for n in range(1000)])
    jobs = await running(station)
    await station.until_shown(1001)
    for n in range(400):
        await station.log.append([sale(n)])
        await asyncio.sleep(0.002)
    await station.until_shown(1401)
    assert all(len(seqs) <= MAX_LIVE_SCANS for seqs in station.shown)
    gaps = [after - before for before, after in itertools.pairwise(station.shown_s)]
    assert min(gaps) >= EVERY_S * 0.9
    await end(jobs)


async def test_marks_and_what_was_shown_before_are_not_shown(station: Station) -> None:
    await station.log.append([sale(n) for n in range(1000)])
    jobs = await running(station)
    await station.until_shown(1001)
    await station.log.append([encode_entry(Mark(WHEN))])
    await station.log.append([sale(1)])
    await station.until_shown(1003)
    assert 1001 not in station.shown[-1]
    assert 1002 not in itertools.chain(*station.shown)
    await end(jobs)


async def test_without_a_backlog_nothing_is_shown(station: Station) -> None:
    jobs = await running(station)
    for n in range(SHOWN_ABOVE - 2):
        await station.log.append([sale(n)])
    await asyncio.sleep(3 * EVERY_S)
    assert station.shown == []
    await end(jobs)


async def test_once_the_hub_has_it_all_nothing_more_is_shown(station: Station) -> None:
    await station.log.append([sale(n) for n in range(1000)])
    jobs = await running(station)
    await station.until_shown(1001)
    station.hub_at = station.log.view.head
    station.say()
    async with asyncio.timeout(WITHIN_S):
        while station.pump.backlog:  # noqa: ASYNC110 - told by nobody
            await asyncio.sleep(0.005)
    shown = len(station.shown)
    await station.log.append([sale(1)])
    await asyncio.sleep(3 * EVERY_S)
    assert len(station.shown) == shown
    await end(jobs)


async def test_what_was_scanned_while_no_hub_listened_is_shown_when_one_does(station: Station) -> None:
    station.hub_answers = False
    await station.log.append([sale(n) for n in range(1000)])
    jobs = await running(station)
    await asyncio.sleep(2 * EVERY_S)
    await station.log.append([sale(1)])
    assert station.shown == []
    station.hub_answers = True
    await end(jobs)
    jobs = await running(station)
    await station.until_shown(1002)
    await end(jobs)


async def test_a_scan_far_behind_others_is_still_found(station: Station) -> None:
    """Tags come by the hundred; a scan among the newest thousand entries is shown."""
    marks = [encode_entry(Mark(WHEN))] * 900
    await station.log.append([*[sale(n) for n in range(1000)], *marks])
    jobs = await running(station)
    await station.until_shown(1001)
    await end(jobs)
