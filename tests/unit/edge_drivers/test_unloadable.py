"""A device without a driver: a status that says why, and never anything else."""

from __future__ import annotations

import pytest

from edge.drivers.api import Status
from edge.drivers.unloadable import Unloadable
from edge.errors import ContractBroken, HardwareAbsent

WHY = "no driver is called 'scanjet'"


async def test_it_never_opens_and_says_why_each_time() -> None:
    device = Unloadable(WHY)
    for _ in range(2):
        with pytest.raises(HardwareAbsent, match=WHY):
            await device.__aenter__()
        assert (device.health().status, device.health().note) == (Status.ABSENT, WHY)


async def test_closing_it_and_telling_it_something_change_nothing() -> None:
    device = Unloadable(WHY)
    await device.__aexit__(None, None, None)
    await device.acknowledge(True)
    assert (device.health().status, device.health().note) == (Status.ABSENT, WHY)


def test_reading_it_is_our_bug_for_it_was_never_open() -> None:
    with pytest.raises(ContractBroken):
        Unloadable(WHY).readings()
