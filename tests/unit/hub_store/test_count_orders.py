"""Count sessions told in any order, frame and batch, with restarts: the same books, and what the definition says."""

from __future__ import annotations

import random
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, select

from hub.ledger.counting import session_entry
from hub.ledger.entries import Scope
from hub.ledger.reference import Said, counted
from hub.store import count_completes, count_rows, folding, tables
from hub.store.epochs import EpochRows
from hub.store.floor import StoreFloor
from hub.store.sql import Sql
from protocol.catalogue import CatalogueRow, CodeLink, Item
from protocol.count_decisions import CountDecision, CountVerdict
from protocol.dated_words import FloorWord
from protocol.decisions import Void
from protocol.events import Reason, encode_entry
from protocol.identity import Epoch, ItemId, PlaceId
from tests.unit.hub_store.counters import A, B, done, found, home, plan, ruled, shelf
from tests.unit.hub_store.shop import (
    AREA,
    BOTH_ENGINES,
    JAM,
    JAM_CODE,
    NEW_CODE,
    NOON_US,
    SECOND_US,
    TEA,
    TEA_CODE,
    Station,
    assert_books_agree,
    fold_all,
    key,
    store_at,
)

pytestmark = BOTH_ENGINES

SESSIONS = ("autumn-26", "spring-27")
ITEMS = (TEA, JAM, ItemId("salt"))
CODES = (TEA_CODE, JAM_CODE, NEW_CODE)
HOURS_US = 3600 * SECOND_US


class Days:
    """What is said of two sessions by three stations, at the hub and in the catalogue, before anybody heard it."""

    def __init__(self, rng: random.Random) -> None:
        self.stations = [
            Station(f"hand-{n}", Epoch(1, n), f"boot-{n}", rng.random() < 0.6, rng.choice([0, 0, 2, -3]) * HOURS_US)
            for n in (1, 2, 3)
        ]
        for station in self.stations:
            for _ in range(rng.randint(8, 25)):
                after_s, session = rng.choice([1, 20, 700, 2000]), rng.choice(SESSIONS)
                place, pass_ = rng.choice([A, A, B, B, AREA]), rng.choice([1, 1, 1, 2])
                match rng.randint(0, 9):
                    case 0:
                        station.anchor(after_s)
                    case 1 | 2:
                        station.scan(rng.choice(CODES), -1000, Reason.SALE, after_s)
                    case 3 if station.lines:
                        station.undo(rng.randint(1, len(station.lines)), after_s)
                    case 4 | 5 | 6:
                        done(station, place, pass_=pass_, person=station.name, session=session, after_s=after_s)
                    case _:
                        found(
                            station,
                            place,
                            rng.randint(0, 9),
                            rng.choice(CODES),
                            pass_=pass_,
                            person=station.name,
                            session=session,
                            after_s=after_s,
                        )
        self.floor: list[FloorWord] = [
            word
            for word in (
                shelf(A, rng.choice([0, NOON_US + HOURS_US])),
                shelf(B),
                home(TEA, A),
                home(TEA, B, rng.choice([0, NOON_US + HOURS_US])),
                home(JAM, B),
            )
            if rng.random() < 0.8
        ]
        self.floor.sort(key=lambda word: not hasattr(word, "kind"))
        self.decisions: list[CountDecision] = [
            plan(session, rng.choice([None, None, (TEA,)]), closed=rng.random() < 0.3, at_us=NOON_US + HOURS_US)
            for session in SESSIONS
            if rng.random() < 0.6
        ]
        self.decisions += [
            ruled(
                rng.choice(list(CountVerdict)),
                rng.choice([None, *ITEMS]),
                rng.choice([None, 1, 2]),
                session=rng.choice(SESSIONS),
            )
            for _ in range(rng.randint(0, 3))
        ]
        self.voids: list[bytes] = []
        for _ in range(2):
            station = rng.choice(self.stations)
            target = station.id(rng.randint(1, len(station.lines)))
            self.voids.append(encode_entry(Void(NOON_US + 9 * HOURS_US, str(target), "ann", "")))
        self.changes: list[list[CatalogueRow]] = [
            [Item(TEA, "Green tea"), CodeLink(key(TEA_CODE), TEA)],
            [CodeLink(key(JAM_CODE), JAM)],
            [CodeLink(key(NEW_CODE), TEA, valid_to_us=NOON_US + 2 * HOURS_US)],
            [CodeLink(key(NEW_CODE), ITEMS[2], 2000, valid_from_us=NOON_US + 2 * HOURS_US)],
        ]

    @property
    def left(self) -> bool:
        waits = any(station.told < len(station.lines) for station in self.stations)
        return bool(self.floor or self.decisions or self.voids or self.changes) or waits


