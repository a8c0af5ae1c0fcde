"""How fast a hub's store takes in and folds what stations say of RFID tags."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from bench import shop
from bench.figures import Better, Figure, middle
from bench.workbench import Workbench, utc_us
from hub.bookkeeping import BATCH
from hub.store.reader_logs import LogCommit, station_log
from hub.store.store import HubStore
from protocol.epc.reading import write_epc
from protocol.epc.value import Epc
from protocol.events import Anchor, Presence, TagChange, When, encode_entry
from protocol.identity import Epoch, StationId, StoreId
from protocol.topics import Stream

CHANGES = 100_000
TAGS = 20_000
_ZONES = ("floor", "back", "exit")
_CHANGES = (Presence.ARRIVED, Presence.MOVED, Presence.MOVED, Presence.DEPARTED)
_STEP_US = 2_000


async def measure(bench: Workbench) -> list[Figure]:
    """Commit frames of tag changes, 500 of them a second by their times, and fold them."""
    changes, tags = bench.size(CHANGES), bench.size(TAGS)
    rates: list[float] = []
    async with HubStore(bench.fresh("tags") / "hub.db", StoreId(shop.STORE), utc_us) as store:
        for number in range(bench.rounds):
            log, epoch = station_log(StationId(f"door-{number}"), Stream.STOCK), Epoch(1, 1 + number)
            parts = shop.frames(epoch, list(_lines(changes, tags, number)))
            began = time.perf_counter()
            for part, state in parts:
                await store.commit([LogCommit(log, (part,), state)])
            while (await store.fold_some(BATCH)).lag:
                pass
            rates.append(changes / (time.perf_counter() - began))
    return [
        Figure(
            part="hub store",
            what=f"changes of {tags:,} RFID tags taken in and folded",
            unit="entries/s",
            value=middle(rates),
            better=Better.MORE,
            rounds=tuple(rates),
        )
    ]


def _lines(changes: int, tags: int, seed: int) -> Iterator[bytes]:
    draw = random.Random(seed)
    epcs = [_epc(number) for number in range(tags)]
    wall_us = utc_us()
    yield encode_entry(Anchor("boot", 0, 4_000, wall_us))
    for number in range(1, changes):
        when = When("boot", 4_000 + number * _STEP_US, wall_us + number * _STEP_US, True)
        what, zone = draw.choice(_CHANGES), draw.choice(_ZONES)
        seen_us = when.wall_us - 500_000
        yield encode_entry(TagChange(when, "reader", 1, draw.choice(epcs), what, zone, None, seen_us, 5, -6_000))


def _epc(number: int) -> str:
    return write_epc(Epc("sgtin-96", 1, ("4012345", "098765", str(number)))).hex().upper()
