"""Labels of the shop's own scale, through a whole station: sold and counted by their weight, also across a restart."""

from __future__ import annotations

from pathlib import Path

from edge.station.actions import Accepted
from protocol.events import Count, CountReading, Delta
from protocol.gs1.check_digits import check_digit
from protocol.variable_measure import parse_patterns
from tests.integration.station_rig import BANANAS, StationRig, entries, make_log

RULES = parse_patterns(["20IIIIIWW.WWWC"], "EUR")


def label(grams: int) -> str:
    """Bananas of some weight, as the shop's scale prints them."""
    body = f"{BANANAS[:7]}{grams:05}"
    return body + check_digit(body)


async def test_a_label_is_sold_by_its_weight_and_counted_as_its_item_after_a_restart_too(tmp_path: Path) -> None:
    rig = StationRig(make_log("disk", tmp_path / "stock.db"), make_log("memory", tmp_path), rules=RULES)
    async with rig.at_work() as runner:
        sold = await runner.scan(label(750))
        assert isinstance(sold, Accepted)
        assert sold.goods is not None
        assert (sold.goods.item and sold.goods.item.item, sold.qty_milli, sold.attention) == ("bananas", 750, None)
        for code in ("SW1:MODE:COUNT", label(500), label(1250)):
            assert isinstance(await runner.scan(code), Accepted)
    async with rig.at_work() as runner:
        for code in (label(2000), "SW1:END"):
            assert isinstance(await runner.scan(code), Accepted)
        found = await entries(rig.stock)
    assert [entry.qty_milli for entry in found if isinstance(entry, Delta)] == [-750]
    assert [entry.code for entry in found if isinstance(entry, CountReading)] == [label(500), label(1250), label(2000)]
    assert [entry.qty_milli for entry in found if isinstance(entry, Count)] == [3750]
