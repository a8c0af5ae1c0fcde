"""Statements, entries and answers in any order of arrival come to the same: one day, told to a hub again and again."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from hub.errors import BadInput
from hub.store.store import HubStore
from protocol.documents import FieldLine, FieldsSet, StatedLine, StockStated
from protocol.hq_decisions import ConflictAnswer, ConflictAnswered, FieldWritten, OwnField
from protocol.identity import Epoch
from tests.unit.hub_store.shop import (
    AREA,
    BOTH_ENGINES,
    HOUR_US,
    JAM,
    JAM_CODE,
    NOON_US,
    TEA,
    TEA_CODE,
    Station,
    assert_books_agree,
    fold_all,
    on_hand,
    shop,
)
from tests.unit.hub_store.test_stated import settle
from tests.unit.hub_store.test_transfers import HeadOffice, virtual

pytestmark = BOTH_ENGINES


def stations(rng: random.Random) -> list[Station]:
    told = [Station("till-1"), Station("till-2", Epoch(1, 8))]
    for station in told:
        station.anchor()
        for _ in range(rng.randint(4, 10)):
            if rng.random() < 0.3:
                # After the answers, too: then a recount is done.
                station.up_us += rng.choice([0, 2 * HOUR_US])
                station.count(rng.choice([TEA_CODE, JAM_CODE]), 1000 * rng.randint(0, 30))
            else:
                station.scan(rng.choice([TEA_CODE, JAM_CODE]), -1000, after_s=rng.choice([1, 600]))
    return told


async def tell_some(store: HubStore, told: Sequence[Station], rng: random.Random) -> None:
    station = rng.choice([each for each in told if each.told < len(each.lines)])
    await station.tell(store, rng.randint(1, 4))


def left(told: Sequence[Station]) -> bool:
    return any(station.told < len(station.lines) for station in told)


async def live(
    store: HubStore, hq: HeadOffice, told: Sequence[Station], rng: random.Random, *, sets_fields: bool
) -> None:
    """A day at the hub: what head office says, and what people answer."""
    number = 0
    while left(told):
        await tell_some(store, told, rng)
        await settle(store)
        head = store.feed.view.head
        if rng.random() < 0.5:
            number += 1
            lines = tuple(StatedLine(item, AREA, 1000 * rng.randint(-9, 9)) for item in (TEA, JAM))
            at = str(head.epoch), rng.randint(0, head.seq)
            await hq.write(store, StockStated(NOON_US, f"ST-{number}", 0, *at, lines))
            if sets_fields:
                await hq.write(store, FieldsSet(NOON_US, f"PL-{number}", (FieldLine(TEA, AREA, OwnField.MIN, number),)))
            await settle(store)
        for row in (await store.head_office.conflicts(wanted=True)).rows:
            if rng.random() < 0.4:
                word = ConflictAnswered(
                    NOON_US + HOUR_US, row.document, row.item, row.area, rng.choice([*ConflictAnswer]), "a", "b"
                )
                # A recount that is asked for already.
                with suppress(BadInput):
                    await store.decide(word)
        if rng.random() < 0.2:
            await store.decide(FieldWritten(NOON_US, TEA, AREA, OwnField.MIN, 99, "", "", "anna", "no"))


async def what_it_comes_to(store: HubStore) -> list[object]:
    await fold_all(store)
    conflicts = [
        (row.document, row.item, row.hq_milli, row.ours_milli, row.pending_milli, row.standing, row.on_hand_milli,
         [(each.answer, each.at_us) for each in row.answers], row.later, row.counted_us)
        for row in (await store.head_office.conflicts(limit=500)).rows
    ]  # fmt: skip
    fields = [
        [(row.milli, row.document) for row in (state.now, *state.before)]
        for state in await store.head_office.fields_of(TEA)
    ]
    statements = [(row.document, row.compared_us, row.differing) for row in (await store.head_office.statements()).rows]
    return [sorted(conflicts), fields, statements, await on_hand(store)]


@pytest.mark.parametrize("seed", range(1, 4))
async def test_a_hub_that_hears_it_in_another_order_comes_to_the_same(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    told, hq, sets_fields = stations(rng), HeadOffice(), seed % 2 == 0
    async with shop(tmp_path) as store:
        await live(store, hq, told, rng, sets_fields=sets_fields)
        await settle(store)
        expected = await what_it_comes_to(store)
        epoch = store.journal.view.head.epoch
        journal = list((await store.journal.read(epoch, 1, 1000, 1 << 30)).lines)
    assert expected[0], "a day without a conflict proves nothing"
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        for station in told:
            station.told = 0
        documents, again, decided = hq.lines[:], HeadOffice(), 0
        async with shop(folder) as store:
            while left(told) or documents or decided < len(journal):
                match rng.randint(0, 2):
                    case 0 if left(told):
                        await tell_some(store, told, rng)
                    # Fields get their order from the journal, which comes back with the file, before all is read again.
                    case 1 if documents and (decided == len(journal) or not sets_fields):
                        await again.write(store, documents.pop(0))
                    case 2 if decided < len(journal):
                        some = journal[decided : decided + rng.randint(1, 5)]
                        await store.journal.append(some)
                        decided += len(some)
                if rng.random() < 0.5:
                    await store.fold_some(rng.choice([1, 3, 100]))
                if rng.random() < 0.2:
                    await store.head_office.compare()
            assert await what_it_comes_to(store) == expected
            assert await store.head_office.compare() == 0
            assert store.journal.view.head.seq == len(journal), "nothing is decided twice"
            virtual(folder)
            await assert_books_agree(store)
