"""The page at the station: who may ask what of it, and an invitation typed there; a real agent, a real desk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from protocol.invitation import rows
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.agent_process import AgentProcess
from tests.integration.enrol.station import new_station
from tests.integration.est_server import Est
from tests.unit.edge_enrol.rig import hub, invited


@pytest.fixture
async def est(tmp_path: Path) -> AsyncIterator[Est]:
    async with hub(tmp_path / "hub") as served:
        yield served


@pytest.fixture
async def agent(tmp_path: Path, scanner: SimulatedScanner) -> AsyncIterator[AgentProcess]:
    async with new_station(tmp_path / "station", scanner) as one:
        yield one


def mistyped(row: str) -> str:
    return row[:-1] + str((int(row[-1]) + 1) % 10)


async def test_typed_and_followed_live_and_then_at_work(agent: AgentProcess, est: Est) -> None:
    digits = await invited(est)
    async with agent.client() as client:
        assert (await client.get("/enrol/standing")).json()["state"] == "none"
        typed = {"rows": [" ".join((row[:5], row[5:])) for row in rows(digits)]}
        answer = await client.post("/enrol/invitation", json=typed)
        assert answer.status_code == 200, answer.text
        await agent.next_ready()
        told = (await client.get("/enrol/standing")).json()
        assert (told["state"], told["position"], told["store"]) == ("enrolled", "till-3", "oak-street")
        again = await client.post("/enrol/invitation", json=typed)
        assert (again.status_code, again.json()["name"]) == (409, "already-enrolled")


async def test_nobody_says_that_a_check_comes_so_that_the_page_looks_for_it_again(agent: AgentProcess) -> None:
    # The page may hear "enrolled" from the agent that is about to begin anew, and asks that one for its check.
    async with agent.client() as client:
        check = (await client.get("/enrol/check/standing")).json()
        assert (check["state"], check["steps"], check["to_check"]) == ("none", [], True)


async def test_what_is_mistyped_is_said_and_never_repeated(agent: AgentProcess, est: Est) -> None:
    four = list(rows(await invited(est)))
    spoiled = {
        "invitation-row": [mistyped(four[0]), *four[1:]],
        "invitation-length": four[:3],
        "invitation-check": [four[1], four[0], *four[2:]],
    }
    async with agent.client() as client:
        for name, typed in spoiled.items():
            answer = await client.post("/enrol/invitation", json={"rows": typed})
            assert (answer.status_code, answer.json()["name"]) == (422, name)
            assert not any(row in answer.text for row in four)
        for body in ({"rows": [int(row) for row in four]}, {"rows": four, four[0]: ""}):
            wrong = await client.post("/enrol/invitation", json=body)
            assert wrong.status_code == 400
            assert not any(row in wrong.text for row in four)
        assert (
            await client.post("/enrol/invitation", content=b"x" * 2000, headers={"content-type": "application/json"})
        ).status_code == 413
        assert (await client.get("/enrol/standing")).json()["state"] == "none"


async def test_only_our_own_page_and_programs_of_this_machine_may_ask(agent: AgentProcess) -> None:
    own = agent.ready["api"]
    cases: list[tuple[dict[str, str], int]] = [
        ({"sec-fetch-site": "same-origin", "origin": own}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"origin": "http://evil.example", "sec-fetch-site": "cross-site"}, 403),
        ({"origin": "http://127.0.0.1:1", "sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "evil.example"}, 421),
    ]
    async with agent.client() as client:
        for headers, status in cases:
            answer = await client.get("/enrol/standing", headers=headers)
            assert answer.status_code == status, headers
        # Nothing but the page's own things is open to it.
        answer = await client.post("/v1/scan", json={"code": "1"}, headers=cases[0][0])
        assert answer.status_code == 403


async def test_all_else_is_refused_as_not_enrolled(agent: AgentProcess) -> None:
    async with agent.client() as client:
        for path, body in (("/v1/scan", {"code": "4006381333931"}), ("/v1/mode", {"mode": "count"})):
            answer = await client.post(path, json=body)
            assert (answer.status_code, answer.json()["name"]) == (503, "not-enrolled")
        assert (await client.get("/v1/items/4006381333931")).json()["name"] == "not-enrolled"
        assert (await client.get("/v1/session")).status_code == 404
        assert (await client.get("/v1/log/stock")).status_code == 404


async def test_what_listens_is_never_told_an_invitation(
    agent: AgentProcess, est: Est, scanner: SimulatedScanner
) -> None:
    digits = await invited(est)
    heard = bytearray()
    async with agent.client() as client, client.stream("GET", "/v1/events") as events:
        asking = asyncio.create_task(scanner.scan(digits))
        try:
            async for part in events.aiter_bytes():
                heard += part
        except httpx.HTTPError:
            pass  # it ends when the station begins anew
        await asking
    assert b"event: accepted" in heard
    assert json.dumps(digits).encode() not in heard
    assert digits[:20].encode() not in heard
