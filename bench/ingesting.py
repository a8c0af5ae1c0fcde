"""How fast a hub's store takes entries in and folds them, beside a bare loop that writes the very same rows."""

from __future__ import annotations

import time
from collections.abc import Sequence

from bench import same_rows, shop
from bench.figures import Better, Figure, Floor, middle
from bench.same_rows import Bare, Kept
from bench.workbench import Workbench, utc_us
from hub.bookkeeping import BATCH
from hub.store.reader_logs import LogCommit, station_log
from hub.store.store import HubStore
from hub.wire.pacing import MOST_A_TRANSACTION
from protocol.catalogue import CatalogueRow, decode_row
from protocol.identity import Epoch, StationId, StoreId
from protocol.topics import Stream

STATIONS = 20
EVENTS = 100_000


async def measure(bench: Workbench) -> list[Figure]:
    """Commit frames of 20 stations as the intake does, then fold them as the bookkeeping does, in one process."""
    rows = [decode_row(line) for line in shop.catalogue_lines(bench.size(shop.ITEMS))]
    with same_rows.engines(bench.fresh("ingest")) as engines:
        return [figure for kept in engines for figure in await _measure(bench, kept, rows)]


async def _measure(bench: Workbench, kept: Kept, rows: Sequence[CatalogueRow]) -> list[Figure]:
    each = bench.size(EVENTS) // STATIONS
    entries = each * STATIONS
    took: dict[str, list[float]] = {}
    async with HubStore(kept.engine(), StoreId(shop.STORE), utc_us) as store:
        began = time.perf_counter()
        await store.apply_catalogue(rows)
        applied_s = time.perf_counter() - began
        while (await store.fold_some(BATCH)).lag:
            pass
        for number in range(bench.rounds):
            await _round(store, number, each, took)
    bare = Bare(kept)
    for _ in range(bench.rounds):
        commit_s, fold_s = bare.write()
        took.setdefault("bare commit", []).append(commit_s)
        took.setdefault("bare fold", []).append(fold_s)
    # The bare loop writes what all rounds wrote.
    bare_commit, bare_fold = (middle(took[f"bare {key}"]) / bench.rounds for key in ("commit", "fold"))
    together = [a + b for a, b in zip(took["commit"], took["fold"], strict=True)]
    return [
        _rate(kept, "commit of frames, 20 stations", entries, took["commit"], bare_commit),
        _rate(kept, "fold into stock, journal of the feed included", entries, took["fold"], bare_fold),
        _rate(kept, "ingest with the fold", entries, together, bare_commit + bare_fold),
        Figure(part=kept.part, what=f"catalogue of {len(rows):,} rows taken in", unit="s", value=applied_s),
    ]


async def _round(store: HubStore, number: int, each: int, took: dict[str, list[float]]) -> None:
    batches = _batches(number, each)
    began = time.perf_counter()
    for batch in batches:
        await store.commit(batch)
    took.setdefault("commit", []).append(time.perf_counter() - began)
    began = time.perf_counter()
    while (await store.fold_some(BATCH)).lag:
        pass
    took.setdefault("fold", []).append(time.perf_counter() - began)


def _batches(number: int, each: int) -> list[list[LogCommit]]:
    """Give the transactions that the intake would make of a round: stations in turns, a frame each."""
    streams = []
    for station in range(STATIONS):
        log = station_log(StationId(f"till-{number}-{station}"), Stream.STOCK)
        epoch = Epoch(1, 1 + number * STATIONS + station)
        parts = shop.frames(epoch, list(shop.backlog(each, seed=number * STATIONS + station)))
        streams.append([LogCommit(log, (slice_,), state) for slice_, state in parts])
    turns = [commit for turn in zip(*streams, strict=True) for commit in turn]
    frames = MOST_A_TRANSACTION // shop.FRAME_ENTRIES
    return [turns[start : start + frames] for start in range(0, len(turns), frames)]


def _rate(kept: Kept, what: str, entries: int, took_s: list[float], bare_s: float) -> Figure:
    return Figure(
        part=kept.part,
        what=what,
        unit="events/s",
        value=entries / middle(took_s),
        better=Better.MORE,
        rounds=tuple(entries / each for each in took_s),
        floor=Floor(kept.floor, entries / bare_s),
    )
