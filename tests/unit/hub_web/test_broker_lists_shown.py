"""How old the broker's list of the revoked is: on the page and in metrics, before everybody is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.settings import WebSettings
from hub.web.app import make_app
from hub.web.overview import Level, glance
from tests.unit.hub_web.shop import NOON_US, Shop, called

DAY_US = 86_400_000_000


@pytest.mark.parametrize(
    ("days", "current", "level", "value"),
    [
        (40, True, Level.FINE, "good for 40 days"),
        (39, False, Level.FINE, "good for 39 days"),
        (36, False, Level.LOOK, "good for 36 days"),
        (20, False, Level.ALARM, "good for 20 days"),
        (0, False, Level.ALARM, "too old"),
        (None, False, Level.LOOK, "not taken"),
    ],
)
async def test_the_tile_says_how_long_it_lasts(
    shop: Shop, days: int | None, current: bool, level: Level, value: str
) -> None:
    until_us = None if days is None else NOON_US + days * DAY_US
    outside = replace(shop.outside, broker_current=lambda: current, broker_list_until_us=lambda: until_us)
    seen = await glance(shop.store, outside)
    tile = next(each for each in seen.tiles if each.label == "Broker's lists")
    assert (tile.level, tile.value) == (level, value)


async def test_metrics_say_when_it_ends_and_a_hub_without_a_broker_of_its_own_nothing(shop: Shop) -> None:
    assert not [each for each in (await glance(shop.store, shop.outside)).tiles if each.label == "Broker's lists"]
    outside = replace(shop.outside, broker_current=lambda: True, broker_list_until_us=lambda: NOON_US + DAY_US)
    async with called(make_app(shop.store, WebSettings(), outside)) as client:
        text = (await client.get("/metrics")).text
    (line,) = (each for each in text.splitlines() if each.startswith("shelfwire_broker_list_end_timestamp_seconds "))
    assert float(line.split()[1]) == (NOON_US + DAY_US) / 1e6
