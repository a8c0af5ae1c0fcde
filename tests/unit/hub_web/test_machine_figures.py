"""What a station says of its machine: on its page, in REST, in the metrics, and as a complaint where it is not well."""

from __future__ import annotations

import pytest

from hub.web.health import Health
from hub.web.overview import glance
from protocol.state import MachineState, StationState
from tests.unit.hub_web.shop import Shop, called

WELL = MachineState(
    undervoltage=False,
    undervoltage_since_boot=False,
    throttled=False,
    throttled_since_boot=False,
    temperature_milli_c=48_312,
    disk_errors=0,
    disk_read_only=False,
    usb_lost=0,
    memory_bytes=1_000_000_000,
    memory_free_bytes=600_000_000,
)


async def say(shop: Shop, machine: MachineState | None) -> None:
    await shop.say("till-1", StationState("online", machine=machine))


async def test_they_are_in_rest_and_what_nobody_knows_is_null(shop: Shop) -> None:
    await say(shop, WELL)
    async with called(shop.app()) as client:
        (station,) = (await client.get("/api/v1/stations")).json()["stations"]
    assert station["machine"]["temperature_milli_c"] == 48_312
    assert station["machine"]["disk_errors"] == 0
    assert station["machine"]["card_used_percent"] is None
    await say(shop, None)
    async with called(shop.app()) as client:
        (station,) = (await client.get("/api/v1/stations")).json()["stations"]
    assert station["machine"] is None


async def test_they_are_in_the_metrics_and_what_nobody_knows_is_not(shop: Shop) -> None:
    await say(shop, WELL)
    async with called(shop.app()) as client:
        text = (await client.get("/metrics")).text
    assert 'shelfwire_station_temperature_celsius{station="till-1"} 48.312' in text
    assert 'shelfwire_station_undervoltage{station="till-1"} 0.0' in text
    assert 'shelfwire_station_disk_errors{station="till-1"} 0.0' in text
    assert 'shelfwire_station_card_used_ratio{station="till-1"}' not in text


async def test_a_machine_that_is_well_is_no_complaint_and_neither_is_one_of_which_nothing_is_known(shop: Shop) -> None:
    for machine in (WELL, MachineState(), None):
        await say(shop, machine)
        (line,) = (await glance(shop.store, shop.outside)).stations
        assert (line.health, line.reasons) == (Health.OK, ())


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (MachineState(undervoltage=True, undervoltage_since_boot=True), "too little voltage now"),
        (MachineState(undervoltage=False, undervoltage_since_boot=True), "too little voltage since its start"),
        (MachineState(throttled=True), "slowed down"),
        (MachineState(temperature_milli_c=82_600), "82 °C hot"),
        (MachineState(disk_errors=3), "noted 3 errors"),
        (MachineState(disk_read_only=True), "replace the card"),
        (MachineState(card_used_percent=90), "worn out: 90 % of its life is used"),
        (MachineState(card_spare_low=True), "worn out"),
        (MachineState(update_failed="1.5 unhealthy: scanner"), "an update fell back: 1.5 unhealthy: scanner"),
        (MachineState(memory_free_bytes=20_000_000), "20 MB of memory left"),
        (MachineState(boot_file="shelfwire.toml is NOT taken over: \x1b[31m"), "shelfwire.toml is NOT taken over"),
    ],
)
async def test_what_is_wrong_is_said(shop: Shop, said: MachineState, reason: str) -> None:
    await say(shop, said)
    (line,) = (await glance(shop.store, shop.outside)).stations
    assert line.health is Health.DEGRADED
    assert any(reason in one for one in line.reasons), line.reasons
    assert not any("\x1b" in one for one in line.reasons)
