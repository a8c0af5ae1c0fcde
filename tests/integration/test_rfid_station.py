"""A station at the stockroom door: an LLRP reader over TCP, zones in its settings, tags that come, power cuts."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from protocol.events import Presence, ShelfCounted, Sweep, TagChange
from shelfwire.simulators import llrp_speech as speech
from shelfwire.simulators.llrp import SimulatedLlrpReader
from shelfwire.simulators.port import wait_until
from tests.integration.agent_process import AgentProcess
from tests.integration.station_rig import DEADLINE_S

ZONES = """
[zones.shelf]
antennas = ["door:1"]
[zones.stockroom]
antennas = ["door:2"]
"""
EPCS = [bytes.fromhex("30340BB6884CB101A13BC7") + bytes([n]) for n in range(20)]


@pytest.fixture
async def reader() -> AsyncIterator[SimulatedLlrpReader]:
    async with SimulatedLlrpReader() as reader:
        yield reader


@pytest.fixture
def agent(tmp_path: Path, reader: SimulatedLlrpReader) -> AgentProcess:
    agent = AgentProcess(
        tmp_path, {"door": {"driver": "rfid-llrp", "host": "127.0.0.1", "port": reader.port}}, "receive"
    )
    agent.config.write_text(agent.config.read_text() + ZONES)
    return agent


async def see(reader: SimulatedLlrpReader, antenna: int, times: int = 1, dbm: int = -60) -> None:
    """Report every tag, once it reads."""
    assert await wait_until(lambda: reader.reading, DEADLINE_S)
    for _ in range(times):
        now_us = time.time_ns() // 1000
        assert await reader.see(*(speech.tag(epc, antenna, dbm, now_us + n) for n, epc in enumerate(EPCS)))


async def asked(agent: AgentProcess, query: str = "") -> dict[str, Any]:
    async with agent.client() as client:
        answer = await client.get(f"/v1/tags{query}")
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found


async def until_in(agent: AgentProcess, zone: str) -> None:
    """Wait until all tags are told to be in a zone, durably."""
    found: dict[str, Any] = {}
    deadline = time.monotonic() + DEADLINE_S
    while found.get("waiting", 1) or found["zones"].get(zone) != len(EPCS):
        assert time.monotonic() < deadline, found
        found = await asked(agent)


async def test_tags_arrive_once_and_move_through_power_cuts(agent: AgentProcess, reader: SimulatedLlrpReader) -> None:
    async with agent:
        await see(reader, 1, times=3)
        await until_in(agent, "shelf")
        await agent.kill()
    async with agent:
        await see(reader, 1, times=12)
        await see(reader, 2, times=12, dbm=-45)
        await until_in(agent, "stockroom")
        await agent.kill()
    async with agent:
        await see(reader, 2, times=5)
        found = await asked(agent, "?zone=stockroom&limit=3")
        assert (found["zones"], found["unknown"]) == ({"shelf": 0, "stockroom": len(EPCS)}, 0)
        assert [(one["zone"], one["present"], one["device"]) for one in found["tags"]] == [
            ("stockroom", True, "door")
        ] * 3
        assert await agent.stop() == 0
    told = [entry for entry in await agent.stock() if isinstance(entry, TagChange)]
    for change, zone, from_zone in ((Presence.ARRIVED, "shelf", None), (Presence.MOVED, "stockroom", "shelf")):
        some = [one for one in told if one.change is change]
        assert sorted(one.epc for one in some) == [epc.hex().upper() for epc in EPCS]
        assert {(one.zone, one.from_zone, one.device) for one in some} == {(zone, from_zone, "door")}
    assert len(told) == 2 * len(EPCS)


async def test_what_is_asked_of_the_tags_is_bounded(agent: AgentProcess) -> None:
    async with agent, agent.client() as client:
        assert (await asked(agent))["zones"] == {"shelf": 0, "stockroom": 0}
        for limit in ("-1", "1001", "x", "99999999999999999999"):
            assert (await client.get("/v1/tags", params={"limit": limit})).status_code == 400


async def test_a_count_by_reader_and_scanner_card_in_one_session(
    agent: AgentProcess, reader: SimulatedLlrpReader
) -> None:
    """The zone is called as the shelf is, and END says how many tags were seen."""
    given = {"mode": "count", "count": {"session": "autumn-26", "place": "shelf"}}
    async with agent:
        async with agent.client() as client:
            assert (await client.post("/v1/mode", json=given)).status_code == 200
            await see(reader, 1)
            await see(reader, 2)
            status: dict[str, Any] = {}
            deadline = time.monotonic() + DEADLINE_S
            while status.get("swept") != len(EPCS):
                assert time.monotonic() < deadline, status
                status = (await client.get("/v1/health")).json()["status"]
            assert status["count"]["place"] == "shelf"
            ended = await client.post("/v1/session/end", json={})
            assert ended.status_code == 200, ended.text
        assert await agent.stop() == 0
    log = await agent.stock()
    (swept,) = [entry for entry in log if isinstance(entry, Sweep)]
    (counted,) = [entry for entry in log if isinstance(entry, ShelfCounted)]
    assert sorted(swept.epcs) == [epc.hex().upper() for epc in EPCS]
    assert log.index(swept) < log.index(counted)
    assert (counted.place, counted.readings, counted.tags) == ("shelf", 0, len(EPCS))
