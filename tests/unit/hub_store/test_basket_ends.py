"""A basket whose station is lost is ended by a person: the books are right at once, or say how far they may be off, and
right again when the station speaks after all.

Beyond 300 lines because it is one story after the other of the same lost till.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hub.errors import BadInput
from hub.store.store import HubStore
from protocol.decisions import BasketEnded, BasketFate
from protocol.errors import BadInput as BadBytes
from protocol.events import BasketEnd, encode_entry
from protocol.feed import decode_feed_entry
from protocol.feed_books import FeedBooks
from protocol.identity import Epoch
from protocol.period_words import Finality
from tests.unit.hub_store.kept import feed_lines
from tests.unit.hub_store.shop import (
    BOTH_ENGINES,
    HOUR_US,
    JAM,
    JAM_CODE,
    NEW_CODE,
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
)
from tests.unit.hub_store.test_baskets import Till

pytestmark = BOTH_ENGINES
MINUTE_S = 60.0


def lost_till() -> Till:
    """Two teas and a jam lie in a basket since half past one, and nothing more is heard."""
    till = Till()
    till.anchor()
    till.open(after_s=90 * MINUTE_S)
    till.put_in()
    till.put_in(TEA_CODE)
    till.put_in(JAM_CODE)
    till.put_in(JAM_CODE)
    till.take_out()
    return till


def counted(tea: int, at_s: float, name: str, epoch: int) -> Station:
    """A person counted the teas."""
    counter = Station(name, Epoch(1, epoch))
    counter.anchor()
    counter.count(TEA_CODE, tea * 1000, at_s)
    return counter


def word(till: Till, fate: BasketFate, after_s: float = 3 * 3600.0, key: str = "") -> BasketEnded:
    return BasketEnded(NOON_US + int(after_s * SECOND_US), str(till.id(2)), fate, "ann", "the till burnt out", key)


async def tea(store: HubStore) -> tuple[int, int, int]:
    """What there is of tea, in pieces: on hand, no less than, no more than."""
    (row,) = [row for row in (await store.stock()).rows if row.item == TEA]
    return row.on_hand_milli // 1000, row.lo_milli // 1000, row.hi_milli // 1000


@pytest.mark.parametrize(
    ("fate", "before", "between", "after"),
    [
        # Nobody counted since; counted while it stood at the dead till; counted after the word.
        (BasketFate.SOLD, (8, 8, 8), (8, 8, 8), (8, 8, 8)),
        (BasketFate.RETURNED, (10, 10, 10), (8, 8, 10), (10, 10, 10)),
        (BasketFate.UNKNOWN, (8, 8, 10), (8, 8, 10), (8, 8, 8)),
    ],
)
async def test_what_a_person_says_became_of_it_is_in_the_books_and_no_count_makes_it_wrong(
    tmp_path: Path,
    fate: BasketFate,
    before: tuple[int, int, int],
    between: tuple[int, int, int],
    after: tuple[int, int, int],
) -> None:
    till, first = lost_till(), counted(10, 1, "counter-1", 31)
    middle, last = counted(8, 150 * MINUTE_S, "counter-2", 32), counted(after[0], 240 * MINUTE_S, "counter-3", 33)
    async with shop(tmp_path) as store:
        await first.tell(store)
        await till.tell(store)
        await fold_all(store)
        assert await tea(store) == (10, 10, 10)
        await store.decide(word(till, fate))
        await fold_all(store)
        assert await tea(store) == before
        (row,) = await store.baskets()
        assert row.ended is not None
        assert (row.ended.fate, row.ended.author, row.lines) == (fate, "ann", 3)
        await assert_books_agree(store)
        await middle.tell(store)
        await fold_all(store)
        on, lo, hi = await tea(store)
        assert (lo, hi) == between[1:]
        assert lo <= on <= hi
        await assert_books_agree(store)
        await last.tell(store)
        await fold_all(store)
        assert await tea(store) == after
        await assert_books_agree(store)


@pytest.mark.parametrize("how", [BasketEnd.SOLD, BasketEnd.VOIDED])
@pytest.mark.parametrize("fate", list(BasketFate))
async def test_a_station_that_comes_back_after_all_says_itself_what_became_of_it(
    tmp_path: Path, fate: BasketFate, how: BasketEnd
) -> None:
    till = lost_till()
    async with shop(tmp_path) as store:
        await counted(10, 1, "counter-1", 31).tell(store)
        await till.tell(store)
        await fold_all(store)
        await store.decide(word(till, fate))
        await fold_all(store)
        till.put_in(JAM_CODE)
        till.close(how, after_s=2 * 3600)
        await till.tell(store)
        await fold_all(store)
        gone = 2 if how is BasketEnd.SOLD else 0
        assert await tea(store) == (10 - gone, 10 - gone, 10 - gone)
        assert (await on_hand(store)).get(JAM, 0) == (-2000 if gone else 0)
        assert await store.baskets() == ()
        await assert_books_agree(store)
        with pytest.raises(BadInput, match="basket-unknown"):
            await store.decide(word(till, BasketFate.SOLD))
        office = FeedBooks()
        for line in await feed_lines(store):
            office.upsert(decode_feed_entry(line))
        assert {item: milli for (item, _), milli in office.stock().items() if milli} == {
            item: milli for item, milli in (await on_hand(store)).items() if milli
        }


async def test_what_is_heard_of_it_later_goes_the_same_way_and_the_last_word_holds(tmp_path: Path) -> None:
    till = Till()
    till.anchor()
    till.open()
    till.put_in()
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        assert (await store.decide(word(till, BasketFate.SOLD, key="k-1")))[1] is False
        assert (await store.decide(word(till, BasketFate.SOLD, after_s=4 * 3600.0, key="k-1")))[1] is True
        await fold_all(store)
        till.put_in(JAM_CODE)
        await till.tell(store)
        await fold_all(store)
        assert await on_hand(store) == {TEA: -1000, JAM: -1000}
        till.take_out()
        await till.tell(store)
        await fold_all(store)
        assert (await on_hand(store)).get(JAM, 0) == 0
        await store.decide(word(till, BasketFate.RETURNED, 5 * 3600.0))
        await fold_all(store)
        assert (await on_hand(store))[TEA] == 0
        await assert_books_agree(store)


async def test_it_is_waited_for_no_more_and_what_it_says_after_all_is_a_correction(tmp_path: Path) -> None:
    clock, till = Clock(), lost_till()
    till.mark(after_s=2 * 3600)
    half = NOON_US + 2 * HOUR_US
    async with store_at(tmp_path / "hub.db", clock) as store:
        await store.apply_catalogue(catalogue())
        await till.tell(store)
        clock.now_us = NOON_US + 5 * HOUR_US
        await fold_all(store)
        assert (await store.in_the_way(half)).stations == ("till-1/b-1",)
        await store.decide(word(till, BasketFate.RETURNED))
        await fold_all(store)
        assert (await store.in_the_way(half)).stations == ()
        await store.declare(Finality(clock.now_us, half, 1, 1, (), (), (), "ann", "month"))
        till.close()
        await till.tell(store)
        await fold_all(store)
        closing = {row.figures.item: row.figures.on_hand_milli for row in await store.closing(half)}
        assert closing == {"tea": -2000, "jam": -1000}
        await assert_books_agree(store)


async def test_goods_that_nobody_knows_are_not_written_off_and_what_is_no_open_basket_is_not_ended(
    tmp_path: Path,
) -> None:
    till = Till()
    till.anchor()
    till.open()
    till.put_in(NEW_CODE)
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        with pytest.raises(BadInput, match="goods-unknown"):
            await store.decide(word(till, BasketFate.UNKNOWN))
        for other in (str(till.id(9)), str(Till("till-9").id(2))):
            asked = BasketEnded(NOON_US, other, BasketFate.RETURNED, "ann", "why")
            with pytest.raises(BadInput, match="basket-unknown"):
                await store.decide(asked)
        with pytest.raises(BadBytes, match="bad-entry-id"):
            await store.decide(BasketEnded(NOON_US, "nothing", BasketFate.RETURNED, "ann", "why"))
        await store.decide(word(till, BasketFate.RETURNED))
        await fold_all(store)
        assert (await store.baskets())[0].ended is not None


async def test_it_survives_a_restart_a_refold_and_a_clock_that_is_known_better_later(tmp_path: Path) -> None:
    till = Till(synced=False, wall_off_us=-5 * HOUR_US)
    till.open(after_s=600)
    till.put_in()
    counter = counted(5, 60, "counter-1", 31)
    async with shop(tmp_path) as store:
        await counter.tell(store)
        await till.tell(store)
        await fold_all(store)
        await store.decide(BasketEnded(NOON_US + HOUR_US, str(till.id(1)), BasketFate.SOLD, "ann", "why"))
        await fold_all(store)
        await assert_books_agree(store)
    async with shop(tmp_path) as store:
        till.up_us += 60 * SECOND_US
        till.anchor()
        await till.tell(store)
        await fold_all(store)
        # A minute after noon it was counted, ten minutes after noon it was scanned: within the sale's lead.
        assert await tea(store) == (4, 4, 5)
        await assert_books_agree(store)
        before = await store.stock(), await store.baskets()
        await store.keeping.unfold()
        await fold_all(store)
        assert (await store.stock(), await store.baskets()) == before
        await assert_books_agree(store)


async def live(path: Path, seed: int, order: int) -> object:
    """Tills of which some are lost, counts, and words on baskets, heard in the order of `order`."""
    rng = random.Random(seed)
    tills = [Till(f"till-{n}", Epoch(1, n), f"boot-{n}") for n in (1, 2, 3)]
    words: list[BasketEnded] = []
    for till in tills:
        if rng.random() < 0.7:
            till.anchor()
        for number in range(3):
            till.open(f"b-{number}", after_s=rng.choice([1, 900]))
            opened = len(till.lines)
            for _ in range(rng.randint(1, 4)):
                if till.meant and rng.random() < 0.2:
                    till.take_out()
                else:
                    till.put_in(rng.choice([TEA_CODE, JAM_CODE]), after_s=rng.choice([1, 60, 900]))
                if rng.random() < 0.2:
                    till.anchor()
            if rng.random() < 0.6:
                at_us = till.true_us + rng.choice([60, 3600, 7200]) * SECOND_US
                fates = rng.choices(list(BasketFate), k=rng.randint(1, 2))
                words += [BasketEnded(at_us, str(till.id(opened)), fate, "ann", "why") for fate in fates]
            if number < 2 or rng.random() < 0.4:
                till.close(rng.choice(list(BasketEnd)), after_s=rng.choice([1, 900]))
        if rng.random() < 0.5:
            till.count(TEA_CODE, rng.randint(0, 9) * 1000, rng.choice([1, 900]))
    counter = Station("counter", Epoch(1, 9), "boot-9")
    counter.anchor()
    for _ in range(3):
        counter.count(rng.choice([TEA_CODE, JAM_CODE]), rng.randint(0, 9) * 1000, rng.choice([1, 900, 3600]))
    rng = random.Random(order)
    folder = path / f"{seed}-{order}"
    folder.mkdir()
    async with shop(folder) as store:
        stations = [*tills, counter]
        while words or any(each.told < len(each.lines) for each in stations):
            if words and rng.random() < 0.2:
                await store.journal.append([encode_entry(words.pop(0))])
            each = rng.choice(stations)
            if each.told < len(each.lines):
                await each.tell(store, rng.randint(1, 9))
            if rng.random() < 0.4:
                await store.fold_some(rng.randint(1, 20))
        await fold_all(store)
        await assert_books_agree(store)
        figures = [(r.item, r.on_hand_milli, r.lo_milli, r.hi_milli) for r in (await store.stock()).rows]
        return figures, await store.baskets()


@pytest.mark.parametrize("seed", range(2))
async def test_every_order_of_arrival_gives_the_same(tmp_path: Path, seed: int) -> None:
    first, *others = [await live(tmp_path, seed, order) for order in range(3)]
    assert others == [first] * len(others)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(100, 160))
async def test_every_order_of_arrival_gives_the_same_of_many(tmp_path: Path, seed: int) -> None:
    first, *others = [await live(tmp_path, seed, order) for order in range(3)]
    assert others == [first] * len(others)
