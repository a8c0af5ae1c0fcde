"""Fields that the store owns: the last writer's word by the hub's order, what it lost to kept, and books made anew."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hub.errors import BadInput
from hub.store.own_fields import Bounds
from hub.store.store import HubStore
from protocol.dated_words import PlaceGiven, PlaceKind
from protocol.documents import FieldLine, FieldsSet
from protocol.hq_decisions import FieldWritten, OwnField
from tests.unit.hub_store.shop import AREA, BOTH_ENGINES, JAM, NOON_US, TEA, fold_all, shop, store_at
from tests.unit.hub_store.test_transfers import HeadOffice

pytestmark = BOTH_ENGINES


def ours(milli: int | None = None, field: OwnField = OwnField.MIN, place: str = "", *, at_us: int = 0) -> FieldWritten:
    return FieldWritten(NOON_US + at_us, TEA, AREA, field, milli, place, "", "anna", "as we like it")


def theirs(document: str, *lines: FieldLine) -> FieldsSet:
    return FieldsSet(NOON_US, document, lines, "hq", "plan")


def low(milli: int | None) -> FieldLine:
    return FieldLine(TEA, AREA, OwnField.MIN, milli)


async def values(store: HubStore, field: OwnField = OwnField.MIN) -> list[tuple[int | str | None, str]]:
    """What a field of tea is and was, the last first, and by which document."""
    await fold_all(store)
    for state in await store.head_office.fields_of(TEA):
        if state.now.field is field:
            rows = (state.now, *state.before)
            return [(row.place if field is OwnField.SHELF else row.milli, row.document) for row in rows]
    return []


async def shelves(store: HubStore, *names: str) -> None:
    for name in names:
        word = PlaceGiven(NOON_US, name, "", AREA, PlaceKind.SHELF, NOON_US - 1, "anna", "here it is")
        await store.decide(word)


async def homes(store: HubStore, at_us: int) -> list[str]:
    return [row.place for row in await store.homes(NOON_US + at_us, item=TEA)]


async def test_the_last_writer_holds_whoever_it_is_and_the_loser_is_kept(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        hq = HeadOffice()
        await store.decide(ours(6000))
        await hq.write(store, theirs("PL-1", low(24_000), FieldLine(JAM, AREA, OwnField.MAX, 48_000)))
        assert await values(store) == [(24_000, "PL-1"), (6000, "")]
        await store.decide(ours(12_000))
        assert await values(store) == [(12_000, ""), (24_000, "PL-1"), (6000, "")]
        found = await store.head_office.bounds([TEA, JAM])
        assert found == {(TEA, AREA): Bounds(12_000, None), (JAM, AREA): Bounds(None, 48_000)}
        await hq.write(store, theirs("PL-2", low(None)))
        assert (await values(store))[0] == (None, "PL-2")
        assert await store.head_office.bounds([TEA]) == {}


async def test_a_document_is_taken_once_however_often_it_comes_and_books_are_made_anew(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        hq = HeadOffice()
        await hq.write(store, theirs("PL-1", low(24_000)), theirs("PL-1", low(24_000)), theirs("PL-1", low(5)))
        assert await values(store) == [(24_000, "PL-1")]
        (held,) = (await store.quarantine()).rows
        assert (held.reason, held.seq) == ("document-reused", 3)
        await store.decide(ours(12_000))
        before, entries = await values(store), store.journal.view.head.seq
        await store.keeping.unfold()
        assert (await values(store), store.journal.view.head.seq) == (before, entries)
        await store.keeping.begin_epochs()
        assert await values(store) == before
    async with store_at(tmp_path / "hub.db") as store:
        assert await values(store) == before


async def test_a_shelf_is_where_the_item_is_at_home_from_then_on(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        hq = HeadOffice()
        await shelves(store, "left", "right")
        await store.decide(ours(None, OwnField.SHELF, "left", at_us=10))
        assert await homes(store, 10) == ["left"]
        await hq.write(store, theirs("PL-1", FieldLine(TEA, AREA, OwnField.SHELF, None, "right")))
        # The hub's clock is still at noon: head office's word is later in the journal all the same.
        assert await values(store, OwnField.SHELF) == [("right", "PL-1"), ("left", "")]
        await store.decide(ours(None, OwnField.SHELF, "left", at_us=20))
        assert await homes(store, 20) == ["left"]
        await store.decide(ours(None, OwnField.SHELF, "", at_us=30))
        assert await homes(store, 30) == []
        with pytest.raises(BadInput) as refused:
            await store.decide(ours(None, OwnField.SHELF, "till-1"))
        assert refused.value.name == "not-a-shelf"
        await hq.write(store, theirs("PL-2", FieldLine(TEA, AREA, OwnField.SHELF, None, "nowhere")))
        assert (await values(store, OwnField.SHELF))[0] == ("nowhere", "PL-2")
        assert await homes(store, 40) == []


@pytest.mark.parametrize("seed", range(1, 4))
async def test_the_journal_says_in_which_order_they_came_however_it_is_folded(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    async with shop(tmp_path) as store:
        hq = HeadOffice()
        for number in range(12):
            if rng.random() < 0.5:
                await hq.write(store, theirs(f"PL-{number}", low(number * 1000)))
            else:
                await store.decide(ours(number * 1000))
            if rng.random() < 0.5:
                await store.fold_some(rng.choice([1, 100]))
        told = await values(store)
        assert sorted(milli for milli, _ in told if isinstance(milli, int)) == [n * 1000 for n in range(12)]
        await store.keeping.unfold()
        while (await store.fold_some(rng.choice([1, 3]))).lag:
            pass
        assert await values(store) == told
