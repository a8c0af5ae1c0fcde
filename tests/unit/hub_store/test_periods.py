"""Periods declared final: refused while something may come, corrected when it does, and never told otherwise."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hub.errors import BadInput
from hub.store.store import HubStore
from protocol.catalogue import CodeLink
from protocol.chain import Chapter
from protocol.dated_words import PlaceGiven, PlaceKind
from protocol.decisions import Dismissed
from protocol.events import Count, Reason
from protocol.feed import CorrectionEntry, FinalEntry, decode_feed_entry
from protocol.identity import Epoch
from protocol.period_words import Finality
from tests.unit.hub_store.kept import Kept
from tests.unit.hub_store.shop import (
    BOTH_ENGINES,
    JAM,
    JAM_CODE,
    NEW_CODE,
    NOON_US,
    SECOND_US,
    TEA_CODE,
    Station,
    assert_books_agree,
    feed_lines,
    fold_all,
    key,
    shop,
)

pytestmark = BOTH_ENGINES
AT_US = NOON_US + 100_000 * SECOND_US


def declared(until_s: int, excluded: tuple[str, ...] = (), by: str = "") -> Finality:
    return Finality(AT_US, NOON_US + until_s * SECOND_US, 1, 1, (), excluded, (), "ann", "end of the month", by)


async def closed(store: HubStore, until_s: int) -> dict[str, tuple[int, int]]:
    """On hand as declared and as corrected, by item, in pieces."""
    rows = await store.closing(NOON_US + until_s * SECOND_US)
    for row in rows:
        figures = row.figures
        virtual = (figures.supplier_milli, figures.customer_milli, figures.shrink_milli)
        rest = (figures.opening_milli, figures.transit_milli, figures.conversion_milli)
        assert figures.on_hand_milli + sum(virtual) + sum(rest) == 0
    return {row.figures.item: (row.declared_milli // 1000, row.figures.on_hand_milli // 1000) for row in rows}


async def settled(store: HubStore) -> None:
    await fold_all(store)
    await assert_books_agree(store)


def a_till(name: str = "till-1", marked: bool = True) -> Station:
    till = Station(name, boot=f"boot-{name}")
    till.anchor()
    till.scan(TEA_CODE, 10_000, Reason.RECEIPT)
    till.scan(TEA_CODE, -1000, after_s=50)
    if marked:
        till.anchor(after_s=1000)
        till.mark()
    return till


async def test_a_period_is_declared_and_what_comes_late_is_a_correction(tmp_path: Path) -> None:
    till, other = a_till(), a_till("till-2", marked=False)
    async with shop(tmp_path) as store:
        await till.tell(store)
        await other.tell(store, 2)
        await fold_all(store)
        with pytest.raises(BadInput, match="waiting for till-2"):
            await store.declare(declared(500))
        entry, repeated = await store.declare(declared(500, ("till-2",), "k"))
        assert (entry.station, repeated) == ("hub", False)
        assert await store.declare(declared(500, ("till-2",), "k")) == (entry, True)
        await settled(store)
        assert await closed(store, 500) == {"tea": (19, 19)}
        await other.tell(store)
        await settled(store)
        assert await closed(store, 500) == {"tea": (19, 18)}
        (row,) = await store.corrections(NOON_US + 500 * SECOND_US)
        assert (row.figures.on_hand_milli, row.figures.customer_milli) == (-1000, 1000)
        # What comes after the end is no correction.
        till.scan(TEA_CODE, -1000)
        await till.tell(store)
        await settled(store)
        assert await closed(store, 500) == {"tea": (19, 18)}
        (period,) = await store.periods()
        assert (period.excluded, period.figures, period.corrections) == (("till-2",), 1, 1)
        told = [decode_feed_entry(line) for line in await feed_lines(store)]
        (final,) = [each for each in told if isinstance(each, FinalEntry)]
        (correction,) = [each for each in told if isinstance(each, CorrectionEntry)]
        assert [(each.item, each.on_hand_milli) for each in final.data.rows] == [("tea", 19_000)]
        assert [each.on_hand_milli for each in correction.data.rows] == [-1000]
        await store.keeping.unfold()
        await settled(store)
        assert await closed(store, 500) == {"tea": (19, 18)}


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (declared(200_000), "not-over"),
        (declared(400), "not-later"),
        (declared(5000), "not-complete"),
        (declared(600, ("nobody",)), "station-unknown"),
    ],
)
async def test_what_cannot_be_declared_is_refused(tmp_path: Path, asked: Finality, name: str) -> None:
    till = a_till()
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        await store.declare(declared(500))
        await fold_all(store)
        with pytest.raises(BadInput, match=name):
            await store.declare(asked)


async def test_what_is_held_back_stands_in_the_way_until_somebody_looks_at_it(tmp_path: Path) -> None:
    till = Station()
    till.anchor()
    till.scan(NEW_CODE)
    bad = till.say(b"rubbish")
    till.anchor(after_s=1000)
    till.mark()
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        with pytest.raises(BadInput, match="held back"):
            await store.declare(declared(500))
        await store.apply_catalogue([CodeLink(key(NEW_CODE), JAM)])
        await fold_all(store)
        with pytest.raises(BadInput, match="held back"):
            await store.declare(declared(500))
        await store.decide(Dismissed(NOON_US, str(till.id(bad)), "ann", "a torn page"))
        await fold_all(store)
        await store.declare(declared(500))
        await settled(store)
        assert await closed(store, 500) == {"jam": (-1, -1)}


async def test_a_count_that_waits_for_a_shelf_is_waited_for(tmp_path: Path) -> None:
    till = Station()
    till.anchor()
    till.up_us += 100 * SECOND_US
    till.say(Count(till.when(), till.up_us - SECOND_US, "scanner", TEA_CODE, 9000, "left", "autumn"), 0)
    till.anchor(after_s=1000)
    till.mark()
    async with shop(tmp_path) as store:
        front = PlaceGiven(NOON_US, "front", "", "front", PlaceKind.AREA, 0, "ann", "x")
        shelves = [PlaceGiven(NOON_US, each, "", "front", PlaceKind.SHELF, 0, "ann", "x") for each in ("left", "right")]
        await store.lay_out([front, *shelves])
        await till.tell(store)
        await fold_all(store)
        with pytest.raises(BadInput, match="waiting for autumn"):
            await store.declare(declared(500))
        await store.declare(declared(500, ("autumn",)))


async def test_whatever_changes_a_closed_figure_is_a_correction(tmp_path: Path) -> None:
    till = a_till()
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        await store.declare(declared(500))
        till.undo(3)
        await till.tell(store)
        await settled(store)
        assert await closed(store, 500) == {"tea": (9, 10)}
        area = PlaceGiven(NOON_US, "front", "", "front", PlaceKind.AREA, 0, "ann", "x")
        await store.lay_out([area, PlaceGiven(NOON_US, "shop", "", "front", PlaceKind.SPOT, 0, "ann", "x")])
        await fold_all(store)
        assert not await store.rebuild()
        rows = {row.figures.area: row for row in await store.closing(NOON_US + 500 * SECOND_US)}
        assert (rows["store"].declared_milli, rows["store"].figures.on_hand_milli) == (9000, 0)
        assert (rows["front"].declared_milli, rows["front"].figures.on_hand_milli) == (0, 10_000)


async def test_a_count_in_a_closed_time_that_comes_late_is_a_correction_of_every_period_since(tmp_path: Path) -> None:
    till, counter = a_till(), Station("count-1", boot="boot-c")
    counter.anchor()
    counter.count(TEA_CODE, 7000, after_s=300)
    till.anchor(after_s=1000)
    till.mark()
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        await store.declare(declared(500))
        await fold_all(store)
        await store.declare(declared(1500))
        await fold_all(store)
        await counter.tell(store)
        await settled(store)
        assert await closed(store, 500) == {"tea": (9, 7)}
        assert await closed(store, 1500) == {"tea": (9, 7)}


async def test_what_was_declared_survives_a_lost_file_and_a_journal_carried_on(tmp_path: Path) -> None:
    kept, till, late = Kept(tmp_path), a_till(), a_till("till-2", marked=False)
    async with kept.open() as (store, archive):
        await till.tell(store)
        await late.tell(store, 2)
        await fold_all(store)
        backup, _ = kept.back_up("night.db", archive)
        await store.declare(declared(500, ("till-2",)))
        await late.tell(store)
        await settled(store)
        assert await closed(store, 500) == {"tea": (19, 18)}
    kept.path.unlink()
    await kept.restore(backup)
    async with kept.open(archived=False) as (store, _):
        await settled(store)
        assert await closed(store, 500) == {"tea": (19, 18)}
        view = store.journal.view
        first = view.lineage[0].origin()
        await store.journal.open_epoch(Chapter(Epoch(view.head.epoch.generation + 1, 9), first, 0))
        await settled(store)
        assert await closed(store, 500) == {"tea": (19, 18)}
        (period,) = await store.periods()
        assert period.corrections == 1


async def live(path: Path, seed: int, order: int) -> object:
    """Two tills, closed at a moment that depends on the order: the figures of the period come out the same."""
    rng = random.Random(seed)
    tills = [Station(f"till-{n}", Epoch(1, n), f"boot-{n}") for n in (1, 2)]
    for till in tills:
        till.anchor()
        for _ in range(25):
            after_s = rng.choice([1, 60, 900])
            code = rng.choice([TEA_CODE, JAM_CODE, NEW_CODE])
            match rng.randint(0, 6):
                case 0:
                    till.count(code, rng.randint(0, 9) * 1000, after_s)
                case 1:
                    till.undo(rng.randint(1, 26), after_s)
                case 2:
                    till.anchor(after_s)
                case _:
                    till.scan(code, rng.choice([-1000, 2000]), rng.choice([Reason.SALE, Reason.RECEIPT]), after_s)
    rng = random.Random(order)
    folder = path / f"{seed}-{order}"
    folder.mkdir()
    until = 4000
    async with shop(folder) as store:
        for till in tills:
            await store.commit([till.commit(1)])
        late, open_yet = [CodeLink(key(NEW_CODE), JAM)], True
        while late or open_yet or any(till.told < len(till.lines) for till in tills):
            match rng.randint(0, 4):
                case 0 if open_yet:
                    await fold_all(store)
                    held = (await store.in_the_way(NOON_US + until * SECOND_US, ("till-1", "till-2"))).held
                    assert not held
                    await store.declare(declared(until, ("till-1", "till-2")))
                    open_yet = False
                case 1:
                    await store.fold_some(rng.choice([1, 5, 1000]))
                case 2 if late:
                    await store.apply_catalogue(late)
                    late = []
                case _:
                    left = [till for till in tills if till.told < len(till.lines)]
                    await store.commit([till.commit(rng.choice([1, 9])) for till in left])
        await settled(store)
        rows = await store.closing(NOON_US + until * SECOND_US)
        return [
            row.figures for row in rows if any(getattr(row.figures, n) for n in ("on_hand_milli", "customer_milli"))
        ]


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(n, marks=pytest.mark.torture) for n in range(4, 60))])
async def test_whenever_a_period_is_closed_its_figures_come_out_the_same(tmp_path: Path, seed: int) -> None:
    first = await live(tmp_path, seed, 0)
    for order in (1, 2):
        assert await live(tmp_path, seed, order) == first
