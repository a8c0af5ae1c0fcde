"""Baskets at the hub: nothing moves until one is sold, and while it is open nothing since its opening is final."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hub.errors import BadInput
from hub.store.store import HubStore
from protocol.decisions import ReservationSaid, ReservationStep
from protocol.events import BasketClosed, BasketEnd, BasketLine, BasketOpened, Delta, LineTakenOut, Reason, encode_entry
from protocol.identity import Epoch
from protocol.period_words import Finality
from tests.unit.hub_store.shop import (
    AREA,
    BOTH_ENGINES,
    HOUR_US,
    JAM_CODE,
    NOON_US,
    SECOND_US,
    TEA,
    TEA_CODE,
    Clock,
    Station,
    assert_books_agree,
    catalogue,
    fold_all,
    on_hand,
    shop,
    store_at,
    times_of,
)

pytestmark = BOTH_ENGINES


class Till(Station):
    """A station that sells by basket."""

    def open(self, name: str = "b-1", document: str | None = None, after_s: float = 1.0) -> None:
        self.name_of_basket, self.document, self.meant = name, document, list[tuple[int, Delta]]()
        self.up_us += int(after_s * SECOND_US)
        self.say(BasketOpened(self.when(), name, "shop", document), 0)

    def put_in(self, code: str = TEA_CODE, qty_milli: int = -1000, after_s: float = 1.0) -> None:
        self.up_us += int(after_s * SECOND_US)
        meant = Delta(self.when(), "scanner", code, "]E0", qty_milli, Reason.SALE, "shop", self.document)
        self.meant.append((self.say(BasketLine(meant, self.name_of_basket), 0), meant))

    def take_out(self) -> None:
        seq, _ = self.meant.pop()
        self.say(LineTakenOut(self.when(), "scanner", self.name_of_basket, str(self.epoch), seq))

    def close(self, how: BasketEnd = BasketEnd.SOLD, after_s: float = 1.0) -> None:
        self.up_us += int(after_s * SECOND_US)
        for _, meant in self.meant if how is BasketEnd.SOLD else ():
            self.say(meant, 0)
        self.say(BasketClosed(self.when(), self.name_of_basket, how), 0)


async def test_lines_are_booked_when_it_is_sold_each_at_its_own_time(tmp_path: Path) -> None:
    till = Till()
    till.anchor()
    till.open()
    till.put_in(after_s=10)
    till.mark()
    till.put_in(after_s=600)
    till.put_in(JAM_CODE)
    till.take_out()
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        assert await on_hand(store) == {}
        (row,) = await store.baskets()
        assert (row.station, row.name, row.lines, row.source) == ("till-1", "b-1", 2, "till-1/b-1")
        assert row.from_us == pytest.approx(NOON_US + 2 * SECOND_US, abs=SECOND_US // 10)
        kinds = [event.kind for event in await store.recent_events()]
        assert kinds == ["basket-undo", "basket-line", "basket-line", "basket-line", "basket-opened"]
        till.close(after_s=900)
        await till.tell(store)
        await fold_all(store)
        assert await on_hand(store) == {TEA: -2000}
        assert sorted(t_s for t_s, _ in (await times_of(store, till)).values()) == [12, 613]
        assert await store.baskets() == ()
        await assert_books_agree(store)
        till.open("b-2")
        till.put_in()
        till.close(BasketEnd.VOIDED)
        await till.tell(store)
        await fold_all(store)
        assert await on_hand(store) == {TEA: -2000}
        assert await store.baskets() == ()


async def test_one_that_went_through_a_power_cut_is_booked_by_the_clock_of_each_scan(tmp_path: Path) -> None:
    till = Till()
    till.anchor()
    till.open()
    till.put_in(after_s=10)
    till.reboot("boot-2", off_s=300)
    till.anchor()
    till.put_in(after_s=100)
    till.close()
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        assert sorted(t_s for t_s, _ in (await times_of(store, till)).values()) == [12, 413]
        await assert_books_agree(store)


async def test_an_open_basket_holds_back_what_is_to_be_final(tmp_path: Path) -> None:
    clock = Clock()
    till = Till()
    till.anchor()
    till.scan(JAM_CODE)
    till.open()
    till.put_in()
    till.mark(after_s=3600)
    async with store_at(tmp_path / "hub.db", clock) as store:
        await store.apply_catalogue(catalogue())
        await till.tell(store)
        await fold_all(store)
        clock.now_us = NOON_US + 2 * HOUR_US
        half = NOON_US + HOUR_US // 2
        assert (await store.in_the_way(half)).stations == ("till-1/b-1",)
        assert (await store.in_the_way(NOON_US + SECOND_US)).stations == ()
        assert (await store.in_the_way(half, ["till-1/b-1"])).stations == ()
        asked = Finality(clock.now_us, half, 1, 1, (), (), (), "ann", "month")
        with pytest.raises(BadInput, match="till-1/b-1"):
            await store.declare(asked)
        till.close()
        await till.tell(store)
        await fold_all(store)
        assert (await store.in_the_way(half)).stations == ()
        await store.declare(asked)
        assert {row.figures.item: row.figures.on_hand_milli for row in await store.closing(half)} == {
            "tea": -1000,
            "jam": -1000,
        }


async def test_a_restart_remembers_what_is_open_and_a_clock_known_later_says_since_when(tmp_path: Path) -> None:
    till = Till(synced=False)
    till.open()
    till.put_in()
    async with shop(tmp_path) as store:
        await till.tell(store, 1)
        await fold_all(store)
        (row,) = await store.baskets()
        assert (row.from_us, row.lines) == (None, 0)
        assert (await store.in_the_way(NOON_US)).stations != ()
    async with store_at(tmp_path / "hub.db") as store:
        till.anchor()
        await till.tell(store)
        await fold_all(store)
        (row,) = await store.baskets()
        assert row.from_us is not None
        assert row.lines == 1
        before = await store.baskets()
        await store.keeping.unfold()
        await fold_all(store)
        assert await store.baskets() == before


async def live(path: Path, seed: int, order: int) -> object:
    """Two tills selling by basket and at once, and orders reserved, heard in the order of `order`."""
    rng = random.Random(seed)
    tills = [Till(f"till-{n}", Epoch(1, n), f"boot-{n}") for n in (1, 2)]
    for till in tills:
        if rng.random() < 0.7:
            till.anchor()
        for number in range(6):
            if rng.random() < 0.3:
                till.count(TEA_CODE, rng.randint(0, 9) * 1000, rng.choice([1, 900]))
            if rng.random() < 0.2:
                till.reboot(f"{till.boot}-{number}", rng.choice([5, 500]))
            till.open(f"b-{number}", rng.choice([None, "order-1"]))
            for _ in range(rng.randint(0, 5)):
                if till.meant and rng.random() < 0.2:
                    till.take_out()
                else:
                    till.put_in(rng.choice([TEA_CODE, JAM_CODE]), after_s=rng.choice([1, 60, 900]))
                if rng.random() < 0.2:
                    till.anchor()
                if rng.random() < 0.1:
                    till.mark()
            if number < 5 or rng.random() < 0.5:
                till.close(rng.choice([BasketEnd.SOLD, BasketEnd.SOLD, BasketEnd.VOIDED, BasketEnd.ABANDONED]))
    words = [
        ReservationSaid(
            NOON_US, "order-1", ReservationStep.RESERVE, TEA, AREA, rng.randint(1, 9) * 1000, None, "a", "b"
        )
        for _ in range(3)
    ]
    rng = random.Random(order)
    folder = path / f"{seed}-{order}"
    folder.mkdir()
    async with shop(folder) as store:
        while words or any(till.told < len(till.lines) for till in tills):
            if words and rng.random() < 0.1:
                await store.journal.append([encode_entry(words.pop(0))])
            till = rng.choice(tills)
            if till.told < len(till.lines):
                await till.tell(store, rng.randint(1, 9))
            if rng.random() < 0.4:
                await store.fold_some(rng.randint(1, 20))
        return await state(store)


async def state(store: HubStore) -> object:
    await fold_all(store)
    await assert_books_agree(store)
    figures = [(r.item, r.on_hand_milli, r.lo_milli, r.hi_milli, r.available_milli) for r in (await store.stock()).rows]
    return figures, await store.baskets(), [row.open_milli for row in await store.reservations()]


@pytest.mark.parametrize("seed", range(4))
async def test_every_order_of_arrival_and_batching_gives_the_same(tmp_path: Path, seed: int) -> None:
    first, *others = [await live(tmp_path, seed, order) for order in range(3)]
    assert others == [first] * len(others)
