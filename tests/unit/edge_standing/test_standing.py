"""What the stack light is told: of the devices, of what is open, and of the hub."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from edge.drivers.feedback import MemoryFeedback, Standing
from edge.standing import StandingDesk
from edge.uplink.uplink import Drained


@dataclass
class Shop:
    """A runner and an uplink that say what a test has them say."""

    ready: bool = True
    busy: bool = False
    connected: bool = True
    backlog: int = 0

    @property
    def drained(self) -> Drained:
        return Drained(self.backlog, 0, "live")


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def desk(shop: Shop) -> StandingDesk:
    return StandingDesk(shop, shop, MemoryFeedback())


def test_a_station_with_all_its_devices_and_nothing_open_is_ready(desk: StandingDesk) -> None:
    assert desk.standing() == Standing(ready=True)


def test_a_station_that_lacks_a_device_is_not(shop: Shop, desk: StandingDesk) -> None:
    shop.ready = False
    assert desk.standing() == Standing(ready=False)


def test_what_waits_or_is_open_is_busy(shop: Shop, desk: StandingDesk) -> None:
    shop.busy = True
    assert desk.standing() == Standing(ready=True, busy=True)


def test_a_hub_out_of_reach_is_behind_at_once(shop: Shop, desk: StandingDesk) -> None:
    shop.connected = False
    assert desk.standing() == Standing(ready=True, behind=True)


def test_an_entry_on_its_way_is_behind_only_if_it_still_is_at_the_next_look(shop: Shop, desk: StandingDesk) -> None:
    shop.backlog = 1
    assert [desk.standing().behind, desk.standing().behind] == [False, True]
    shop.backlog = 0
    assert not desk.standing().behind
    shop.backlog = 1
    assert not desk.standing().behind


async def test_it_tells_the_lights(shop: Shop) -> None:
    async with MemoryFeedback() as feedback:
        showing = asyncio.create_task(StandingDesk(shop, shop, feedback).run())
        await asyncio.sleep(0)
        assert feedback.standing == Standing(ready=True)
        showing.cancel()
        await asyncio.wait([showing])
