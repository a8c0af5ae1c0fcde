"""The hub finds the item of whatever was scanned: a label of the store's scale, an element string, a Digital Link."""

from __future__ import annotations

from pathlib import Path

from hub.store.store import HubStore
from protocol.catalogue import CodeLink, Item, Unit
from protocol.events import Delta, Reason
from protocol.gs1.check_digits import check_digit
from protocol.identity import ItemId
from protocol.variable_measure import parse_patterns
from tests.unit.hub_store.shop import (
    STORE,
    TEA,
    TEA_CODE,
    Clock,
    Station,
    assert_books_agree,
    catalogue,
    fold_all,
    on_hand,
)

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
    async with HubStore(tmp_path / "hub.db", STORE, Clock(), RULES) as store:
        # A catalogue names the item without its measure, and is imported by a hub that need not know the pattern.
        rows = [*catalogue(), Item(CHEESE, "Cheese", Unit.KG), CodeLink(LISTED.zfill(14), CHEESE)]
        await store.apply_catalogue(rows)
        await till.tell(store)
        await fold_all(store)
        assert await on_hand(store) == {CHEESE: -1750, TEA: -3000}
        await assert_books_agree(store)
