"""Sweeps of RFID tags as counts: what answered, and what cannot be ruled out, in the books of an area."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from hub.store import folding
from hub.store.store import HubStore
from protocol.catalogue import CatalogueRow, CodeLink, Item
from protocol.dated_words import DeclaredFor, HomeGiven, PlaceGiven, PlaceKind, Source, SourceDeclared
from protocol.events import Presence, Reason, ShelfCounted, encode_entry
from protocol.identity import Epoch
from tests.unit.hub_store.shop import (
    BOTH_ENGINES,
    HOUR_US,
    NOON_US,
    SECOND_US,
    TEA,
    TEA_CODE,
    fold_all,
    hear,
    key,
    shop,
    store_at,
)
from tests.unit.hub_store.tags import Reader, tagged
from tests.unit.hub_store.test_sources import assert_books_agree

pytestmark = BOTH_ENGINES
PIECES = [tagged(serial) for serial in range(1, 9)]


def tagged_tea() -> list[CatalogueRow]:
    return [Item(TEA, "Green tea", tagged=True), CodeLink(key(TEA_CODE), TEA)]


def walls() -> list[PlaceGiven]:
    return [PlaceGiven(NOON_US, name, "", "store", PlaceKind.SHELF, 0, "anna", "") for name in ("shelf-a", "shelf-b")]


async def figures(store: HubStore) -> tuple[int, int, int]:
    """The least, the books' and the most pieces of tea there are."""
    await fold_all(store)
    await assert_books_agree(store)
    (row,) = (await store.stock_of(TEA)).rows
    return row.lo_milli // 1000, row.on_hand_milli // 1000, row.hi_milli // 1000


async def test_a_sweep_moves_the_books_only_into_its_span(tmp_path: Path) -> None:
    reader = Reader("reader")
    reader.anchor()
    reader.move(TEA_CODE, 9000, Reason.RECEIPT)
    for piece in PIECES[:5]:
        reader.change(piece.epc, "store")
    reader.change(PIECES[4].epc, "store", Presence.DEPARTED, after_s=5 * 3600)
    reader.sweep("store", *(piece.epc for piece in PIECES[:3]))
    async with shop(tmp_path, tagged_tea()) as store:
        await reader.tell(store)
        # Three answered; two more were there before, one of them silent.
        assert await figures(store) == (3, 5, 5)
        reader.sweep("store", PIECES[3].epc, after_s=30)
        await reader.tell(store)
        assert await figures(store) == (4, 5, 5)
        # That it was sold before the sweep is heard late, and rules it out.
        till = Reader("till-2")
        till.anchor()
        till.move(PIECES[4].code, -1000)
        till.anchor(6 * 3600)
        await till.tell(store)
        assert await figures(store) == (4, 4, 4)


async def test_items_of_which_not_every_piece_has_a_tag_are_not_counted_until_they_do(tmp_path: Path) -> None:
    reader = Reader("reader")
    reader.anchor()
    reader.move(TEA_CODE, 9000, Reason.RECEIPT)
    reader.sweep("store", PIECES[0].epc, after_s=5 * 3600)
    async with shop(tmp_path) as store:
        await reader.tell(store)
        assert await figures(store) == (9, 9, 9)
        await store.apply_catalogue(tagged_tea()[:1])
        assert await figures(store) == (1, 1, 1)
        await store.apply_catalogue([Item(TEA, "Green tea")])
        assert await figures(store) == (9, 9, 9)


async def test_shelves_swept_one_by_one_add_up_once_all_were(tmp_path: Path) -> None:
    reader = Reader("reader")
    reader.anchor()
    reader.move(TEA_CODE, 9000, Reason.RECEIPT)
    reader.sweep("shelf-a", *(piece.epc for piece in PIECES[:3]), after_s=5 * 3600)
    async with shop(tmp_path, tagged_tea()) as store:
        for word in walls():
            await store.decide(word)
        await reader.tell(store)
        assert await figures(store) == (9, 9, 9)
        # A tag that answers on both is one piece, on the later.
        reader.sweep("shelf-b", PIECES[2].epc, PIECES[3].epc)
        await reader.tell(store)
        assert await figures(store) == (4, 4, 4)


def a_night(rng: random.Random) -> tuple[list[Reader], list[bytes], list[list[CatalogueRow]]]:
    """Readers that sweep and watch, a till, late anchors; shelves, a portal and the catalogue told at any time."""
    stations = [Reader(f"reader-{n}", Epoch(1, n), f"boot-{n}", rng.random() < 0.5, 0, n * 137_000) for n in range(3)]
    places = ["shelf-a", "shelf-b", "exit"]
    for station in stations:
        station.wall_off_us = rng.choice([0, 3, -5]) * HOUR_US
        station.move(TEA_CODE, 9000, Reason.RECEIPT)
        for _ in range(rng.randint(10, 30)):
            piece, after_s = rng.choice(PIECES), rng.choice([1, 7, 40, 300])
            match rng.randint(0, 8):
                case 0:
                    station.anchor(after_s)
                case 1 | 2 | 3:
                    seen = rng.sample(PIECES, rng.randint(0, 4))
                    session = rng.choice(["night", "day"])
                    station.sweep(
                        rng.choice(places[:2]), *(each.epc for each in seen), session=session, after_s=after_s
                    )
                case 4:
                    station.move(piece.code, -1000, rng.choice([Reason.SALE, Reason.RETURN]))
                case 5 if station.lines:
                    station.undo(rng.randint(1, len(station.lines)))
                case 6:
                    station.up_us += SECOND_US
                    shelf = rng.choice(places[:2])
                    done = ShelfCounted(station.when(), station.up_us - 10, "scanner", shelf, "night", 1, "", 0, 0, 3)
                    station.say(done, 0)
                case _:
                    what = rng.choice([Presence.ARRIVED, Presence.MOVED, Presence.DEPARTED])
                    station.change(piece.epc, rng.choice(places), what, after_s)
        station.anchor(1)
    words = [
        *walls(),
        HomeGiven(NOON_US, TEA, "shelf-a", 0, None, "anna", ""),
        SourceDeclared(NOON_US, "exit", DeclaredFor.SALE, Source.PORTAL, NOON_US + 300 * SECOND_US, "anna", ""),
    ]
    return stations, [encode_entry(word) for word in words], [[Item(TEA, "Tea")], tagged_tea()]


async def live(path: Path, seed: int, order: int) -> Any:
    """Live the night of `seed`, heard in the order of `order`."""
    stations, journal, changes = a_night(random.Random(seed))
    rng = random.Random(order)
    async with store_at(path) as store:
        await hear(store, stations, journal, changes, rng)
        await assert_books_agree(store)
        rows = (await store.stock(limit=1000)).rows
        return [(row.item, row.area, row.on_hand_milli, row.lo_milli, row.hi_milli) for row in rows]


@pytest.mark.parametrize("seed", [*range(2), *(pytest.param(n, marks=pytest.mark.torture) for n in range(2, 60))])
async def test_every_order_and_batching_gives_the_same_counts(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await live(tmp_path / "first.db", seed, 0)
    monkeypatch.setattr(folding, "BATCH", 9)
    assert await live(tmp_path / "second.db", seed, 1) == first
