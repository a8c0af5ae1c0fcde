"""One source a place and reason: what it says moves stock, what the others say is evidence, whatever came first.

Beyond 300 lines because the last story is all the others at random.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hub.ledger.entries import Status
from hub.store import folding
from hub.store.store import HubStore
from hub.store.tables import entry, epoch, log, sourced
from protocol.catalogue import CatalogueRow, CodeLink
from protocol.dated_words import DeclaredFor, PlaceGiven, PlaceKind, Source, SourceDeclared
from protocol.events import Presence, Reason, encode_entry
from protocol.feed import decode_feed_entry
from protocol.feed_books import FeedBooks
from protocol.identity import Epoch
from tests.unit.hub_store.shop import (
    BOTH_ENGINES,
    HOUR_US,
    NOON_US,
    SECOND_US,
    TEA,
    TEA_CODE,
    catalogue,
    feed_lines,
    fold_all,
    hear,
    key,
    on_hand,
    rows_at,
    shop,
    store_at,
)
from tests.unit.hub_store.tags import Reader, tagged

pytestmark = BOTH_ENGINES
FIRST, SECOND = tagged(1), tagged(2)


def declared(place: str, source: Source, reason: DeclaredFor = DeclaredFor.SALE, from_us: int = 0) -> SourceDeclared:
    return SourceDeclared(NOON_US, place, reason, source, from_us, "anna", "the gate is calibrated")


def area(place: str, of: str, from_us: int = 0) -> list[PlaceGiven]:
    return [
        PlaceGiven(NOON_US, of, "", of, PlaceKind.AREA, from_us, "anna", ""),
        PlaceGiven(NOON_US, place, of, of, PlaceKind.SPOT, from_us, "anna", ""),
    ]


_HELD = sourced.join(
    entry, (entry.c.epoch == sourced.c.epoch) & (entry.c.seq == sourced.c.seq) & (sourced.c.epc == ""), isouter=True
)
_EVIDENCE = (
    select(sourced.c.place, sourced.c.reason, sourced.c.source, sourced.c.qty_milli)
    .select_from(_HELD)
    .where(sourced.c.counts == 0, entry.c.reversed_by.is_(None))
    .order_by(sourced.c.t_us, sourced.c.leg)
)
_KEPT = (
    select(log.c.name, epoch.c.name, *(column for column in sourced.c if column.name != "epoch"))
    .join(epoch, epoch.c.id == sourced.c.epoch)
    .join(log, log.c.id == epoch.c.log)
)


def evidence(path: Path) -> list[tuple[str, str, str, int]]:
    """Place, reason, source and quantity of what was told where a source is declared and does not count."""
    return [tuple(row) for row in rows_at(path / "hub.db", _EVIDENCE)]


async def assert_books_agree(store: HubStore) -> None:
    """The books equal what the lines say, and head office's twin equals the books."""
    differences = await store.rebuild()
    assert not differences, "\n".join(map(str, differences))
    stock = {(row.item, row.area): row.on_hand_milli for row in (await store.stock(limit=1000)).rows}
    twin = FeedBooks()
    for line in await feed_lines(store):
        twin.upsert(decode_feed_entry(line))
    told = {scope: milli for scope, milli in twin.stock().items() if milli}
    assert told == {scope: milli for scope, milli in stock.items() if milli}


async def tell(store: HubStore, *stations: Reader) -> None:
    for station in stations:
        await station.tell(store)
    await fold_all(store)
    await assert_books_agree(store)


def gate() -> Reader:
    reader = Reader("gate")
    reader.anchor()
    return reader


async def test_without_a_declaration_scans_move_stock_and_tags_do_not(tmp_path: Path) -> None:
    door = gate()
    door.change(FIRST.epc, "exit")
    door.move(TEA_CODE, -2000)
    async with shop(tmp_path) as store:
        await tell(store, door)
        assert (await on_hand(store), evidence(tmp_path)) == ({TEA: -2000}, [])


async def test_a_tag_that_crosses_a_portal_is_sold_once_and_not_when_it_comes_back(tmp_path: Path) -> None:
    door = gate()
    door.move(TEA_CODE, 10_000, Reason.RECEIPT)
    async with shop(tmp_path) as store:
        await store.decide(declared("exit", Source.PORTAL))
        for epc in (FIRST.epc, SECOND.epc):
            door.change(epc, "floor")
            door.change(epc, "exit", Presence.MOVED)
        await tell(store, door)
        assert await on_hand(store) == {TEA: 8000}
        # It hangs about the exit, falls silent there and is read again.
        door.change(FIRST.epc, "exit", Presence.DEPARTED)
        door.change(FIRST.epc, "exit")
        await tell(store, door)
        assert await on_hand(store) == {TEA: 8000}
        door.change(FIRST.epc, "floor", Presence.MOVED)
        await tell(store, door)
        assert await on_hand(store) == {TEA: 9000}
        door.change(FIRST.epc, "exit", Presence.MOVED)
        await tell(store, door)
        assert await on_hand(store) == {TEA: 8000}
        assert evidence(tmp_path) == []


