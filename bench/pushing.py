"""The catalogue on its way: a file into the hub, all of it to a new station, a day's price changes from head office."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from bench import floors, shop
from bench.catalogue import DELTA_ROWS, BareRows
from bench.figures import Better, Figure, Floor, Limit, middle
from bench.store import Bystander, Station, Store, reaches, until
from bench.workbench import Workbench
from hub.catalogue.snapshot import snapshot_parts
from protocol.catalogue import encode_row
from protocol.chain import Position
from protocol.frames import encode_writer_message
from protocol.identity import Epoch, StoreId
from protocol.replication.messages import Frame
from protocol.topics import Channel
from shelfwire.simulators.hq import SimulatedHq

CROWD = 20
"""Stations that a price change has to reach."""
_CHANGES = 10
_WAIT_S = 120.0
_PART = "catalogue"
_FLOOR = "raw MQTT of the same payloads, then a bare executemany"


async def measure(bench: Workbench, store: Store, stations: list[Station]) -> list[Figure]:
    """Import a catalogue, start the hub, then each of `stations`; they run, with all of the catalogue, afterwards."""
    items, changed = bench.size(shop.ITEMS), bench.size(DELTA_ROWS)
    file = store.folder / "catalogue.csv"
    file.write_bytes(shop.catalogue_csv(items))
    imported_s = await store.import_catalogue(file)
    await store.start_hub()
    rows = 3 * items
    snapshots = [await _snapshot_s(store, station, rows) for station in stations]
    crowd = [store.station(f"crowd-{number}") for number in range(CROWD - len(stations))]
    async with SimulatedHq("127.0.0.1", store.hq_port, StoreId(shop.STORE)) as hq:
        head = await _followed(store, hq, rows)
        deltas = await _deltas_s(bench, store, hq, stations[0], head, changed)
        head += bench.rounds * changed
        together_s = await _together_s(store, crowd, head)
        changes = await _changes_s(store, hq, [*stations, *crowd], head)
    for station in crowd:
        await station.process.stop()
    bare_snapshot, bare_delta = _floors(bench, store, changed)
    return [
        Figure(part=_PART, what=f"`hub import` of {items:,} items", unit="s", value=imported_s),
        Figure(
            part=_PART,
            what=f"snapshot of {rows:,} rows: first word of the station to durable there",
            unit="s",
            value=middle(snapshots),
            rounds=tuple(snapshots),
            floor=Floor(_FLOOR, bare_snapshot),
            limit=Limit(1.0, "1 s a station"),
        ),
        Figure(
            part=_PART,
            what=f"the same to {len(crowd)} stations at once, all on this machine",
            unit="s",
            value=together_s,
        ),
        Figure(
            part=_PART,
            what=f"delta of {changed:,} prices: head office to hub to durable at the station",
            unit="ms",
            value=middle(deltas) * 1000,
            better=Better.LESS,
            rounds=tuple(each * 1000 for each in deltas),
            floor=Floor(_FLOOR, bare_delta * 1000),
        ),
        Figure(
            part=_PART,
            what=f"price change to {CROWD} stations: head office to hub to durable at the last of them",
            unit="ms",
            value=middle(changes) * 1000,
            rounds=tuple(each * 1000 for each in changes),
            limit=Limit(1000.0, "1 s"),
        ),
    ]


async def supply(bench: Workbench, store: Store, stations: list[Station]) -> None:
    """Give the hub and the stations the same catalogue, measuring nothing; they run afterwards."""
    items = bench.size(shop.ITEMS)
    file = store.folder / "catalogue.csv"
    file.write_bytes(shop.catalogue_csv(items))
    await store.import_catalogue(file)
    await store.start_hub()
    for station in stations:
        await _snapshot_s(store, station, 3 * items)


async def _snapshot_s(store: Store, station: Station, rows: int) -> float:
    """Start a station that holds nothing; give the time from its first word on the catalogue to its last."""
    async with store.listening(store.topic(station.name, Channel.WANT)) as bystander:
        await station.start()
        first = await bystander.hear()
        return await _until_held(bystander, rows) - first.at


async def _until_held(bystander: Bystander, rows: int) -> float:
    """Wait until the station says that it holds the catalogue log up to `rows`; give the moment."""
    async with asyncio.timeout(_WAIT_S):
        while True:
            heard = await bystander.hear()
            if reaches(heard.payload, rows):
                return heard.at


async def _followed(store: Store, hq: SimulatedHq, rows: int) -> int:
    """Write one price and wait until the hub has it; give how far the hub's log reaches then."""

    async def served() -> bool:
        return hq.figures.connected and hq.figures.catalogue_backlog == 0

    await hq.write(shop.price_rows(1, 42))
    await until("the hub to follow head office", served, store.hub)
    return rows + 1


