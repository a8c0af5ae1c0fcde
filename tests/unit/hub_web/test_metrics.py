"""Metrics: what Prometheus reads, with names that stay."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from protocol.catalogue import Item
from tests.unit.hub_web.shop import MILK, HqSays, Shop, called

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def scraped(shop: Shop) -> Samples:
    async with called(shop.app()) as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_the_books_and_the_stations_are_counted(shop: Shop) -> None:
    await shop.stocked()
    found = await scraped(shop)
    till_2 = (("station", "till-2"),)
    assert found["shelfwire_entries_committed_total", ()] == 18
    assert found["shelfwire_entries_folded_total", ()] == 18
    assert found["shelfwire_movements_total", ()] == 11
    assert found["shelfwire_quarantined_entries", ()] == 1
    assert found["shelfwire_fold_lag_entries", ()] == 0
    assert found["shelfwire_stock_figures_negative", ()] == 1
    assert found["shelfwire_station_backlog_entries", till_2] == 132
    assert found["shelfwire_station_catalogue_current", till_2] == 0
    assert found["shelfwire_station_last_seen_timestamp_seconds", till_2] == shop.now_us / 1e6
    assert found["shelfwire_station_health", (("health", "degraded"), ("station", "till-2"))] == 1
    assert found["shelfwire_station_health", (("health", "ok"), ("station", "till-2"))] == 0
    assert found["shelfwire_device_ready", (("device", "scale-1"), ("kind", "mt8217"), ("station", "till-1"))] == 1
    assert found["shelfwire_device_ready", (("device", "scanner-1"), ("kind", "serial-scanner"), *till_2)] == 0


async def test_the_wires_are_told(shop: Shop) -> None:
    shop.broker, shop.hq = False, HqSays(connected=True, feed_backlog=12, journal_backlog=None)
    shop.contested["s/till-1/stock"] = (1, 2)
    found = await scraped(shop)
    assert found["shelfwire_broker_connected", ()] == 0
    assert found["shelfwire_contested_logs", ()] == 1
    assert found["shelfwire_hq_connected", ()] == 1
    assert found["shelfwire_hq_lag_entries", (("log", "feed"),)] == 12
    assert ("shelfwire_hq_lag_entries", (("log", "journal"),)) not in found
    shop.hq = None
    assert not [name for name, _ in await scraped(shop) if "hq" in name]


async def test_no_item_has_a_label_and_every_name_is_ours(shop: Shop) -> None:
    await shop.stocked()
    before = set(await scraped(shop))
    for n in range(30):
        await shop.store.apply_catalogue([Item(f"x-{n}", f"Thing {n}")])
    await shop.arrive("till-1", shop.sale(MILK))
    await shop.fold()
    assert set(await scraped(shop)) == before
    assert all(name.startswith("shelfwire_") for name, _ in before)
