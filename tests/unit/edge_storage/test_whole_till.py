"""What a scan costs the card, and what it waits for on a slow one: counted on a simulated disk under a whole till."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from bench.till import MILK, till
from bench.wearing import busy_rate, idle_cost, streams
from edge.drivers.feedback import Signal
from edge.station.actions import Accepted, Rejected
from shelfwire.simulators.disk import Disk, mounted


@pytest.fixture
def disk() -> Iterator[Disk]:
    with mounted() as disk:
        yield disk


async def test_a_scan_an_idle_second_costs_one_sync_and_little_writing(tmp_path: Path, disk: Disk) -> None:
    async with till(tmp_path, disk, mark_every_s=0.6) as one:
        cost = await idle_cost(one, 200)
    # A mark a minute, an anchor in ten, and folding, are the rest.
    assert 1 <= cost.syncs < 1.1
    assert cost.written_bytes <= 12_000


@pytest.mark.alone
async def test_sixteen_busy_callers_share_syncs(tmp_path: Path, disk: Disk) -> None:
    async with till(tmp_path, disk) as one:
        assert isinstance(await one.runner.scan(MILK), Accepted)
        disk.sync_s = 0.02
        syncs, appended = disk.syncs_done, one.stock.stats.appended
        await busy_rate(one, 16, 1.0)
        disk.sync_s = 0.0
        # All sixteen would fit; on a busy machine some come too late for a group.
        assert one.stock.stats.appended - appended >= 6 * (disk.syncs_done - syncs)


@pytest.mark.alone
async def test_streams_hardly_ever_cost_a_scan_more_than_the_sync_that_runs_and_its_own(
    tmp_path: Path, disk: Disk
) -> None:
    async with till(tmp_path, disk, streams(), chatter_per_s=500) as one:
        disk.sync_s = 0.02
        chatter = one.chatter.stats
        syncs: list[int] = []
        for number in range(60):
            await asyncio.sleep(0.04 * (number % 7) / 7)  # to come anywhere in the others' commits
            done = disk.syncs_done
            assert isinstance(await one.runner.scan(MILK), Accepted)
            syncs.append(disk.syncs_done - done)
        disk.sync_s = 0.0
        # Where the loop is late to look, one more may be done; that is this machine's doing and rare.
        assert sorted(syncs)[54] <= 2, syncs
        assert one.chatter.stats.commits - chatter.commits <= 4
        assert one.stock.stats.appended > 60
    async with till(tmp_path, disk) as one:
        # What waited when the till closed was written as well.
        assert one.chatter.view.head.seq > 100


@pytest.mark.parametrize("why", ["full", "failing"])
async def test_a_scan_that_cannot_be_kept_is_red_and_counted_and_the_next_one_is_tried_anew(
    tmp_path: Path, disk: Disk, why: str
) -> None:
    async with till(tmp_path, disk, reserve_bytes=0) as one:
        assert isinstance(await one.runner.scan(MILK), Accepted)
        head = one.stock.view.head
        if why == "full":
            disk.fails_wal_write = apsw.FullError
        else:
            disk.fails_sync = apsw.IOError
        for _ in range(3):
            outcome = await one.runner.scan(MILK)
            assert isinstance(outcome, Rejected)
            assert outcome.name == f"log-{why}"
        assert one.stock.view.head == head
        assert dict(one.runner.status.rejections) == {f"log-{why}": 3}
        assert one.feedback.signals.count(Signal.REFUSED) == 3
        assert one.stock.stats.refused == 3
        disk.fails_wal_write = disk.fails_sync = None
        assert isinstance(await one.runner.scan(MILK), Accepted)