async def _deltas_s(
    bench: Workbench, store: Store, hq: SimulatedHq, station: Station, rows: int, changed: int
) -> list[float]:
    taken: list[float] = []
    async with store.listening(store.topic(station.name, Channel.WANT)) as bystander:
        for number in range(bench.rounds):
            rows += changed
            began = time.perf_counter()
            await hq.write(shop.price_rows(changed, 100 + number))
            taken.append(await _until_held(bystander, rows) - began)
    return taken


async def _together_s(store: Store, crowd: list[Station], rows: int) -> float:
    """Start stations that hold nothing, all at once; give the time from the first's first word to the last's last."""
    topics = {store.topic(station.name, Channel.WANT) for station in crowd}
    async with store.listening(*topics) as bystander:
        starting = [asyncio.create_task(station.start()) for station in crowd]
        first = await bystander.hear()
        ended = await _until_all_hold(bystander, topics, rows)
        await asyncio.gather(*starting)
        return ended - first.at


async def _changes_s(store: Store, hq: SimulatedHq, stations: list[Station], rows: int) -> list[float]:
    """Change one price after the other, each once the one before is everywhere."""
    topics = {store.topic(station.name, Channel.WANT) for station in stations}
    taken: list[float] = []
    async with store.listening(*topics) as bystander:
        for number in range(_CHANGES):
            rows += 1
            began = time.perf_counter()
            await hq.write(shop.price_rows(1, 3000 + number))
            taken.append(await _until_all_hold(bystander, topics, rows) - began)
    return taken


async def _until_all_hold(bystander: Bystander, topics: Iterable[str], rows: int) -> float:
    missing = set(topics)
    async with asyncio.timeout(_WAIT_S):
        while True:
            heard = await bystander.hear()
            if reaches(heard.payload, rows):
                missing.discard(heard.topic)
            if not missing:
                return heard.at


def _floors(bench: Workbench, store: Store, changed: int) -> tuple[float, float]:
    """Give the seconds that a bare snapshot and a bare delta take."""
    items = bench.size(shop.ITEMS)
    head = Position(Epoch(1, 1), 3 * items, bytes(32))
    whole = [encode_writer_message(part) for part in snapshot_parts(head, 1, shop.snapshot_lines(items))]
    prices = [encode_row(row) for row in shop.price_rows(changed, 100)]
    frames = [
        encode_writer_message(Frame(Epoch(1, 1), start + 1, bytes(32), tuple(prices[start : start + 1000])))
        for start in range(0, len(prices), 1000)
    ]
    snapshots: list[float] = []
    deltas: list[float] = []
    with floors.Echo(store.port, in_flight=200) as echo:
        for _ in range(bench.rounds):
            folder = bench.fresh("bare-catalogue")
            rows = BareRows(shop.snapshot_lines(items), folder / "bare.db")
            sent_s = echo.throughput_s(whole, 32)
            began = rows.write_all()
            snapshots.append(sent_s + time.perf_counter() - began)
            # Twice: from head office to the hub, and from there to the station.
            sent_s = echo.throughput_s(frames, 32) + echo.throughput_s(frames, 32)
            began = rows.write_some(changed)
            deltas.append(sent_s + time.perf_counter() - began)
            rows.close()
    return middle(snapshots), middle(deltas)