async def test_where_the_till_is_declared_tags_that_leave_are_evidence(tmp_path: Path) -> None:
    door = gate()
    async with shop(tmp_path) as store:
        await store.decide(declared("exit", Source.TILL))
        door.change(FIRST.epc, "floor")
        door.change(FIRST.epc, "exit", Presence.MOVED)
        door.move(TEA_CODE, -1000, place="exit", device="api")
        door.move(TEA_CODE, -3000, place="exit", device="scanner")
        await tell(store, door)
        assert await on_hand(store) == {TEA: -1000}
        assert evidence(tmp_path) == [("exit", "sale", "portal", -1000), ("exit", "sale", "scanner", -3000)]
        newest, before = (await store.recent_events())[:2]
        assert (newest.qty_milli, newest.status, before.status) == (-3000, None, Status.APPLIED)


async def test_a_unit_that_a_till_sold_does_not_leave_a_second_time(tmp_path: Path) -> None:
    door = gate()
    async with shop(tmp_path) as store:
        await store.decide(declared("exit", Source.PORTAL))
        door.change(FIRST.epc, "floor")
        sale = door.move(FIRST.code, -1000)
        door.change(FIRST.epc, "exit", Presence.MOVED)
        await tell(store, door)
        assert await on_hand(store) == {TEA: -1000}
        door.undo(sale)
        await tell(store, door)
        # Nobody paid for it: it was carried out.
        assert await on_hand(store) == {TEA: -1000}
        # From now on the till's scans are evidence, and were from the beginning.
        await store.decide(declared("shop", Source.PORTAL))
        await fold_all(store)
        await assert_books_agree(store)
        assert (await on_hand(store), evidence(tmp_path)) == ({TEA: -1000}, [])


async def test_a_reader_takes_goods_in_and_a_portal_between_areas_moves_them_on(tmp_path: Path) -> None:
    door = gate()
    async with shop(tmp_path) as store:
        for word in (*area("dock", "back"), *area("floor", "front")):
            await store.decide(word)
        await store.decide(declared("dock", Source.READER, DeclaredFor.RECEIPT))
        await store.decide(declared("floor", Source.PORTAL, DeclaredFor.TRANSFER))
        door.change(FIRST.epc, "dock")
        door.change(SECOND.epc, "dock")
        door.change(FIRST.epc, "floor", Presence.MOVED)
        await tell(store, door)
        rows = {row.area: row.on_hand_milli for row in (await store.stock_of(TEA)).rows}
        assert rows == {"back": 1000, "front": 1000}
        door.change(FIRST.epc, "dock", Presence.MOVED)
        await tell(store, door)
        rows = {row.area: row.on_hand_milli for row in (await store.stock_of(TEA)).rows}
        assert rows == {"back": 2000, "front": 0}


async def test_goods_of_a_code_that_means_nothing_yet_move_once_it_does(tmp_path: Path) -> None:
    door = gate()
    door.change(FIRST.epc, "exit")
    async with shop(tmp_path, []) as store:
        await store.decide(declared("exit", Source.PORTAL))
        await tell(store, door)
        assert await on_hand(store) == {}
        await store.apply_catalogue([CodeLink(key(TEA_CODE), TEA, factor_milli=6000)])
        await fold_all(store)
        await assert_books_agree(store)
        assert await on_hand(store) == {TEA: -6000}


