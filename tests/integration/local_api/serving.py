"""The local API of a station at work, and what its answers are called."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

from edge.api.app import Api
from edge.api.health_messages import HealthAnswer, HubAnswer, LogAnswer, StorageAnswer
from edge.api.messages import status_answer
from edge.clock import SystemClock, read_boot_id
from edge.lookup import CatalogueLookup
from edge.runner.runner import Runner
from protocol.catalogue import STORE
from tests.integration.station_rig import DEADLINE_S


def api_of(runner: Runner, lookup: CatalogueLookup) -> Api:
    clock = SystemClock(read_boot_id())

    def health() -> HealthAnswer:
        log = LogAnswer("1.0000000000000001", 0, 0, 0, 0, 0, 0, 0, None, 0, 0, 0, 0, 0)
        storage = StorageAnswer("ample", 0, 0, None, None)
        status = status_answer(runner.status)
        return HealthAnswer("s", "t", "0", "b", 0, False, status, log, log, storage, None, HubAnswer(False, "apart"))

    return Api(runner, lookup, clock, (STORE,), health)


def name_of(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["type"] == f"urn:shelfwire:error:{problem['name']}"
    return str(problem["name"])


async def next_event(lines: AsyncIterator[str]) -> tuple[str, dict[str, Any]]:
    async with asyncio.timeout(DEADLINE_S):
        name = ""
        async for line in lines:
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                return name, json.loads(line.removeprefix("data: "))
    raise AssertionError("the stream ended")
