"""From enrolment to the signed record at the hub, with real processes, ptys and TLS: what the technician does."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.settings import ApiSettings, load_machine
from protocol.acceptance import StepResult, read_record
from protocol.cards import AnswerCard, CheckCard, EndCard, SkipCard, WhoCard, card_text
from protocol.events import CountReading, Delta
from protocol.identity_words import HandedOver
from shelfwire.edge_handover import run
from shelfwire.simulators.scale import SimulatedScale8217
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.agent_process import AgentProcess
from tests.integration.enrol.station import health
from tests.integration.est_server import Est
from tests.integration.station_rig import MILK
from tests.integration.store.waiting import until
from tests.unit.edge_enrol.rig import hub, invited

CHECK, YES, SKIP, END = (card_text(card) for card in (CheckCard(), AnswerCard(True), SkipCard(), EndCard()))
ANNA = card_text(WhoCard("anna"))
DEADLINE_S = 60.0

AS_JSON = {"content-type": "application/json"}


@pytest.fixture
async def est(tmp_path: Path) -> AsyncIterator[Est]:
    async with hub(tmp_path / "hub") as served:
        yield served


@pytest.fixture
async def scale(tmp_path: Path) -> AsyncIterator[SimulatedScale8217]:
    async with SimulatedScale8217(tmp_path / "scale") as one:
        yield one


def station(folder: Path, scanner: SimulatedScanner, *scales: SimulatedScale8217) -> AgentProcess:
    """A station out of its box, with what is on its cables."""
    folder.mkdir(exist_ok=True)
    devices: dict[str, dict[str, object]] = {
        "scanner": {"driver": "serial-scanner", "port": str(scanner.path), "ack": "honeywell"}
    }
    for one in scales:
        devices["scale"] = {"driver": "scale-8217", "port": str(one.path)}
    return AgentProcess(folder, devices, named=False)


async def standing(agent: AgentProcess) -> dict[str, Any]:
    async with agent.client() as client:
        return dict((await client.get("/enrol/check/standing")).json())


async def check_is(agent: AgentProcess, what: str, so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Wait until the check stands so, and give how."""
    last: dict[str, Any] = {}

    async def seen() -> str | None:
        nonlocal last
        last = await standing(agent)
        return None if so(last) else json.dumps(last)[:1500]

    await until(what, seen, DEADLINE_S)
    return last


def told(est: Est) -> list[HandedOver]:
    return [word for word in est.shop.book.words if isinstance(word, HandedOver)]


async def enrol(est: Est, scanner: SimulatedScanner, agent: AgentProcess) -> None:
    assert await scanner.scan(await invited(est)) is True
    await agent.next_ready()


async def test_it_begins_by_itself_and_its_record_is_at_the_hub(
    est: Est, scanner: SimulatedScanner, scale: SimulatedScale8217, tmp_path: Path
) -> None:
    async with station(tmp_path / "station", scanner, scale) as agent:
        await enrol(est, scanner, agent)
        now = await check_is(agent, "the check", lambda check: check["state"] == "step")
        assert [(step["kind"], step["device"]) for step in now["steps"]] == [("scan", "scanner"), ("weigh", "scale")]
        assert now["steps"][0]["model"] == "scanner"
        # Goods are goods, also now: sold, and no proof of anything.
        assert await scanner.scan(MILK) is True
        now = await check_is(agent, "milk", lambda check: check["trouble"] == "another-code")
        assert now["steps"][0]["result"] is None
        # A sale is open by that: END ends it first.
        assert await scanner.scan(END) is True
        assert (await standing(agent))["state"] == "step"
        assert await scanner.scan(ANNA) is True
        assert await scanner.scan(CHECK) is True
        await check_is(agent, "zero", lambda check: check["at"] == 1 and check["steps"][1]["zero_grams"] == 0)
        scale.trouble("motion")
        await check_is(agent, "unrest", lambda check: check["trouble"] == "unstable")
        scale.trouble("over")
        await check_is(agent, "too much", lambda check: check["trouble"] == "overload")
        scale.put(998)
        done = await check_is(agent, "the hub", lambda check: check["record"] == "taken")
        assert (done["state"], done["to_check"]) == ("done", False)
        (word,) = told(est)
        record = read_record(word.record.encode())
        assert (record.station, record.store, record.position) == (agent.ready["station"], "oak-street", "till-3")
        assert record.person == "anna"
        assert record.flawless
        scanned, weighed = record.steps
        assert (scanned.seen, scanned.driver) == (CHECK, "serial-scanner")
        assert (weighed.grams, weighed.zero_grams) == (998, 0)
        assert await agent.stop() == 0
        # Nothing of it is stock: one carton of milk was sold.
        assert [entry.code for entry in await agent.stock() if isinstance(entry, Delta | CountReading)] == [MILK]
    # Checked once, it does not begin by itself again.
    async with agent:
        assert (await standing(agent))["state"] == "none"
        assert (await standing(agent))["record"] == "taken"
    assert len(told(est)) == 1