async def test_what_was_filed_before_a_decision_is_read_again_from_its_date_on(tmp_path: Path) -> None:
    door = gate()
    door.move(TEA_CODE, -1000)
    early = door.true_us
    undone = door.move(TEA_CODE, -2000)
    door.change(FIRST.epc, "exit")
    async with shop(tmp_path) as store:
        await tell(store, door)
        assert await on_hand(store) == {TEA: -3000}
        await store.decide(declared("shop", Source.PORTAL, from_us=early + SECOND_US // 2))
        await store.decide(declared("exit", Source.PORTAL, from_us=early))
        await fold_all(store)
        await assert_books_agree(store)
        assert (await on_hand(store), evidence(tmp_path)) == ({TEA: -2000}, [("shop", "sale", "scanner", -2000)])
        door.undo(undone)
        await tell(store, door)
        assert (await on_hand(store), evidence(tmp_path)) == ({TEA: -2000}, [])
        await store.decide(declared("shop", Source.SCANNER, from_us=early + SECOND_US // 2))
        await store.decide(declared("exit", Source.TILL, from_us=early))
        await fold_all(store)
        await assert_books_agree(store)
        assert (await on_hand(store), evidence(tmp_path)) == ({TEA: -1000}, [("exit", "sale", "portal", -1000)])


async def test_every_line_is_folded_or_evidence_or_passed(tmp_path: Path) -> None:
    door = gate()
    for _ in range(5):
        door.move(TEA_CODE, -1000, device="api")
        door.move(TEA_CODE, -1000)
    door.change(FIRST.epc, "shop")
    door.mark()
    async with shop(tmp_path) as store:
        await store.decide(declared("shop", Source.TILL))
        await tell(store, door)
        (row,) = [row for row in await store.stations() if row.station == "gate"]
        scans = [each for each in evidence(tmp_path) if each[2] == "scanner"]
        passed = 3  # the anchor, the mark and the tag's change, which told something all the same
        folded = sum(1 for each in (await store.timeline(TEA)).entries if each.entry.station == "gate")
        assert (row.committed, folded, len(scans)) == (13, 5, 5)
        assert folded + len(scans) + passed == row.committed
        assert len(evidence(tmp_path)) == 6
        # Evidence is no trouble: nothing is held back.
        assert (await store.quarantine()).rows == ()


def a_day(rng: random.Random) -> tuple[list[Reader], list[bytes], list[list[CatalogueRow]]]:
    """Stations whose anchors come late, what is declared, and a code that means something only late."""
    pieces = [tagged(serial) for serial in range(1, 6)]
    places = ["floor", "exit", "dock", "shop"]
    stations = [Reader(f"reader-{n}", Epoch(1, n), f"boot-{n}", rng.random() < 0.5, 0, n * 137_000) for n in range(3)]
    for station in stations:
        station.wall_off_us = rng.choice([0, 3, -5]) * HOUR_US
        for _ in range(rng.randint(15, 40)):
            piece, after_s = rng.choice(pieces), rng.choice([1, 7, 40, 300])
            match rng.randint(0, 8):
                case 0:
                    station.anchor(after_s)
                case 1 | 2:
                    station.move(
                        rng.choice([piece.code, TEA_CODE]),
                        -1000,
                        rng.choice([Reason.SALE, Reason.RETURN, Reason.RECEIPT]),
                        rng.choice(places),
                        rng.choice(["scanner", "api"]),
                    )
                case 3 if station.lines:
                    station.undo(rng.randint(1, len(station.lines)))
                case 4:
                    station.count(TEA_CODE, rng.randint(0, 9) * 1000, after_s)
                case _:
                    what = rng.choice([Presence.ARRIVED, Presence.MOVED, Presence.MOVED, Presence.DEPARTED])
                    station.change(piece.epc, rng.choice(places), what, after_s)
        station.anchor(1)
    journal = [
        encode_entry(
            SourceDeclared(
                NOON_US,
                rng.choice(places),
                rng.choice(list(DeclaredFor)),
                rng.choice(list(Source)),
                NOON_US + rng.choice([0, 60, 900, 3600]) * SECOND_US,
                "anna",
                "",
            )
        )
        for _ in range(6)
    ]
    journal += [encode_entry(word) for word in area("dock", "back", NOON_US + rng.choice([0, 600]) * SECOND_US)]
    changes: list[list[CatalogueRow]] = [
        catalogue()[:2],
        [CodeLink(key(TEA_CODE), TEA, valid_from_us=NOON_US + 100 * SECOND_US)],
    ]
    return stations, journal, changes


def kept(path: Path) -> Any:
    """What was told where a source is declared, by the names of entries."""
    return sorted(rows_at(path, _KEPT))


async def live(path: Path, seed: int, order: int) -> Any:
    """Live the day of `seed`, heard in the order of `order`."""
    stations, journal, changes = a_day(random.Random(seed))
    rng = random.Random(order)
    async with store_at(path) as store:
        await hear(store, stations, journal, changes, rng)
        await assert_books_agree(store)
        told = kept(path)
        await store.keeping.unfold()
        await fold_all(store)
        assert kept(path) == told
        rows = (await store.stock(limit=1000)).rows
        return told, [(row.item, row.area, row.on_hand_milli, row.lo_milli, row.hi_milli) for row in rows]


@pytest.mark.parametrize("seed", [*range(2), *(pytest.param(n, marks=pytest.mark.torture) for n in range(2, 60))])
async def test_every_order_and_batching_gives_the_same(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await live(tmp_path / "first.db", seed, 0)
    assert first[0], "a day without evidence shows nothing"
    monkeypatch.setattr(folding, "BATCH", 9)
    assert await live(tmp_path / "second.db", seed, 1) == first
