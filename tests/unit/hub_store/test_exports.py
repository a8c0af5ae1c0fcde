"""What is exported of the books: it adds up to the stock."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from hub.store import exports
from hub.store.exports import COUNTS, MOVEMENTS, STOCK
from tests.unit.hub_store.shop import (
    BOTH_ENGINES,
    JAM_CODE,
    NEW_CODE,
    NOON_US,
    TEA_CODE,
    Station,
    engine_at,
    fold_all,
    shop,
)

pytestmark = BOTH_ENGINES


async def test_movements_and_variances_of_counts_add_up_to_the_stock(tmp_path: Path) -> None:
    till = Station()
    till.anchor()
    till.scan(TEA_CODE, -2000)
    till.count(TEA_CODE, 9000, after_s=4000)
    undone = till.scan(TEA_CODE, -3000, after_s=4000)
    till.scan(JAM_CODE)
    till.undo(undone)
    till.scan(NEW_CODE)
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        engine = engine_at(tmp_path / "hub.db")
        try:
            sql = engine.open_reader()
            engine.begin(sql)
            stock = [dict(zip(STOCK, row, strict=True)) for row in exports.stock(sql, NOON_US)]
            counts = [dict(zip(COUNTS, row, strict=True)) for row in exports.counts(sql)]
            moved = [dict(zip(MOVEMENTS, row, strict=True)) for row in exports.movements(sql)]
            engine.undo(sql)
        finally:
            engine.close_reader()
    assert {row["item"]: row["on_hand_milli"] for row in stock} == {"tea": 9000, "jam": -1000}
    (count,) = counts
    assert (count["session"], count["counted_milli"], count["variance_milli"]) == ("count-1", 9000, 11_000)
    sums: Counter[object] = Counter()
    for row in moved:
        if row["taken_back_by"] is None:
            sums[row["item"]] += int(row["qty_milli"] or 0)
    sums["tea"] += int(count["variance_milli"] or 0)
    assert sums == {"tea": 9000, "jam": -1000}
    (back,) = [row for row in moved if row["taken_back_by"] is not None]
    assert (back["entry"], back["code"]) == (str(till.id(undone)), TEA_CODE.zfill(14))
