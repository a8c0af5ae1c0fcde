"""What a station says of its storage, on the page, in REST and in the metrics; a full disk is a complaint."""

from __future__ import annotations

import pytest

from hub.web.health import Health
from hub.web.overview import glance
from protocol.state import StationState, decode_state, encode_state
from tests.unit.hub_web.shop import Shop, called

WELL = StationState(
    "online",
    sync_p50_us=3_000,
    sync_p99_us=21_000,
    backlog_age_s=7_200,
    chatter_thinned=4,
    written_day_bytes=12_345_678,
    measured_s=10_800,
    room="ample",
    room_hours=340,
    free_bytes=9_000_000_000,
)


def test_an_older_station_tells_none_of_it() -> None:
    state = decode_state(b'{"state":"online","sync_p99_us":5}')
    assert (state.room, state.room_hours, state.written_day_bytes) == ("", None, None)
    assert b"room" not in encode_state(StationState("online"))


async def test_they_are_in_rest(shop: Shop) -> None:
    await shop.say("till-1", WELL)
    async with called(shop.app()) as client:
        (station,) = (await client.get("/api/v1/stations")).json()["stations"]
    assert station["storage"] == {
        "sync_p50_us": 3_000,
        "sync_p99_us": 21_000,
        "backlog_age_s": 7_200,
        "log_refused": 0,
        "chatter_backlog": 0,
        "chatter_dropped": 0,
        "chatter_thinned": 4,
        "written_day_bytes": 12_345_678,
        "measured_s": 10_800,
        "free_bytes": 9_000_000_000,
        "room": "ample",
        "room_hours": 340,
        "reserve_missing_bytes": 0,
    }


async def test_they_are_on_the_page(shop: Shop) -> None:
    await shop.say("till-1", WELL)
    async with called(shop.app()) as client:
        text = (await client.get("/")).text
    for says in ("sync 3.0 / 21.0 ms", "12 MB written a day, by the last 3 h", "room for 340 h", "4 of the chatter"):
        assert says in text


async def test_they_are_in_the_metrics(shop: Shop) -> None:
    await shop.say("till-1", WELL)
    async with called(shop.app()) as client:
        text = (await client.get("/metrics")).text
    assert 'shelfwire_station_sync_p99_seconds{station="till-1"} 0.021' in text
    assert 'shelfwire_station_room_seconds{station="till-1"} 1.224e+06' in text
    assert 'shelfwire_station_chatter_thinned{station="till-1"} 4.0' in text


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (StationState("online", reserve_missing_bytes=1), "lives on its reserve"),
        (StationState("online", log_refused=3), "refused 3 times"),
        (StationState("online", room="scarce", chatter_thinned=12), "12 weights and refusals not logged"),
        (StationState("online", room_hours=5), "room for 5 h"),
        (StationState("online", sync_p99_us=200_000), "up to 200 ms"),
    ],
)
async def test_what_is_wrong_is_said(shop: Shop, said: StationState, reason: str) -> None:
    await shop.say("till-1", said)
    (line,) = (await glance(shop.store, shop.outside)).stations
    assert line.health is Health.DEGRADED
    assert any(reason in one for one in line.reasons), line.reasons


async def test_a_station_that_is_well_is_well(shop: Shop) -> None:
    await shop.say("till-1", WELL)
    (line,) = (await glance(shop.store, shop.outside)).stations
    assert (line.health, line.reasons) == (Health.OK, ())
