"""What devices measure of themselves is told by their station's state and shown by the hub, to Prometheus too."""

from __future__ import annotations

from hub.web.overview import glance
from hub.web.station_models import Device
from protocol.state import DeviceState, StationState, decode_state, encode_state
from tests.unit.hub_web.shop import Shop, called

FIGURES = {"weight_age_ms": 250, "zero_drift_grams": 4}
SCALE = DeviceState("scale-1", "scale-sma", "ready", "", FIGURES)


def test_a_stations_state_carries_them_and_one_without_any_is_no_longer_for_it() -> None:
    assert decode_state(encode_state(StationState("online", devices=(SCALE,)))).devices == (SCALE,)
    bare = DeviceState("scale-1", "scale-sma", "ready")
    assert b"figures" not in encode_state(StationState("online", devices=(bare,)))


async def test_the_hub_keeps_and_shows_them(shop: Shop) -> None:
    await shop.say("till-1", StationState("online", devices=(SCALE,)))
    (row,) = (await glance(shop.store, shop.outside)).devices
    assert Device.of(row).figures == FIGURES


async def test_prometheus_gets_them_by_station_device_and_name(shop: Shop) -> None:
    await shop.say("till-1", StationState("online", devices=(SCALE,)))
    async with called(shop.app()) as client:
        text = (await client.get("/metrics")).text
    labels = 'device="scale-1",figure="zero_drift_grams",kind="scale-sma",station="till-1"'
    assert f"shelfwire_device_figure{{{labels}}} 4.0" in text
