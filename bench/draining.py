"""A million events that waited at a station while the hub was away: out, committed, acknowledged, folded.

Meanwhile people scan on, and a browser's worth of the hub's page tells when it shows what they scanned.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import httpx

from bench import floors, machine, shop
from bench.figures import Better, Figure, Floor, Limit, percentile
from bench.scanning import scan
from bench.store import READY_S, Station, Store, reaches
from bench.workbench import Workbench, station_log
from edge.agent import STOCK_FILE
from hub.wire.pacing import MOST_A_TRANSACTION
from protocol.chain import Chapter, extend
from protocol.frames import encode_writer_message
from protocol.identity import Epoch
from protocol.replication.messages import Frame
from protocol.replication.writer_actions import WriterLimits
from protocol.topics import Channel
from shelfwire.simulators.port import SimulatedPort

EVENTS = 1_000_000
FOLD_S = 60.0
WIRE_BYTES = 20.0
AGENT_MB = 15.0
LIVE_S = 1.0
_SCAN_EVERY_S = 0.15
_FIRST_SHOWN = shop.SELLING
"""The number of an item that no backlog sells, so that the page can only have it from a scan made now."""
_GIVE_UP_S = 600.0
_FLOOR_FRAMES = 200
_WINDOW = WriterLimits().window_frames
_PART = "backlog"
_FOLD_FLOOR = "raw MQTT and raw sqlite3 of the same, one after the other"


@dataclass(slots=True)
class _Story:
    """Moments (`time.perf_counter`) and what was seen of the agent, the hub and the broker."""

    began: float = 0.0
    connected: float = 0.0
    acked: float = 0.0
    folded: float = 0.0
    rss_before: float = 0.0
    rss_most: float = 0.0
    bytes_before: int = 0
    bytes_after: int = 0
    agent_cpu_s: float = 0.0
    hub_acked_cpu_s: float = 0.0
    hub_cpu_s: float = 0.0
    hub_rss_before: float = 0.0
    hub_rss_most: float = 0.0
    scanned: dict[str, float] = field(default_factory=dict)
    shown: dict[str, float] = field(default_factory=dict)


async def measure(
    bench: Workbench, store: Store, station: Station, scanner: SimulatedPort, *, fold: bool = True
) -> list[Figure]:
    """Stop the station, write its backlog, start it, scan at it and watch. The hub holds the catalogue already.

    `fold`: also wait until all of it is in the books. Raises `RuntimeError` if the hub holds other lines or another
    order than the station.
    """
    events = bench.size(EVENTS)
    await station.process.stop()
    lines = list(shop.backlog(events))
    append_s = await _write(station.data / STOCK_FILE, lines)
    payloads = _payloads(lines[: _FLOOR_FRAMES * shop.FRAME_ENTRIES])
    with floors.Echo(store.port, in_flight=200) as echo:
        sent = min(len(lines), _FLOOR_FRAMES * shop.FRAME_ENTRIES)
        mqtt_rate = sent / echo.throughput_s(payloads, _WINDOW)
    folder = bench.fresh("drain-floor")
    sqlite_rate = events / floors.stdlib_append_s(folder / "rows.db", lines, MOST_A_TRANSACTION)
    del lines
    story = await _drain(store, station, scanner, events, fold=fold)
    await station.process.stop()
    await _check(store, station, events)
    drain_s = story.acked - story.connected
    wire = story.bytes_after - story.bytes_before
    sqlite = Floor("raw sqlite3 loop writing the same rows", sqlite_rate)
    return [
        Figure(
            part=_PART,
            what=f"{events:,} events sent, committed at the hub, acknowledged",
            unit="events/s",
            value=events / drain_s,
            better=Better.MORE,
            floor=sqlite,
            limit=Limit(100_000, "100,000 events/s, full durability at both ends"),
        ),
        Figure(
            part=_PART,
            what="the same, beside MQTT alone",
            unit="events/s",
            value=events / drain_s,
            better=Better.MORE,
            floor=Floor("raw MQTT publish loop of the same payloads", mqtt_rate),
        ),
        *(_fold_figures(story, events, Floor(_FOLD_FLOOR, events / mqtt_rate + events / sqlite_rate)) if fold else ()),
        Figure(part=_PART, what="written at the station, 1,000 at a time", unit="s", value=append_s),
        Figure(
            part=_PART,
            what="on the wire for each event, everything included",
            unit="bytes",
            value=wire / events,
            limit=Limit(WIRE_BYTES, f"20 MB for {EVENTS:,}"),
        ),
        Figure(
            part=_PART,
            what="agent's memory (RSS), most while draining",
            unit="MB",
            value=story.rss_most,
            floor=Floor("the same agent before", story.rss_before),
            limit=Limit(story.rss_before + AGENT_MB, f"{AGENT_MB:.0f} MB more than before"),
        ),
        Figure(
            part=_PART,
            what=f"hub's memory (RSS), most until all is {'folded' if fold else 'acknowledged'}",
            unit="MB",
            value=story.hub_rss_most,
            floor=Floor("the same hub before", story.hub_rss_before),
        ),
        *_live_figures(story),
        Figure(part=_PART, what="agent's processor time", unit="s", value=story.agent_cpu_s),
        Figure(
            part=_PART, what="hub's processor time until all is acknowledged", unit="s", value=story.hub_acked_cpu_s
        ),
    ]


async def _write(file: Path, lines: Sequence[bytes]) -> float:
    async with station_log(file) as log:
        began = time.perf_counter()
        for start in range(0, len(lines), shop.FRAME_ENTRIES):
            await log.append(lines[start : start + shop.FRAME_ENTRIES])
        return time.perf_counter() - began


async def _check(store: Store, station: Station, events: int) -> None:
    """Hold what the hub took against the station's log: the same lines in the same order, by the chain over them."""
    at = store.read_so_far(station.name)
    async with station_log(station.data / STOCK_FILE) as log:
        own = None if at is None else (await log.digests(at.epoch, [at.seq]))[at.seq]
    if at is None or at.seq < events or own != at.digest:
        raise RuntimeError(f"the hub holds {at}, where the station's chain is {own!r}")


