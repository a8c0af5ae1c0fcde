"""Whether a hub grows slower with its past: taking entries in after a million and after ten, and one that comes late.

The ten million are taken in on the way, which takes minutes; part "history" is measured when it is asked for. A machine
is not the same after those, so the hub of one million is laid aside as it was, and both are measured then, in turns.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from bench import shop
from bench.figures import Better, Figure, Limit, middle
from bench.workbench import Workbench, nonce, utc_us
from hub.bookkeeping import BATCH
from hub.store.places import STORE_AREA
from hub.store.reader_logs import LogCommit, station_log
from hub.store.store import HubStore
from hub.wire.pacing import MOST_A_TRANSACTION
from protocol.catalogue import decode_row
from protocol.dated_words import PlaceGiven, PlaceKind
from protocol.events import Count, Delta, Reason, When, encode_entry
from protocol.identity import Epoch, StationId, StoreId
from protocol.topics import Stream

SOON, LATER = 1_000_000, 10_000_000
STEP = 100_000
STEPS = 5
"""So many steps of each are measured."""
SLOWER = 1.2
LATE_MS = 5.0
COUNTS = 50
SHELVES = ("shelf-1", "shelf-2")
_DAY_US = 86_400_000_000


async def measure(bench: Workbench) -> list[Figure]:
    """Take ten million entries in, a hundred thousand at a time, then some more beside a hub that has one million."""
    soon, later, step = (bench.size(full, 1000) for full in (SOON, LATER, STEP))
    old, young = bench.fresh("history") / "hub.db", bench.fresh("history-young") / "hub.db"
    async with _hub(old) as store:
        await store.apply_catalogue([decode_row(line) for line in shop.catalogue_lines(shop.SELLING)])
        await _take_in_all(store, 0, soon, step)
    shutil.copytree(old.parent, young.parent, dirs_exist_ok=True)
    async with _hub(old) as store:
        await _take_in_all(store, soon, later, step)
    rates: dict[int, list[float]] = {soon: [], later: []}
    async with _hub(young) as with_less, _hub(old) as store:
        hubs = ((soon, with_less), (later, store))
        for number in range(1 + STEPS):
            for past, hub in hubs if number % 2 else hubs[::-1]:
                rates[past].append(step / await _take_in(hub, past + number * step, step))
        rounds = range(1 + 2 * bench.rounds)
        late_ms = [await _late(store, number) for number in rounds]
        await store.lay_out([_shelf(place) for place in SHELVES])
        shelves_ms = [await _late(store, len(rounds) + number, SHELVES) for number in rounds]
    for found in rates.values():
        del found[0]  # the first after opening reads what the others find in memory
    first = middle(rates[soon])
    return [
        _rate(f"ingest with the fold, after {soon:,} entries", rates[soon], None),
        _rate(
            f"ingest with the fold, after {later:,} entries",
            rates[later],
            Limit(first / SLOWER, f"at most {SLOWER - 1:.0%} slower than after {soon:,}"),
        ),
        *(
            Figure(
                part="history",
                what=f"a late sale before {COUNTS} counts of its item{how}, committed and folded",
                unit="ms",
                value=middle(found),
                rounds=tuple(found),
                limit=Limit(LATE_MS, f"{LATE_MS:.0f} ms"),
            )
            for how, found in (("", late_ms), (f", each a session of {len(SHELVES)} shelves", shelves_ms))
        ),
    ]


def _hub(file: Path) -> HubStore:
    return HubStore(file, StoreId(shop.STORE), utc_us)


async def _take_in_all(store: HubStore, past: int, until: int, step: int) -> None:
    for each in range(past, until, step):
        await _take_in(store, each, step)


async def _take_in(store: HubStore, past: int, entries: int) -> float:
    """Commit frames of a station that has not spoken before, and fold them; give the seconds."""
    log = station_log(StationId(f"till-{past}"), Stream.STOCK)
    parts = shop.frames(Epoch(1, nonce()), list(shop.backlog(entries, seed=past)))
    frames = MOST_A_TRANSACTION // shop.FRAME_ENTRIES
    began = time.perf_counter()
    for start in range(0, len(parts), frames):
        await store.commit([LogCommit(log, (slice_,), state) for slice_, state in parts[start : start + frames]])
    await _fold(store)
    return time.perf_counter() - began


async def _late(store: HubStore, number: int, places: tuple[str, ...] = (shop.PLACE,)) -> float:
    """Have an item counted often, then commit and fold a sale from before all of it; give the milliseconds of that."""
    code = shop.gtin(number)
    counted = list(_counts(f"counting-{number}", code, utc_us() - _DAY_US, places))
    sold = list(_sale(f"late-{number}", code, utc_us() - 2 * _DAY_US))
    for name, lines in (("counting", counted), ("late", sold)):
        log = station_log(StationId(f"{name}-{number}"), Stream.STOCK)
        parts = shop.frames(Epoch(1, nonce()), lines)
        began = time.perf_counter()
        await store.commit([LogCommit(log, (slice_,), state) for slice_, state in parts])
        await _fold(store)
    return (time.perf_counter() - began) * 1000


def _shelf(place: str) -> PlaceGiven:
    return PlaceGiven(utc_us(), place, "", STORE_AREA, PlaceKind.SHELF, 0, "bench", "it stands there")


def _counts(boot: str, code: str, first_us: int, places: tuple[str, ...]) -> Iterator[bytes]:
    """Give the lines of a station that counts an item every ten minutes, and sells some between."""
    for number in range(COUNTS):
        up_us = 1_000_000_000 + number * 600_000_000
        yield shop.anchor(boot, up_us, first_us + up_us)
        for after_us in range(10_000_000, 400_000_000, 20_000_000):
            yield _moved(boot, up_us + after_us, first_us, code)
        for step, place in enumerate(places):
            after_us = 500_000_000 + step * 1_000_000
            when = When(boot, up_us + after_us, first_us + up_us + after_us, True)
            yield encode_entry(Count(when, when.up_us - 500_000, "scanner", code, 10_000, place, f"{boot}-{number}"))


def _sale(boot: str, code: str, first_us: int) -> Iterator[bytes]:
    yield shop.anchor(boot, 1_000_000_000, first_us + 1_000_000_000)
    yield _moved(boot, 1_001_000_000, first_us, code)


def _moved(boot: str, up_us: int, first_us: int, code: str) -> bytes:
    when = When(boot, up_us, first_us + up_us, True)
    return encode_entry(Delta(when, "scanner", code, "]E0", -1000, Reason.SALE, shop.PLACE))


async def _fold(store: HubStore) -> None:
    while (await store.fold_some(BATCH)).lag:
        pass


def _rate(what: str, rates: list[float], limit: Limit | None) -> Figure:
    return Figure(
        part="history",
        what=what,
        unit="events/s",
        value=middle(rates),
        better=Better.MORE,
        rounds=tuple(rates),
        limit=limit,
    )
