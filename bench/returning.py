"""Fifty stations that come back at once, each with a backlog, and one more at which people go on scanning.

The fifty are real uplinks over logs in memory, in a few processes; the one is an agent with its disk and its scanner.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bench import machine, shop
from bench.figures import Better, Figure, Floor, Limit, percentile
from bench.fleet import DRAINED, HEAD, READY
from bench.scanning import scan, told_s, until_acked
from bench.store import READY_S, Station, Store, until
from bench.workbench import Workbench, station_log
from edge.agent import STOCK_FILE
from edge.buffer.api import BLOCK_ENTRIES, READ_BYTES
from protocol.events import Delta, decode_station_entry
from protocol.identity import StationId
from protocol.topics import Channel
from shelfwire.demo.processes import Process
from shelfwire.simulators.port import SimulatedPort

STATIONS = 50
EVENTS = 20_000
PROCESSES = 2
FRESH_S = 1.0
HUB_MB = 64.0
_EVERY_S = 0.1
_READY_S = 120.0
_GIVE_UP_S = 300.0
_FOLDED_S = 600.0
_PART = "fifty return"


@dataclass(slots=True)
class _Story:
    """Moments (`time.perf_counter`) and what was seen."""

    began: float = 0.0
    drained: float = 0.0
    folded: float = 0.0
    scans_began: list[float] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    cursors: list[tuple[int, float]] = field(default_factory=list)
    rss_before: float = 0.0
    rss_most: float = 0.0
    rss_folding: float = 0.0
    bytes_before: int = 0
    bytes_after: int = 0


async def measure(
    bench: Workbench, store: Store, station: Station, scanner: SimulatedPort, *, fold: bool = True
) -> list[Figure]:
    """Build the fleet, let it loose, and scan at `station`, which runs and has nothing unsent; it is stopped then.

    `fold`: also wait until all is in the books. Raises `RuntimeError` if the hub holds other lines or another order
    than a station.
    """
    each = bench.size(EVENTS)
    events = each * STATIONS
    fleet = [
        store.supervisor.add(
            f"fleet-{number}",
            (
                *(sys.executable, "-m", "bench.fleet", "--port", str(store.port)),
                *("--first", str(number * STATIONS // PROCESSES), "--stations", str(STATIONS // PROCESSES)),
                *("--entries", str(each)),
            ),
        )
        for number in range(PROCESSES)
    ]
    for process in fleet:
        await process.start()
    for process in fleet:
        await until("the fleet to be built", _says(process, READY), process, _READY_S)
    story = await _return(store, station, scanner, fleet, events, fold=fold)
    fresh = [
        (told_s(story.cursors, seq) - began) * 1000
        for seq, began in zip(story.seqs, story.scans_began, strict=True)
        if began < story.drained
    ]
    _check(store, fleet)
    drain_s = story.drained - story.began
    limit = Limit(FRESH_S * 1000, "1 s")
    of_fresh = f"scan at another station to committed, {STATIONS} draining"
    return [
        Figure(
            part=_PART,
            what=f"{STATIONS} x {each:,} events committed and acknowledged",
            unit="events/s",
            value=events / drain_s,
            better=Better.MORE,
        ),
        Figure(part=_PART, what=f"{of_fresh}, p50", unit="ms", value=percentile(fresh, 0.5)),
        Figure(part=_PART, what=f"{of_fresh}, p95", unit="ms", value=percentile(fresh, 0.95), limit=limit),
        Figure(part=_PART, what=f"{of_fresh}, slowest of {len(fresh)}", unit="ms", value=max(fresh)),
        Figure(
            part=_PART,
            what="hub's memory (RSS), most while they drain",
            unit="MB",
            value=story.rss_most,
            floor=Floor("the same hub before", story.rss_before),
            limit=Limit(story.rss_before + HUB_MB, f"{HUB_MB:.0f} MB more than before, however many stations"),
        ),
        Figure(
            part=_PART,
            what="on the wire for each event, everything included",
            unit="bytes",
            value=(story.bytes_after - story.bytes_before) / events,
        ),
        *(_fold_figures(story) if fold else ()),
    ]


def _fold_figures(story: _Story) -> list[Figure]:
    return [
        Figure(part=_PART, what="return to all folded", unit="s", value=story.folded - story.began),
        Figure(part=_PART, what="hub's memory (RSS), most until all is folded", unit="MB", value=story.rss_folding),
    ]


async def _return(
    store: Store, station: Station, scanner: SimulatedPort, fleet: list[Process], events: int, *, fold: bool
) -> _Story:
    story = _Story()
    hub = store.hub.pid
    assert hub is not None
    _, folded_before = store.books()
    story.bytes_before = await store.bytes_taken()
    story.rss_before = machine.rss_mb(hub)
    draw = random.Random(11)
    async with asyncio.timeout(_GIVE_UP_S), store.listening(store.topic(station.name, Channel.CURSOR)) as bystander:
        await scanner.wait_for_reader(READY_S)
        # One before they come, so that a cursor is known.
        await scan(scanner, shop.gtin(draw.randrange(shop.SELLING)))
        story.cursors += await until_acked(bystander, 0)
        story.began = time.perf_counter()
        for process in fleet:
            assert process.pid is not None
            os.kill(process.pid, signal.SIGUSR1)
        while not all(DRAINED in process.tail() for process in fleet):
            story.rss_most = max(story.rss_most, machine.rss_mb(hub))
            began, _ = await scan(scanner, shop.gtin(draw.randrange(shop.SELLING)))
            story.scans_began.append(began)
            story.cursors += await until_acked(bystander, story.cursors[-1][0])
            await asyncio.sleep(_EVERY_S)
            store.supervisor.check()
        story.drained = time.perf_counter()
        story.rss_most = max(story.rss_most, machine.rss_mb(hub))
        await station.process.stop()
        story.seqs = await _scanned(station, len(story.scans_began))
        # A cursor may have been for a mark of the station's own, and the one for its last scan is still to come.
        if story.cursors[-1][0] < story.seqs[-1]:
            story.cursors += await until_acked(bystander, story.seqs[-1] - 1)
    story.bytes_after = await store.bytes_taken()
    for process in fleet:
        await process.stop()
    story.rss_folding = story.rss_most
    async with asyncio.timeout(_FOLDED_S):
        while fold and store.books()[1] - folded_before < events:
            story.rss_folding = max(story.rss_folding, machine.rss_mb(hub))
            await asyncio.sleep(0.2)
    story.folded = time.perf_counter()
    return story


async def _scanned(station: Station, count: int) -> list[int]:
    """Read the seqs of the last `count` sales from a stopped station's log."""
    async with station_log(station.data / STOCK_FILE) as log:
        head = log.view.head
        seqs: list[int] = []
        first = max(1, head.seq - 20 * count)
        while first <= head.seq:
            part = await log.read(head.epoch, first, BLOCK_ENTRIES, READ_BYTES)
            seqs += [seq for seq, line in enumerate(part.lines, first) if isinstance(decode_station_entry(line), Delta)]
            first += len(part.lines)
    return seqs[-count:]


def _check(store: Store, fleet: list[Process]) -> None:
    """Hold what the hub committed against what was sent: the same lines in the same order, by the chain over them."""
    heads = [line.split()[1:] for process in fleet for line in process.tail(1000).splitlines() if line.startswith(HEAD)]
    if len(heads) != STATIONS:
        raise RuntimeError(f"{len(heads)} stations told where their logs end")
    for name, seq, digest in heads:
        at = store.read_so_far(StationId(name))
        if at is None or (at.seq, at.digest.hex()) != (int(seq), digest):
            raise RuntimeError(f"{name} ends at {seq}, the hub holds {at}")


def _says(process: Process, words: str) -> Callable[[], Awaitable[bool]]:
    async def said() -> bool:
        return words in process.tail()

    return said