def _fold_figures(story: _Story, events: int, floor: Floor) -> list[Figure]:
    return [
        Figure(
            part=_PART,
            what=f"start of the agent to all {events:,} folded into stock",
            unit="s",
            value=story.folded - story.began,
            floor=floor,
            limit=Limit(FOLD_S * events / EVENTS, f"{FOLD_S:.0f} s for {EVENTS:,}"),
        ),
        Figure(part=_PART, what="hub's processor time until all is folded", unit="s", value=story.hub_cpu_s),
    ]


def _live_figures(story: _Story) -> list[Figure]:
    """Say how long it took until the page showed a scan, or one made after it, while the backlog was still to come."""
    seen_s, waited = story.acked, []
    for code, at in reversed(story.scanned.items()):
        seen_s = min(seen_s, story.shown.get(code, seen_s))
        if story.connected <= at < story.connected + (story.acked - story.connected) * 0.8:
            waited.append((seen_s - at) * 1000)
    if not waited:
        return []
    limit = Limit(LIVE_S * 1000, "1 s")
    what = "scan to seen on the hub's page, not counted yet"
    return [
        Figure(part=_PART, what=f"{what}, p50", unit="ms", value=percentile(waited, 0.5)),
        Figure(part=_PART, what=f"{what}, slowest of {len(waited)}", unit="ms", value=max(waited), limit=limit),
    ]


async def _scan_on(scanner: SimulatedPort, story: _Story) -> None:
    number = _FIRST_SHOWN
    await scanner.wait_for_reader(READY_S)
    while True:
        code = shop.gtin(number)
        story.scanned[code] = (await scan(scanner, code))[0]
        number += 1
        await asyncio.sleep(_SCAN_EVERY_S)


async def _watch_page(store: Store, story: _Story) -> None:
    """Read the page's updates as a browser does, and note when a scan is first among them."""
    async with (
        httpx.AsyncClient(base_url=store.page, timeout=_GIVE_UP_S, trust_env=False) as client,
        client.stream("GET", "/events") as updates,
    ):
        async for line in updates.aiter_lines():
            now = time.perf_counter()
            for code in story.scanned.keys() - story.shown.keys():
                if code in line:
                    story.shown[code] = now


async def _drain(store: Store, station: Station, scanner: SimulatedPort, events: int, *, fold: bool) -> _Story:
    story = _Story()
    _, folded_before = store.books()
    story.bytes_before = await store.bytes_taken()
    hub = store.hub.pid
    assert hub is not None
    hub_cpu_s = machine.cpu_s(hub)
    story.hub_rss_before = machine.rss_mb(hub)
    async with asyncio.timeout(_GIVE_UP_S), store.listening(store.topic(station.name, Channel.CURSOR)) as bystander:
        story.began = time.perf_counter()
        await station.start()
        story.rss_before = machine.rss_mb(station.pid)
        people = [asyncio.create_task(_watch_page(store, story)), asyncio.create_task(_scan_on(scanner, story))]
        try:
            while not story.acked:
                heard = await bystander.hear()
                story.connected = story.connected or heard.at
                story.rss_most = max(story.rss_most, machine.rss_mb(station.pid))
                story.hub_rss_most = max(story.hub_rss_most, machine.rss_mb(hub))
                if reaches(heard.payload, events):
                    story.acked = heard.at
                for each in people:
                    if each.done():
                        each.result()
        finally:
            for each in people:
                each.cancel()
            await asyncio.gather(*people, return_exceptions=True)
        story.agent_cpu_s = machine.cpu_s(station.pid)
        story.hub_acked_cpu_s = machine.cpu_s(hub) - hub_cpu_s
        while fold and store.books()[1] - folded_before < events:
            story.hub_rss_most = max(story.hub_rss_most, machine.rss_mb(hub))
            await asyncio.sleep(0.2)
        story.folded = time.perf_counter()
    story.hub_cpu_s = machine.cpu_s(hub) - hub_cpu_s
    story.bytes_after = await store.bytes_taken()
    return story


def _payloads(lines: Sequence[bytes]) -> list[bytes]:
    """Give the frames that carry `lines`, as the agent would send them."""
    epoch = Epoch(1, 1)
    digest = Chapter(epoch).origin().digest
    payloads: list[bytes] = []
    rest = iter(lines)
    first = 1
    while part := tuple(islice(rest, shop.FRAME_ENTRIES)):
        payloads.append(encode_writer_message(Frame(epoch, first, digest, part)))
        digest = extend(digest, part)
        first += len(part)
    return payloads
