"""A million events that waited at a station while the hub was away: out, committed, acknowledged, folded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bench import floors, machine, shop
from bench.figures import Better, Figure, Floor, Limit
from bench.store import Station, Store, reaches
from bench.workbench import Workbench, station_log
from edge.agent import STOCK_FILE
from hub.wire.intake import MOST_A_TRANSACTION
from protocol.chain import Chapter, extend
from protocol.frames import encode_writer_message
from protocol.identity import Epoch
from protocol.replication.messages import Frame
from protocol.replication.writer_actions import WriterLimits
from protocol.topics import Channel

EVENTS = 1_000_000
FOLD_S = 60.0
_GIVE_UP_S = 600.0
_FLOOR_FRAMES = 200
_WINDOW = WriterLimits().window_frames
_PART = "backlog"


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


async def measure(bench: Workbench, store: Store, station: Station) -> list[Figure]:
    """Stop the station, write its backlog, start it, and watch. The hub holds the catalogue already."""
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
    story = await _drain(store, station, events)
    drain_s, fold_s = story.acked - story.connected, story.folded - story.began
    wire = story.bytes_after - story.bytes_before
    sqlite = Floor("raw sqlite3 loop writing the same rows", sqlite_rate)
    scale = events / EVENTS
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
        Figure(
            part=_PART,
            what=f"start of the agent to all {events:,} folded into stock",
            unit="s",
            value=fold_s,
            floor=Floor(
                "raw MQTT and raw sqlite3 of the same, one after the other", events / mqtt_rate + events / sqlite_rate
            ),
            limit=Limit(FOLD_S * scale, f"{FOLD_S:.0f} s for {EVENTS:,}"),
        ),
        Figure(part=_PART, what="written at the station, 1,000 at a time", unit="s", value=append_s),
        Figure(part=_PART, what="on the wire for each event, everything included", unit="bytes", value=wire / events),
        Figure(
            part=_PART,
            what="agent's memory (RSS), most while draining",
            unit="MB",
            value=story.rss_most,
            floor=Floor("the same agent before", story.rss_before),
        ),
        Figure(part=_PART, what="agent's processor time", unit="s", value=story.agent_cpu_s),
        Figure(
            part=_PART, what="hub's processor time until all is acknowledged", unit="s", value=story.hub_acked_cpu_s
        ),
        Figure(part=_PART, what="hub's processor time until all is folded", unit="s", value=story.hub_cpu_s),
    ]


async def _write(file: Path, lines: Sequence[bytes]) -> float:
    async with station_log(file) as log:
        began = time.perf_counter()
        for start in range(0, len(lines), shop.FRAME_ENTRIES):
            await log.append(lines[start : start + shop.FRAME_ENTRIES])
        return time.perf_counter() - began


async def _drain(store: Store, station: Station, events: int) -> _Story:
    story = _Story()
    _, folded_before = store.books()
    story.bytes_before = await store.bytes_taken()
    hub = store.hub.pid
    assert hub is not None
    hub_cpu_s = machine.cpu_s(hub)
    async with asyncio.timeout(_GIVE_UP_S), store.listening(store.topic(station.name, Channel.CURSOR)) as bystander:
        story.began = time.perf_counter()
        await station.start()
        story.rss_before = machine.rss_mb(station.pid)
        while not story.acked:
            heard = await bystander.hear()
            story.connected = story.connected or heard.at
            story.rss_most = max(story.rss_most, machine.rss_mb(station.pid))
            if reaches(heard.payload, events):
                story.acked = heard.at
        story.agent_cpu_s = machine.cpu_s(station.pid)
        story.hub_acked_cpu_s = machine.cpu_s(hub) - hub_cpu_s
        while store.books()[1] - folded_before < events:  # noqa: ASYNC110  (another process has no event for this)
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
