"""A station without zones loads nothing of RFID, and says so when it is told of tags."""

from __future__ import annotations

import subprocess
import sys

import pytest

from edge.codecs.readings import AntennaState, TagRead
from edge.runner.no_zones import NoZones
from protocol.identity import DeviceId
from tests.unit.presence.tags import TAG

READER = DeviceId("reader")


def test_an_agent_is_loaded_without_the_engine() -> None:
    code = "import sys, edge.agent; print('edge.presence.engine' in sys.modules, 'edge.runner.tag_desk' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "False"]


async def test_reads_are_counted_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    nobody = NoZones()
    nobody.open()
    nobody.heard(READER, AntennaState(1, True, None))
    for _ in range(3):
        nobody.heard(READER, TagRead(TAG, 1, -6000, None))
    nobody.closed(READER)
    told = await nobody.inventory(None, 10)
    assert (told.counts.no_zone, told.zones, told.tags, told.waiting) == (3, {}, (), 0)
    assert await nobody.write_waiting()
    assert [record.message for record in caplog.records] == ["tags are read, but the settings have no zones"]
