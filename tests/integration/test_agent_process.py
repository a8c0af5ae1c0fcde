"""The agent as a process: quick to start, small, single, orderly when told and whole when killed."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from edge.agent import CATALOGUE_FILE
from edge.catalogue.replica import CatalogueReplica
from protocol.catalogue import Unit, encode_row
from protocol.chain import Position
from protocol.events import Count, CountReading, Delta, Mark
from protocol.identity import Epoch
from protocol.replication.ports import ReaderState
from shelfwire.cli import main
from shelfwire.simulators.scale import SimulatedScale8217
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.agent_process import COMMAND, AgentProcess, scanner_table
from tests.integration.station_rig import BAD, BANANAS, DEADLINE_S, MILK, ROWS, TEA, UNKNOWN, goods

START_MS = 2000
RSS_KIB = 60 * 1024


@pytest.fixture
async def scanner(tmp_path: Path) -> AsyncIterator[SimulatedScanner]:
    async with SimulatedScanner(tmp_path / "scanner", ack=True) as scanner:
        yield scanner


def code_of(number: int) -> str:
    """The EAN-13 of one of many items."""
    digits = f"21{number:010d}"
    return f"{digits}{-sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10}"


async def stock_up(agent: AgentProcess, items: int = 0) -> None:
    """Give a station the catalogue of three items, and `items` more."""
    rows = list(ROWS)
    for number in range(items):
        rows += goods(code_of(number), f"item-{number}", f"Something number {number}", Unit.EACH, 100 + number)
    agent.data_dir.mkdir(exist_ok=True)
    async with CatalogueReplica(agent.data_dir / CATALOGUE_FILE) as catalogue:
        state = ReaderState(at=Position(Epoch(1, 1), len(rows), bytes(32)), generation=1)
        await catalogue.replace([[encode_row(row) for row in rows]], state)


@pytest.mark.alone
async def test_it_starts_within_two_seconds_and_idles_small_with_a_large_catalogue(
    tmp_path: Path, scanner: SimulatedScanner
) -> None:
    agent = AgentProcess(tmp_path, {"scanner": scanner_table(scanner.path)})
    await stock_up(agent, items=100_000)

    async def start_ms() -> float:
        started = asyncio.get_running_loop().time()
        async with agent:
            return (asyncio.get_running_loop().time() - started) * 1000 - agent.queued_ms()

    # Others may be using the machine: what it waited for a processor is not its own, and the best of three counts.
    took_ms = min([await start_ms() for _ in range(3)])
    assert took_ms <= START_MS
    async with agent:
        assert await scanner.scan(MILK) is True
        async with agent.client() as client:
            assert (await client.get(f"/v1/items/{code_of(77_777)}")).json()["item"] == "item-77777"
            health = (await client.get("/v1/health")).json()
        assert health["catalogue"]["rows"] == 3 * 100_003
        assert health["stock"]["unacked"] == 1
        assert agent.rss_kib() <= RSS_KIB
        print(f"start {took_ms:.0f} ms, itself {agent.ready['took_ms']} ms; {agent.rss_kib() / 1024:.1f} MiB")


def test_running_it_loads_nothing_that_only_the_hub_needs() -> None:
    heavy = ["fastapi", "pydantic", "rich", "jinja2", "httpx", "sqlite_utils", "hub", "hypothesis"]
    code = f"import sys, shelfwire.cli, edge.agent; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == "[]"


async def test_what_was_acknowledged_survives_the_plug_being_pulled(tmp_path: Path, scanner: SimulatedScanner) -> None:
    agent = AgentProcess(tmp_path, {"scanner": scanner_table(scanner.path)})
    await stock_up(agent)
    async with agent:
        assert await scanner.scan(MILK) is True
        await agent.kill()
    async with agent:
        assert await scanner.scan(BAD) is False
        assert await scanner.scan(UNKNOWN) is True
        await agent.kill()
    sold = [(entry.code, entry.price_minor) for entry in await agent.stock() if isinstance(entry, Delta)]
    assert sold == [(MILK, 119), (UNKNOWN, None)]


async def test_two_scanners_and_a_plug_pulled_again_and_again(tmp_path: Path) -> None:
    """Every acknowledged scan is there once; one that was cut off is there once or not at all."""
    dice = random.Random(7)
    accepted: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    over = asyncio.Event()

    async def work(scanner: SimulatedScanner, code: str) -> None:
        while not over.is_set():
            answer = await scanner.scan(code)
            accepted[code] += answer is True
            unknown[code] += answer is None

    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(SimulatedScanner(tmp_path / "one", ack=True))
        two = await stack.enter_async_context(SimulatedScanner(tmp_path / "two", ack=True))
        agent = AgentProcess(tmp_path, {"one": scanner_table(one.path), "two": scanner_table(two.path)})
        workers = [asyncio.create_task(work(one, MILK)), asyncio.create_task(work(two, TEA))]
        for _ in range(5):
            async with agent:
                await asyncio.sleep(dice.uniform(0.1, 0.5))
                await agent.kill()
        async with agent:
            over.set()
            async with asyncio.timeout(DEADLINE_S):
                await asyncio.gather(*workers)
            assert await agent.stop() == 0
    stored = Counter(entry.code for entry in await agent.stock() if isinstance(entry, Delta))
    for code in (MILK, TEA):
        assert accepted[code] >= 20
        assert accepted[code] <= stored[code] <= accepted[code] + unknown[code]


async def test_a_count_is_carried_through_a_power_cut(tmp_path: Path, scanner: SimulatedScanner) -> None:
    agent = AgentProcess(tmp_path, {"scanner": scanner_table(scanner.path)})
    async with agent:
        for code in ("SW1:MODE:COUNT", MILK, TEA, MILK):
            assert await scanner.scan(code) is True
        await agent.kill()
    async with agent:
        for code in ("SW1:UNDO", "SW1:QTY:5", MILK, "SW1:END", "SW1:MODE:SALE", TEA):
            assert await scanner.scan(code) is True
        await agent.kill()
    found = await agent.stock()
    assert [entry.qty_milli for entry in found if isinstance(entry, CountReading)] == [1000, 1000, 1000, -1000, 5000]
    assert {e.code: e.qty_milli for e in found if isinstance(e, Count)} == {MILK: 6000, TEA: 1000}
    assert [entry.code for entry in found if isinstance(entry, Delta)] == [TEA]


async def test_a_weighed_sale_through_the_whole_process(tmp_path: Path, scanner: SimulatedScanner) -> None:
    async with SimulatedScale8217(tmp_path / "scale") as scale:
        devices = {
            "scanner": scanner_table(scanner.path),
            "scale": {"driver": "scale-8217", "port": str(scale.path), "poll_ms": 50},
        }
        agent = AgentProcess(tmp_path, devices)
        await stock_up(agent)
        async with agent:
            scale.put(1250)
            assert await scanner.scan(BANANAS) is True
            await agent.kill()
    (event,) = [entry for entry in await agent.stock() if isinstance(entry, Delta)]
    assert (event.qty_milli, event.price_minor) == (-1250, 199)


async def test_an_orderly_stop_leaves_a_closing_mark(tmp_path: Path, scanner: SimulatedScanner) -> None:
    agent = AgentProcess(tmp_path, {"scanner": scanner_table(scanner.path)})
    async with agent:
        assert await scanner.scan(MILK) is True
        assert await agent.stop() == 0
    last = (await agent.stock())[-1]
    assert isinstance(last, Mark)
    assert last.closing


async def test_a_stop_does_not_wait_for_listeners(tmp_path: Path) -> None:
    agent = AgentProcess(tmp_path, {})
    async with agent, agent.client() as client, client.stream("GET", "/v1/events") as stream:
        assert await anext(stream.aiter_lines()) == "event: status"
        assert await agent.stop() == 0


async def test_a_second_agent_is_turned_away(tmp_path: Path) -> None:
    agent = AgentProcess(tmp_path, {})
    async with agent:
        second = await asyncio.create_subprocess_exec(
            *COMMAND, "run", "--config", str(agent.config), stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(DEADLINE_S):
            _, said = await second.communicate()
    assert second.returncode == 1
    assert b"another agent works in" in said


async def test_what_the_log_says_is_one_json_object_a_line(tmp_path: Path) -> None:
    agent = AgentProcess(tmp_path, {"scanner": scanner_table(tmp_path / "none")})
    async with agent:
        await agent.stop()
    lines = [json.loads(line) for line in (tmp_path / "agent.log").read_text().splitlines()]
    assert {"ready", "device", "stopping", "stopped"} <= {line["event"] for line in lines}
    device = next(line for line in lines if line["event"] == "device")
    assert (device["device"], device["status"], device["level"]) == ("scanner", "absent", "warning")


async def test_the_logs_are_told_whether_the_agent_runs_or_not(
    tmp_path: Path, scanner: SimulatedScanner, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = AgentProcess(tmp_path, {"scanner": scanner_table(scanner.path)})
    status = ["edge", "buffer", "status", "--json", "--config", str(agent.config)]
    assert main(status) == 1
    async with agent:
        for _ in range(3):
            assert await scanner.scan(MILK) is True
        # Its port was any free one: now the file names it.
        port = agent.ready["api"].rpartition(":")[2]
        agent.config.write_text(agent.config.read_text().replace("[api]\nport = 0", f"[api]\nport = {port}"))
        capsys.readouterr()
        assert await asyncio.to_thread(main, status) == 0
        running = json.loads(capsys.readouterr().out)
        await agent.kill()
    assert main(status) == 0
    stopped = json.loads(capsys.readouterr().out)
    assert (running["running"], stopped["running"]) == (True, False)
    for told in (running, stopped):
        stock, chatter = told["logs"]
        assert (stock["stream"], stock["head"], stock["entries"], stock["unacked"]) == ("stock", 3, 3, 3)
        assert (chatter["stream"], chatter["head"]) == ("chatter", 0)
    assert main(status[:3] + status[4:]) == 0
    assert "3 not known to be at the hub" in capsys.readouterr().out


async def test_it_tells_systemd_when_it_is_ready_that_it_lives_and_that_it_stops(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)

        async def heard() -> str:
            async with asyncio.timeout(DEADLINE_S):
                return (await asyncio.get_running_loop().sock_recv(manager, 4096)).decode()

        env = {
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": "600000",
            "RUNTIME_DIRECTORY": str(tmp_path),
        }
        async with AgentProcess(tmp_path, {}, env=env) as agent:
            words = [await heard() for _ in range(6)]
            assert "READY=1\nSTATUS=ready to scan as till-3" in words
            assert words.count("WATCHDOG=1") == 5
            assert await agent.stop() == 0
            while (word := await heard()) == "WATCHDOG=1":
                pass
            assert word == "STOPPING=1\nSTATUS=stopping"
    assert (tmp_path / "time-server").read_text() == "127.0.0.1\n"
