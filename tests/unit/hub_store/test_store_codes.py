"""The hub finds the item of whatever was scanned: a label of the store's scale, an element string, a Digital Link."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocol.catalogue import CodeLink, Item, Unit
from protocol.events import Delta, Reason
from protocol.gs1.check_digits import check_digit
from protocol.identity import ItemId
from protocol.variable_measure import parse_patterns
from tests.unit.hub_store.shop import (
    BOTH_ENGINES,
    HOUR_US,
    NOON_US,
    TEA,
    TEA_CODE,
    Station,
    assert_books_agree,
    catalogue,
    fold_all,
    on_hand,
    store_at,
)

pytestmark = BOTH_ENGINES

CHEESE = ItemId("cheese")
LISTED = "211234500000" + check_digit("211234500000")
RULES = parse_patterns(["21IIIIIWW.WWWC"], "EUR")


def sale(till: Station, code: str, aim: str, qty_milli: int) -> None:
    till.say(Delta(till.when(), "scanner", code, aim, qty_milli, Reason.SALE, "shop"))


async def test_every_way_to_write_a_code_finds_the_item(tmp_path: Path) -> None:
    till = Station()
    for weight in ("00500", "01250"):
        sale(till, f"2112345{weight}" + check_digit(f"2112345{weight}"), "]E0", -int(weight))
    sale(till, f"010{TEA_CODE}10A\x1d17261231", "]C1", -1000)
    sale(till, f"https://example.com/01/0{TEA_CODE}/21/9", "]Q1", -1000)
    sale(till, TEA_CODE, "]E0", -1000)
    async with store_at(tmp_path / "hub.db", rules=RULES) as store:
        # A catalogue names the item without its measure, and is imported by a hub that need not know the pattern.
        rows = [*catalogue(), Item(CHEESE, "Cheese", Unit.KG), CodeLink(LISTED.zfill(14), CHEESE)]
        await store.apply_catalogue(rows)
        await till.tell(store)
        await fold_all(store)
        assert await on_hand(store) == {CHEESE: -1750, TEA: -3000}
        await assert_books_agree(store)


@pytest.mark.parametrize("cause", ["a better clock", "another item"])
async def test_a_code_that_later_rules_refuse_stays_booked_and_stops_nothing(tmp_path: Path, cause: str) -> None:
    # A sound EAN-13, but no label of this pattern: the price's own check digit is another.
    code = "022345301999" + check_digit("022345301999")
    till = Station(synced=False, wall_off_us=-HOUR_US)
    sale(till, code, "]E0", -1000)
    till.count(code, 5000)
    async with store_at(tmp_path / "hub.db") as store:
        await store.apply_catalogue([*catalogue(), Item(CHEESE, "Cheese"), CodeLink(code.zfill(14), CHEESE)])
        await till.tell(store)
        await fold_all(store)
    async with store_at(tmp_path / "hub.db", rules=parse_patterns(["02IIIIVPPP.PPC"], "EUR")) as store:
        if cause == "another item":
            await store.apply_catalogue([CodeLink(code.zfill(14), TEA)])
        else:
            till.anchor()
        till.scan(TEA_CODE)
        await till.tell(store)
        await fold_all(store)
        assert await on_hand(store) == {CHEESE: 5000, TEA: -1000}
        sold = next(e for e in (await store.timeline(CHEESE, limit=10)).entries if e.entry.seq == 1)
        assert sold.t_us == (NOON_US if cause == "a better clock" else NOON_US - HOUR_US)
        # Whoever asks is told that the lines would say otherwise now.
        assert await store.rebuild()


async def test_a_number_at_the_scales_means_the_item_whose_link_names_it(tmp_path: Path) -> None:
    rows = [*catalogue(), Item(CHEESE, "Comte", Unit.KG), CodeLink("plu:4011", CHEESE)]
    async with store_at(tmp_path / "hub.db") as store:
        await store.apply_catalogue(rows)
        till = Station()
        till.up_us += 1_000_000
        till.say(Delta(till.when(), "api", "plu:4011", None, -734, Reason.SALE, "shop"))
        await till.tell(store)
        await fold_all(store)
        assert await on_hand(store) == {"cheese": -734}
