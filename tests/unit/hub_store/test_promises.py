"""Reservations and safety stock in the store: what may be promised is a function of what was said, in any order."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from msgspec.structs import replace

from hub.errors import BadInput
from hub.store.store import HubStore
from hub.store.views import Looked
from protocol.decisions import Adjustment, PromiseWord, ReservationSaid, ReservationStep, SafetyGiven
from protocol.events import Delta, Reason, encode_entry
from protocol.identity import Epoch
from tests.unit.hub_store.shop import (
    AREA,
    BOTH_ENGINES,
    HOUR_US,
    JAM,
    NOON_US,
    TEA,
    TEA_CODE,
    Clock,
    Station,
    assert_books_agree,
    catalogue,
    fold_all,
    shop,
    store_at,
)

pytestmark = BOTH_ENGINES


def reserve(qty: int, document: str = "order-1", until_us: int | None = None, item: str = TEA) -> ReservationSaid:
    step = ReservationStep.RESERVE
    return ReservationSaid(NOON_US, document, step, item, AREA, qty * 1000, until_us, "ann", "they called")


def end(step: ReservationStep, document: str = "order-1") -> ReservationSaid:
    return replace(reserve(0, document), step=step)


def safety(qty: int, area: str = "", from_us: int = 0) -> SafetyGiven:
    return SafetyGiven(NOON_US, TEA, area, qty * 1000, from_us, "ann", "never without")


def sale(till: Station, qty: int, document: str | None, reason: Reason = Reason.SALE) -> int:
    till.up_us += 1_000_000
    return till.say(Delta(till.when(), "scanner", TEA_CODE, "]E0", qty * 1000, reason, "shop", document), 0)


async def figures(store: HubStore) -> tuple[int, int, int, int]:
    """On hand, reserved, safety and available of tea, in pieces."""
    await fold_all(store)
    (row,) = (await store.stock_of(TEA)).rows
    found = (row.on_hand_milli, row.reserved_milli, row.safety_milli, row.available_milli)
    return tuple(milli // 1000 for milli in found)  # type: ignore[return-value]


async def test_a_sale_that_names_the_order_is_taken_off_and_its_undo_is_not(tmp_path: Path) -> None:
    till = Station()
    till.anchor()
    till.count(TEA_CODE, 20_000)
    async with shop(tmp_path) as store:
        await till.tell(store)
        await store.decide(reserve(5))
        await store.decide(safety(3))
        assert await figures(store) == (20, 5, 3, 12)
        sold = sale(till, -2, "order-1")
        sale(till, -1, None)
        await till.tell(store)
        assert await figures(store) == (17, 3, 3, 11)
        till.undo(sold)
        await till.tell(store)
        assert await figures(store) == (19, 5, 3, 11)
        sale(till, -6, "order-1")
        sale(till, 2, "order-1", Reason.RETURN)
        await till.tell(store)
        assert await figures(store) == (15, 1, 3, 11)
        await store.decide(Adjustment(NOON_US + HOUR_US, TEA, AREA, -1000, Reason.SALE, "order-1", "erp", "by hand"))
        assert await figures(store) == (14, 0, 3, 11)
        (row,) = await store.reservations(ended=True)
        assert (row.state, row.sold_milli) == ("sold", 5000)
        assert await store.reservations() == ()
        await assert_books_agree(store)


async def test_it_ends_by_a_word_and_by_its_own_date_and_the_answer_in_hand_is_not_given_any_more(
    tmp_path: Path,
) -> None:
    clock = Clock()
    till = Station()
    till.anchor()
    till.count(TEA_CODE, 20_000)
    async with store_at(tmp_path / "hub.db", clock) as store:
        await store.apply_catalogue(catalogue())
        await till.tell(store)
        await fold_all(store)
        (looked,) = await store.look_up([TEA_CODE])
        assert isinstance(looked, Looked)
        number = looked.number
        await store.decide(reserve(4, until_us=NOON_US + HOUR_US))
        assert not store.freshness.holds(TEA, number)
        assert store.freshness.holds(JAM, number)
        (looked,) = await store.look_up([TEA_CODE])
        assert isinstance(looked, Looked)
        assert (looked.stock[0].available_milli, looked.until_us) == (16_000, NOON_US + HOUR_US)
        await store.decide(safety(6, from_us=NOON_US + HOUR_US // 2))
        assert await figures(store) == (20, 4, 0, 16)
        clock.now_us = NOON_US + HOUR_US // 2
        assert await figures(store) == (20, 4, 6, 10)
        clock.now_us = NOON_US + HOUR_US
        assert await figures(store) == (20, 0, 6, 14)
        await store.decide(reserve(2, "order-2"))
        await store.decide(reserve(7, "order-2"))
        assert await figures(store) == (20, 7, 6, 7)
        await store.decide(end(ReservationStep.FULFIL, "order-2"))
        assert await figures(store) == (20, 0, 6, 14)
        with pytest.raises(BadInput, match="not-reserved"):
            await store.decide(end(ReservationStep.RELEASE, "order-2"))
        with pytest.raises(BadInput, match="item-unknown"):
            await store.decide(reserve(1, item="ghost"))
        with pytest.raises(BadInput, match="area-unknown"):
            await store.decide(safety(1, "yard"))
        with pytest.raises(BadInput, match="ends-before"):
            await store.decide(reserve(1, until_us=NOON_US))


async def test_the_books_made_anew_promise_the_same(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        till = Station()
        till.anchor()
        sale(till, -2, "order-1")
        await till.tell(store)
        keyed = replace(reserve(5), key="once")
        assert [made for _, made in [await store.decide(keyed), await store.decide(keyed)]] == [False, True]
        await store.decide(safety(1, AREA))
        before = await figures(store)
        assert before == (-2, 3, 1, 0)
        assert await store.reservations() != ()
        await store.keeping.unfold()
        assert await figures(store) == before


async def live(path: Path, seed: int, order: int) -> object:
    """A till that sells by order and without, and words on what is kept, heard in the order of `order`."""
    rng = random.Random(seed)
    till = Station("till-1", Epoch(1, 1))
    till.anchor()
    scanned: list[int] = []
    for _ in range(30):
        if scanned and rng.random() < 0.2:
            till.undo(scanned.pop(rng.randrange(len(scanned))))
        else:
            scanned.append(sale(till, rng.choice([-1, -2, 1]), rng.choice([None, "order-1", "order-2"])))
    words: list[PromiseWord] = [
        reserve(rng.randint(1, 30), rng.choice(["order-1", "order-2"]))
        if rng.random() < 0.6
        else safety(rng.randint(0, 9))
        for _ in range(6)
    ]
    rng = random.Random(order)
    folder = path / f"{seed}-{order}"
    folder.mkdir()
    async with shop(folder) as store:
        while till.told < len(till.lines) or words:
            if words and rng.random() < 0.4:
                await store.journal.append([encode_entry(words.pop(0))])
            elif till.told < len(till.lines):
                await till.tell(store, rng.randint(1, 9))
            if rng.random() < 0.4:
                await store.fold_some(rng.randint(1, 20))
        found = await figures(store)
        await assert_books_agree(store)
        return found, [(row.document, row.state, row.open_milli) for row in await store.reservations(ended=True)]


@pytest.mark.parametrize("seed", range(3))
async def test_every_order_of_arrival_promises_the_same(tmp_path: Path, seed: int) -> None:
    first, *others = [await live(tmp_path, seed, order) for order in range(3)]
    assert others == [first] * len(others)
