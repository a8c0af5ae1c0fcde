"""A machine whose clock says 2019, as a Pi's may that boots without a network: it enrols, and it connects."""

from __future__ import annotations

from pathlib import Path

import pytest

from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.enrol.shop import EnrollingShop
from tests.integration.enrol.station import health, new_station
from tests.integration.station_rig import MILK
from tests.integration.store.faked_time import LIBRARY, sweep

pytestmark = [pytest.mark.needs_mosquitto, pytest.mark.needs_faketime]


async def test_it_enrols_and_delivers_and_does_so_again(
    shop: EnrollingShop, scanner: SimulatedScanner, tmp_path: Path
) -> None:
    env = {
        "LD_PRELOAD": LIBRARY,
        "FAKETIME": "@2019-01-01 00:00:00",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        "NO_FAKE_STAT": "1",
        "TZ": "UTC",
    }
    invite = await shop.invite()
    try:
        agent = new_station(tmp_path / "station", scanner, env=env)
        async with agent:
            assert await scanner.scan(invite.digits) is True
            await agent.next_ready()
            assert await scanner.scan(MILK) is True
            await shop.booked(invite.standing.identity, 1)
            assert (await health(agent))["enrolment"]["state"] == "enrolled"
        assert int((tmp_path / "station/data/identity/floor").read_text()) > 1_790_000_000_000_000
        async with agent:
            assert await scanner.scan(MILK) is True
            await shop.booked(invite.standing.identity, 2)
    finally:
        sweep()
