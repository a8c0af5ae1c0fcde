"""Whatever the order of arrival, the frames and the batches: the same books, and head office reckons the same."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from hub.store import folding
from protocol.catalogue import CatalogueRow, CodeLink, Item
from protocol.decisions import Adjustment, Void
from protocol.events import Reason, encode_entry
from protocol.identity import Epoch
from tests.unit.hub_store.shop import (
    AREA,
    BOTH_ENGINES,
    NOON_US,
    SECOND_US,
    Station,
    assert_books_agree,
    hear,
    key,
    on_hand,
    store_at,
)

pytestmark = BOTH_ENGINES

DAY_S = 86_400
CODES = [f"400000000{n:03d}{d}" for n, d in ((1, 3), (2, 0), (3, 7), (4, 4), (5, 1))]


def a_day(rng: random.Random) -> tuple[list[Station], list[bytes], list[list[CatalogueRow]]]:
    """Three stations, a journal and the catalogue's changes: what is said, before it is known who is heard first."""
    stations = [
        Station(f"till-{n}", Epoch(1, n), f"boot-{n}", rng.random() < 0.7, rng.choice([0, 0, 3, -2]) * 3600 * SECOND_US)
        for n in range(1, 4)
    ]
    for station in stations:
        for _ in range(rng.randint(20, 60)):
            after_s = rng.choice([0, 0.001, 1, 30, 700, 4000])
            match rng.randint(0, 11):
                case 0 | 1:
                    station.anchor(after_s)
                case 2:
                    station.count(rng.choice(CODES), rng.randint(0, 50) * 1000, after_s)
                case 3 if station.lines:
                    station.undo(rng.randint(1, len(station.lines) + 1), after_s)
                case 4:
                    station.scan(rng.choice(CODES), rng.randint(1, 40) * 1000, Reason.RECEIPT, after_s)
                case 5:
                    station.mark(after_s=after_s)
                case 6:
                    station.say(b"not an entry", after_s)
                case 7 if rng.random() < 0.3:
                    station.boot += "'"
                case _:
                    station.scan(rng.choice(CODES), -1000, Reason.SALE, after_s)
    journal = [
        encode_entry(
            Adjustment(
                NOON_US + rng.randint(0, DAY_S) * SECOND_US,
                f"item-{rng.randint(0, 2)}",
                AREA,
                rng.randint(-9, 9) * 1000,
                Reason.ADJUSTMENT,
                None,
                "ann",
                "",
            )
        )
        for _ in range(4)
    ]
    for _ in range(3):
        station = rng.choice(stations)
        target = station.id(rng.randint(1, len(station.lines)))
        journal.append(encode_entry(Void(NOON_US + DAY_S * SECOND_US, str(target), "ann", "")))
    moved_us = NOON_US + rng.randint(0, DAY_S) * SECOND_US
    changes: list[list[CatalogueRow]] = [
        [Item("item-0", "Zero"), CodeLink(key(CODES[0]), "item-0"), CodeLink(key(CODES[1]), "item-1")],
        [CodeLink(key(CODES[2]), "item-2", factor_milli=6000)],
        [
            CodeLink(key(CODES[1]), "item-1", valid_to_us=moved_us),
            CodeLink(key(CODES[1]), "item-2", valid_from_us=moved_us),
        ],
        [CodeLink(key(CODES[3]), "item-0", valid_from_us=moved_us)],
    ]
    return stations, journal, changes


async def live(path: Path, seed: int, order: int) -> tuple[dict[str, int], Any]:
    """Live the day of `seed`, heard in the order of `order`; give the stock and its doubts."""
    stations, journal, changes = a_day(random.Random(seed))
    rng = random.Random(order)
    async with store_at(path / f"{seed}-{order}.db") as store:
        await hear(store, stations, journal, changes, rng)
        await assert_books_agree(store)
        rows = (await store.stock(limit=1000)).rows
        held = {(q.log, q.seq, q.reason) for q in (await store.quarantine(limit=1000)).rows}
        return await on_hand(store), ([(r.item, r.lo_milli, r.hi_milli, r.ambiguous) for r in rows], held)


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(n, marks=pytest.mark.torture) for n in range(6, 60))])
async def test_every_order_and_batching_gives_the_same_books(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await live(tmp_path, seed, 0)
    assert first[0], "a day on which nothing moved shows nothing"
    for order, batch in ((1, 1), (2, 9)):
        monkeypatch.setattr(folding, "BATCH", batch)
        assert await live(tmp_path, seed, order) == first