async def test_what_is_not_there_fails_by_name_and_may_come_back(
    est: Est, scanner: SimulatedScanner, tmp_path: Path
) -> None:
    missing = SimulatedScale8217(tmp_path / "scale")
    async with station(tmp_path / "station", scanner, missing) as agent:
        await enrol(est, scanner, agent)
        await check_is(agent, "the check", lambda check: check["state"] == "step")
        assert await scanner.scan(CHECK) is True
        now = await check_is(agent, "the review", lambda check: check["state"] == "review")
        assert (now["steps"][1]["result"], now["steps"][1]["fault"]) == ("failed", "absent")
        # Plugged in, its step comes again by itself.
        async with missing as scale:
            await check_is(agent, "the scale", lambda check: check["steps"][1]["zero_grams"] == 0)
            scale.put(500)
            await check_is(agent, "the hub", lambda check: check["record"] == "taken")

        async def gone() -> str | None:
            told = {one["device"]: one["status"] for one in (await health(agent))["status"]["devices"]}
            return None if told["scale"] in ("absent", "lost") else told["scale"]

        await until("the scale's end", gone, DEADLINE_S)
        # Once more, by the card; what failed is left as it is.
        assert await scanner.scan(CHECK) is True
        await check_is(agent, "another check", lambda check: check["state"] == "step")
        assert await scanner.scan(CHECK) is True
        await check_is(agent, "what failed", lambda check: check["state"] == "review")
        assert await scanner.scan(YES) is True
        await check_is(agent, "the hub", lambda check: (check["state"], check["record"]) == ("done", "taken"))
    first, second = (read_record(word.record.encode()) for word in told(est))
    assert first.flawless
    assert [(step.result, step.fault) for step in second.steps] == [
        (StepResult.PASSED, ""),
        (StepResult.FAILED, second.steps[1].fault),
    ]
    assert second.steps[1].fault in ("absent", "lost")


async def test_it_can_be_left_and_skipped_and_driven_by_a_command(
    est: Est, scanner: SimulatedScanner, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with station(tmp_path / "station", scanner) as agent:
        await enrol(est, scanner, agent)
        await check_is(agent, "the check", lambda check: check["state"] == "step")
        assert await scanner.scan(END) is True
        now = await check_is(agent, "left", lambda check: check["state"] == "left")
        assert (now["left"], now["record"]) == ("by-hand", "none")
        # Left by somebody, it is not begun by itself, and its cards are refused.
        assert await scanner.scan(YES) is False
        async with agent.client() as client:
            assert (await client.post("/enrol/check", json={"do": "yes"})).json()["name"] == "no-check"
            assert (await client.post("/enrol/check", json={"do": "begin"})).json()["state"] == "step"
            refused = await client.post("/enrol/check", json={"do": "skip", "text": " "})
            assert (refused.status_code, refused.json()["name"]) == (409, "no-reason")
            refused = await client.post("/enrol/check", json={"do": "yes"})
            assert refused.json()["name"] == "nothing-asked"
            assert (await client.post("/enrol/check", content="x" * 3000, headers=AS_JSON)).status_code == 413
            assert (await client.post("/enrol/check", json={"do": "who", "text": "bo\x1b[31m"})).status_code == 200
            said = await client.post("/enrol/check", json={"do": "skip", "text": "no <b>scanner</b> yet"})
            assert said.json()["state"] == "review"
            assert (await client.post("/enrol/check", json={"do": "finish"})).status_code == 200
        await check_is(agent, "the hub", lambda check: check["record"] == "taken")
        # The same from a terminal.
        port = int(agent.ready["api"].rpartition(":")[2])
        machine = msgspec.structs.replace(load_machine(agent.config), api=ApiSettings(port=port))

        async def handover(*words: str) -> str:
            asked = argparse.Namespace(do=words[0], text=" ".join(words[1:]), json=False)
            assert await asyncio.to_thread(run, machine, asked) == 0
            return capsys.readouterr().out

        assert "skipped  scanner (scan): no <b>scanner</b> yet" in await handover("show")
        assert "now: scanner: scan the CHECK card; " in await handover("begin")
        await handover("who", "anna")
        assert "skipped  scanner (scan): on Tuesday\nnot all was passed" in await handover("skip", "on", "Tuesday")
        assert "to do    scanner" in await handover("again", "1")
        assert await scanner.scan(CHECK) is True
        await check_is(agent, "the hub", lambda check: (check["state"], check["record"]) == ("done", "taken"))
        assert await handover("show") == " 1 passed   scanner (scan): SW1:CHECK\nthe hub has the signed record\n"
    assert read_record(told(est)[1].record.encode()).flawless
    record = read_record(told(est)[0].record.encode())
    assert (record.person, record.steps[0].result, record.steps[0].note) == (
        "bo?[31m",
        StepResult.SKIPPED,
        "no <b>scanner</b> yet",
    )
