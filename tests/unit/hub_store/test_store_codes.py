"""The hub finds the item of whatever was scanned: a label of the store's scale, an element string, a Digital Link."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocol.catalogue import CatalogueRow, CodeLink, Item, Price, PriceKind, Unit
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
    Clock,
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


# Labels that tell their price alone.

PRICED = parse_patterns(["23IIIIIPPP.PPC"], "EUR")
HAM = ItemId("ham")
HAM_LISTED = ("231234500000" + check_digit("231234500000")).zfill(14)


def label(minor: int) -> str:
    digits = f"2312345{minor:05}"
    return digits + check_digit(digits)


def unknown_sale(till: Station, minor: int, pieces: int = 1) -> None:
    """A till that does not know the goods takes a label for a piece at that price."""
    code = label(minor)
    when = till.when()
    till.say(Delta(when, "scanner", code, "]E0", -1000 * pieces, Reason.SALE, "shop", price_minor=minor))


def ham(minor: int, id_: str = "regular-0", unit: Unit = Unit.KG) -> list[CatalogueRow]:
    return [
        Item(HAM, "Ham", unit),
        CodeLink(HAM_LISTED, HAM),
        Price(HAM, id_, PriceKind.REGULAR, minor, "EUR"),
    ]


@pytest.mark.parametrize(("rows", "milli"), [(ham(1999), -200), (ham(200, unit=Unit.EACH), -2000)])
@pytest.mark.parametrize("order", ["goods first", "sale first", "a row at a time", "price last"])
async def test_a_label_s_price_says_how_much_there_was(
    tmp_path: Path, rows: list[CatalogueRow], milli: int, order: str
) -> None:
    till, clock = Station(), Clock()
    unknown_sale(till, 400)
    async with store_at(tmp_path / "hub.db", clock, PRICED) as store:

        async def learn(part: list[CatalogueRow]) -> None:
            clock.now_us += HOUR_US
            await store.apply_catalogue(part)
            await fold_all(store)

        if order == "goods first":
            clock.now_us -= 2 * HOUR_US
            await learn(rows)
        await till.tell(store)
        await fold_all(store)
        parts = {"goods first": [], "sale first": [rows], "a row at a time": [[row] for row in rows]}
        for part in parts.get(order, [rows[1:2], rows[0:1], rows[2:]]):
            await learn(part)
        assert await on_hand(store) == {HAM: milli}
        await assert_books_agree(store)
        # What it costs from now on does not change what was sold.
        clock.now_us = NOON_US + 9 * HOUR_US
        await learn([Price(HAM, "regular-0", PriceKind.REGULAR, 100, "EUR")])
        assert await on_hand(store) == {HAM: milli}
        await assert_books_agree(store)


async def test_a_till_that_knew_is_believed(tmp_path: Path) -> None:
    till = Station()
    for qty_milli, told in ((-200, 1999), (-1000, None)):
        till.say(Delta(till.when(), "scanner", label(400), "]E0", qty_milli, Reason.SALE, "shop", price_minor=told))
    async with store_at(tmp_path / "hub.db", rules=PRICED) as store:
        await store.apply_catalogue(ham(2499))
        await till.tell(store)
        await fold_all(store)
        assert await on_hand(store) == {HAM: -1200}


async def test_a_price_that_was_ever_a_piece_s_is_of_one_piece(tmp_path: Path) -> None:
    till = Station()
    async with store_at(tmp_path / "hub.db", rules=PRICED) as store:
        await store.apply_catalogue(ham(400, unit=Unit.EACH))
        await store.apply_catalogue(ham(200, unit=Unit.EACH))
        unknown_sale(till, 400)
        unknown_sale(till, 600, pieces=2)
        await till.tell(store)
        await fold_all(store)
        assert await on_hand(store) == {HAM: -1000 - 6000}
        await assert_books_agree(store)