_STANDING = (
    select(
        tables.scope.c.item,
        tables.scope.c.area,
        tables.entry.c.qty_milli,
        tables.entry.c.span_us,
        tables.entry.c.t_us,
        tables.entry.c.seq,
    )
    .join(tables.entry, tables.entry.c.scope == tables.scope.c.id)
    .join(tables.epoch, tables.epoch.c.id == tables.entry.c.epoch)
    .where(tables.epoch.c.name == bindparam("name"), tables.entry.c.stands != 0)
)


def standing(sql: Sql) -> tuple[dict[Scope, Said], dict[Scope, Said]]:
    """What the books hold of the sessions' counts, and what the plain definition says of them."""
    epochs, floor = EpochRows(), StoreFloor(sql)
    kept: dict[Scope, Said] = {}
    defined: dict[Scope, Said] = {}
    for session in SESSIONS:
        for scope, said in counted(*count_rows.material(sql, epochs, session), floor).items():
            defined[Scope(ItemId(f"{session}/{scope.item}"), scope.area)] = said
        name = str(session_entry(session, Scope(TEA, PlaceId(AREA))).epoch)
        rows = sql.execute(_STANDING, {"name": name}).fetchall()
        complete = [each for each in count_completes.completes(sql) if each.session == session]
        for item, area, qty_milli, span_us, t_us, seq in rows:
            scope = Scope(ItemId(item), PlaceId(area))
            assert seq == session_entry(session, scope).seq
            zero = any(each.zero(scope, floor) is not None for each in complete)
            if not zero:
                kept[Scope(ItemId(f"{session}/{item}"), scope.area)] = Said(qty_milli, qty_milli, span_us, t_us)
    return kept, defined


async def live(folder: Path, seed: int, order: int) -> tuple[Any, ...]:
    """Live the days of `seed`, heard in the order of `order`; give the figures that say something."""
    days, rng = Days(random.Random(seed)), random.Random(order)
    path = folder / f"{seed}-{order}.db"
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(store_at(path))
        while days.left:
            match rng.randint(0, 8):
                case 0 if days.changes:
                    await store.apply_catalogue(days.changes.pop(0))
                case 1 if days.decisions:
                    await store.journal.append([encode_entry(days.decisions.pop(0))])
                case 2 if days.floor:
                    await store.journal.append([encode_entry(days.floor.pop(0))])
                case 3 if days.voids:
                    await store.journal.append([days.voids.pop(0)])
                case 4:
                    await store.fold_some(rng.choice([1, 5, 1000]))
                case 5 if rng.random() < 0.2:
                    await store.aclose()
                    store = await stack.enter_async_context(store_at(path))
                case _:
                    speakers = rng.sample(days.stations, rng.randint(1, 3))
                    await store.commit([s.commit(rng.choice([1, 3, 50])) for s in speakers if s.told < len(s.lines)])
        await fold_all(store, rng.choice([1, 7, 1000]))
        await assert_books_agree(store)
        kept, defined = await store._database.read(standing)
        assert kept == defined
        rows = (await store.stock(limit=1000)).rows
        held = {(q.log, q.seq, q.reason) for q in (await store.quarantine(limit=1000)).rows if q.log != "journal"}
        figures = [(r.item, r.on_hand_milli, r.lo_milli, r.hi_milli, r.ambiguous, r.counted_us) for r in rows]
        return sorted(defined.items()), [each for each in figures if any(each[1:5])], held


@pytest.mark.parametrize("seed", [*range(5), *(pytest.param(n, marks=pytest.mark.torture) for n in range(5, 200))])
async def test_every_order_and_batching_gives_the_same_counts(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await live(tmp_path, seed, 0)
    for order, batch in ((1, 1), (2, 9)):
        monkeypatch.setattr(folding, "BATCH", batch)
        assert await live(tmp_path, seed, order) == first


async def test_the_days_hold_counts_at_all(tmp_path: Path) -> None:
    """A test of sessions of which none covers anything shows nothing."""
    found_any = [(await live(tmp_path, seed, 0))[0] for seed in range(5)]
    assert sum(map(len, found_any)) > 5
