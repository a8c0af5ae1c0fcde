"""What the station log costs its card, and how it keeps up on a slow one: a whole till on a simulated disk."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass

from bench.figures import Better, Figure, Limit, percentile
from bench.till import MILK, READER, SCALE, Till, portal, till, unsteady_scale
from bench.workbench import Workbench, utc_us
from edge.runner.supervisor import Peripheral
from edge.station.actions import Accepted
from shelfwire.simulators.disk import Disk, mounted

PART = "station log, a whole till"
SLOW_S = 0.02
TIRED_S = 0.2
SECOND_S = 0.01
"""What stands for a second where a till is idle: long enough for all that it does after a scan."""
ANCHOR_EVERY = 540


async def measure(bench: Workbench) -> list[Figure]:
    """Measure what an idle till writes, what sixteen busy callers get, and what a lone scan waits for."""
    with mounted() as disk:
        figures = await _idle(bench, disk)
    for sync_s in (SLOW_S, TIRED_S):
        with mounted() as disk:
            figures.append(await _busy(bench, disk, sync_s))
        with mounted() as disk:
            figures += await _lone(bench, disk, sync_s)
    return figures


@dataclass(frozen=True, slots=True)
class Cost:
    """What a scan costs on average, all that belongs to it included."""

    syncs: float
    written_bytes: float


async def idle_cost(one: Till, scans: int) -> Cost:
    """Scan once a second, each acknowledged by the hub, with marks and anchors as they come."""
    disk = one.disk
    syncs, written = disk.syncs_done, disk.bytes_written
    began = time.monotonic()
    for number in range(1, scans + 1):
        await asyncio.sleep(max(0.0, began + number * SECOND_S - time.monotonic()))
        await _scan(one)
        await one.stock.acked(one.stock.view.head)
        if number % ANCHOR_EVERY == 0:
            # Ten minutes after the one before: it is logged.
            up_us = number * 1_000_000
            await one.runner.anchor(up_us, up_us + 2000, utc_us())
    return Cost((disk.syncs_done - syncs) / scans, (disk.bytes_written - written) / scans)


async def busy_rate(one: Till, callers: int, seconds: float) -> float:
    """Have callers scan one after the other, all at once: scans a second."""
    done = 0
    until = time.monotonic() + seconds

    async def call() -> None:
        nonlocal done
        while time.monotonic() < until:
            await _scan(one)
            done += 1

    began = time.monotonic()
    await asyncio.gather(*(call() for _ in range(callers)))
    return done / (time.monotonic() - began)


async def lone_scans_s(one: Till, scans: int, pause_s: float) -> list[float]:
    """Scan now and then: what each took until it was durable."""
    took: list[float] = []
    chance = random.Random(20)
    for _ in range(scans):
        await asyncio.sleep(pause_s * (0.5 + chance.random()))
        began = time.perf_counter()
        await _scan(one)
        took.append(time.perf_counter() - began)
    return took


def streams() -> list[Peripheral]:
    """A reader with 500 reads a second, eight new tags among them, and a scale that gives 100 weights a second."""
    return [Peripheral(READER, "portal", portal(500, 8)), Peripheral(SCALE, "scale", unsteady_scale(100))]


async def _idle(bench: Workbench, disk: Disk) -> list[Figure]:
    async with till(bench.fresh("idle"), disk, mark_every_s=60 * SECOND_S) as one:
        cost = await idle_cost(one, bench.size(2000))
    return [
        Figure(
            part=PART,
            what="one scan an idle second: syncs a scan, marks, anchors and folding included",
            unit="syncs",
            value=cost.syncs,
            limit=Limit(1.05, "1 sync"),
        ),
        Figure(
            part=PART,
            what="the same: written a scan",
            unit="kB",
            value=cost.written_bytes / 1000,
            limit=Limit(12.0, "12 kB"),
        ),
    ]


async def _busy(bench: Workbench, disk: Disk, sync_s: float) -> Figure:
    async with till(bench.fresh("busy"), disk) as one:
        await _scan(one)
        disk.sync_s = sync_s
        rate = await busy_rate(one, 16, max(1.0, bench.size(500) / 100))
        disk.sync_s = 0.0
    is_promised = sync_s == SLOW_S
    return Figure(
        part=PART,
        what=f"16 busy callers, syncs of {sync_s * 1000:.0f} ms",
        unit="events/s",
        value=rate,
        better=Better.MORE,
        limit=Limit(600.0, "600 events/s") if is_promised else None,
    )


async def _lone(bench: Workbench, disk: Disk, sync_s: float) -> list[Figure]:
    async with till(bench.fresh("lone"), disk, streams(), chatter_per_s=500) as one:
        await _scan(one)
        disk.sync_s = sync_s
        scans = bench.size(1000 if sync_s == SLOW_S else 100)
        took = await lone_scans_s(one, scans, 2 * sync_s)
        sync_ms = one.stock.stats.sync_p50_us / 1000
        disk.sync_s = 0.0
    most_ms = 2 * sync_ms + 5
    what = f"lone scan, 500 RFID reads and 100 weights a second, syncs of {sync_s * 1000:.0f} ms"
    return [
        Figure(part=PART, what=f"{what}, p50", unit="ms", value=percentile(took, 0.5) * 1000),
        Figure(
            part=PART,
            what=f"{what}, p99",
            unit="ms",
            value=percentile(took, 0.99) * 1000,
            limit=Limit(most_ms, f"2 syncs ({sync_ms:.1f} ms each) + 5 ms") if sync_s == SLOW_S else None,
        ),
    ]


async def _scan(one: Till) -> None:
    outcome = await one.runner.scan(MILK)
    if not isinstance(outcome, Accepted):
        raise RuntimeError(f"not accepted: {outcome}")
