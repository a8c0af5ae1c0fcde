"""Leads by decision: of an area or of all others, from a moment on, whichever came first."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hub.store import folding
from hub.store.store import HubStore
from protocol.dated_words import LeadsGiven
from protocol.events import Reason, encode_entry
from protocol.identity import Epoch
from tests.unit.hub_store.shop import (
    BOTH_ENGINES,
    HOUR_US,
    NOON_US,
    SECOND_US,
    TEA_CODE,
    Station,
    fold_all,
    give_place,
    shop,
)

pytestmark = BOTH_ENGINES
MINUTE_US = 60 * SECOND_US


def leads(minutes: int, area: str = "", from_us: int = 0, reason: Reason = Reason.SALE) -> LeadsGiven:
    return LeadsGiven(NOON_US, area, reason, minutes * MINUTE_US, 0, from_us, "ann", "measured")


async def doubt(store: HubStore) -> int:
    await fold_all(store)
    differences = await store.rebuild()
    assert not differences, "\n".join(map(str, differences))
    (row,) = (await store.stock()).rows
    return row.ambiguous


def counted_then_sold(after_s: float) -> Station:
    """A count, and a sale some time after it."""
    till = Station()
    till.anchor()
    till.count(TEA_CODE, 9000)
    till.scan(TEA_CODE, after_s=after_s)
    return till


async def test_a_word_on_an_area_goes_before_one_on_all_and_both_before_the_usual(tmp_path: Path) -> None:
    till = counted_then_sold(600)
    async with shop(tmp_path) as store:
        await till.tell(store)
        assert await doubt(store) == 1
        await store.decide(leads(5))
        assert await doubt(store) == 0
        await store.decide(leads(20, "store"))
        assert await doubt(store) == 1
        await store.decide(leads(0, reason=Reason.RECEIPT))
        assert await doubt(store) == 1
        await store.decide(leads(5, "store"))
        assert await doubt(store) == 0


async def test_it_holds_from_its_moment_on(tmp_path: Path) -> None:
    till = counted_then_sold(600)
    async with shop(tmp_path) as store:
        await till.tell(store)
        await store.decide(leads(5, from_us=NOON_US + HOUR_US))
        assert await doubt(store) == 1
        await store.decide(leads(5, from_us=NOON_US + 60 * SECOND_US))
        assert await doubt(store) == 0
        till.scan(TEA_CODE)
        await till.tell(store)
        assert await doubt(store) == 0


async def test_the_area_is_that_of_the_place_at_the_time(tmp_path: Path) -> None:
    till = counted_then_sold(600)
    async with shop(tmp_path) as store:
        await till.tell(store)
        await give_place(store, "till", "front")
        await store.decide(leads(5, "front"))
        assert await doubt(store) == 1
        await give_place(store, "shop", "front")
        await fold_all(store)
        assert [row.ambiguous for row in (await store.stock()).rows if row.area == "front"] == [0]
        assert not await store.rebuild()


async def live(path: Path, seed: int, order: int) -> object:
    """Two tills and some words on leads, heard in the order of `order`."""
    rng = random.Random(seed)
    tills = [Station(f"till-{n}", Epoch(1, n), f"boot-{n}") for n in (1, 2)]
    for till in tills:
        till.anchor()
        for _ in range(30):
            after_s = rng.choice([1, 60, 900])
            if rng.random() < 0.15:
                till.count(TEA_CODE, rng.randint(0, 9) * 1000, after_s)
            else:
                reason = rng.choice([Reason.SALE, Reason.RECEIPT])
                till.scan(TEA_CODE, rng.choice([-1000, 2000]), reason, after_s)
    journal = [
        encode_entry(
            leads(
                rng.choice([0, 5, 60]),
                rng.choice(["", "store"]),
                rng.choice([0, NOON_US + rng.randint(0, 9000) * SECOND_US]),
                rng.choice([Reason.SALE, Reason.RECEIPT]),
            )
        )
        for _ in range(5)
    ]
    rng = random.Random(order)
    folder = path / f"{seed}-{order}"
    folder.mkdir()
    async with shop(folder) as store:
        while journal or any(till.told < len(till.lines) for till in tills):
            match rng.randint(0, 2):
                case 0 if journal:
                    await store.journal.append([journal.pop(0)])
                case 1:
                    await store.fold_some(rng.choice([1, 5, 1000]))
                case _:
                    await store.commit(
                        [till.commit(rng.choice([1, 9])) for till in tills if till.told < len(till.lines)]
                    )
        await doubt(store)
        return [(row.on_hand_milli, row.lo_milli, row.hi_milli, row.ambiguous) for row in (await store.stock()).rows]


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(n, marks=pytest.mark.torture) for n in range(4, 60))])
async def test_the_order_of_arrival_does_not_show(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await live(tmp_path, seed, 0)
    for order, batch in ((1, 1), (2, 9)):
        monkeypatch.setattr(folding, "BATCH", batch)
        assert await live(tmp_path, seed, order) == first
