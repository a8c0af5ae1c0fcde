"""`shelfwire demo` as a person runs it: the books balance, whatever was cut and killed, and nothing is left behind.

A day lasts as long as it lasts and mostly waits, so the days of all brokers are lived at once.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from shelfwire.demo.brokers import BrokerKind
from shelfwire.demo.waiting import wait_for

STATIONS = {"till-1", "shelf-1", "bay-1"}
ENDS_WITHIN_S = 240
PORTS: dict[BrokerKind, int] = {"mosquitto": 18081, "iotcore": 18082}
"""Of each day's page: two that look for a free one at the same time may find the same."""
STAYS_UP: BrokerKind = "mosquitto"
"""The day of this one has somebody who looks at the shop when it is over; the other ends by itself."""


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "shelfwire.cli", "demo", "--port", "18080", *arguments]


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(folder)}


async def start_demo(folder: Path, *arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *command(*arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(folder),
        start_new_session=True,
    )


@dataclass(frozen=True)
class Day:
    """A demo under way. What it says goes to files, so that it never waits for a reader."""

    process: subprocess.Popen[bytes]
    folder: Path
    said: Path
    told: Path


@pytest.fixture(scope="module")
def days(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Day]]:
    """A day under way with each broker that the tests of this run ask for."""
    begun: dict[str, Day] = {}
    try:
        for kind, port in PORTS.items():
            if not any(f"[{kind}]" in item.nodeid for item in request.session.items if item.path == request.path):
                continue
            beside = tmp_path_factory.mktemp(kind)
            folder, said, told = beside / "tmp", beside / "said.json", beside / "told.txt"
            folder.mkdir()
            arguments = command("--minutes", "0.3", "--json", "--broker", kind, "--port", str(port))
            if kind != STAYS_UP:
                arguments.append("--headless")
            with said.open("wb") as out, told.open("wb") as err:
                process = subprocess.Popen(
                    arguments, stdout=out, stderr=err, env=environment(folder), start_new_session=True
                )
            begun[kind] = Day(process, folder, said, told)
        yield begun
    finally:
        for day in begun.values():
            day.process.kill()
            day.process.wait()


def processes_in(folder: Path) -> list[int]:
    """Find whatever runs with a path of this folder on its command line: brokers, hub, stations."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(folder) in command:
                found.append(int(entry.name))
    return found


async def wait_all_gone(folder: Path) -> None:
    async def gone() -> bool:
        return not processes_in(folder)

    await wait_for("every process of the demo to be gone", gone, 60, lambda: str(processes_in(folder)))


async def wait_running(folder: Path, parts: int) -> None:
    async def running() -> bool:
        return len(processes_in(folder)) >= parts

    await wait_for(f"{parts} processes of the demo", running, 60, lambda: str(processes_in(folder)))


async def look_at_the_shop_after(day: Day, port: int) -> None:
    """Wait until the day is over, and look at the hub's page and at its stations."""

    async def stays_up() -> bool:
        assert day.process.poll() is None, day.told.read_text()
        return "The shop stays up for you to look at" in day.told.read_text()

    await wait_for("the shop to stay up", stays_up, ENDS_WITHIN_S, day.told.read_text)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as browser:
        assert (await browser.get("/")).status_code == 200
        stations = (await browser.get("/api/v1/stations")).json()
    assert {station["station"] for station in stations["stations"]} >= STATIONS


def left_in(folder: Path) -> Iterable[str]:
    return [entry.name for entry in folder.iterdir()]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_stopped_at_any_moment_it_leaves_nothing_behind_and_says_so(tmp_path: Path, end: signal.Signals) -> None:
    demo = await start_demo(tmp_path, "--minutes", "5", "--json")
    await wait_running(tmp_path, 6)
    demo.send_signal(end)
    async with asyncio.timeout(60):
        out, _ = await demo.communicate()
    report = json.loads(out)
    assert demo.returncode == 1
    assert not report["balanced"]
    assert report["failure"] == "stopped before the day was over"
    assert processes_in(tmp_path) == []
    assert left_in(tmp_path) == []


async def test_killed_it_leaves_no_process_and_the_next_one_works(tmp_path: Path) -> None:
    demo = await start_demo(tmp_path, "--minutes", "5")
    await wait_running(tmp_path, 6)
    demo.kill()
    await demo.communicate()
    await wait_all_gone(tmp_path)
    assert left_in(tmp_path) != []
    again = await start_demo(tmp_path, "--minutes", "5", "--json")
    await wait_running(tmp_path, 6)
    again.send_signal(signal.SIGINT)
    async with asyncio.timeout(60):
        await again.communicate()
    assert left_in(tmp_path) == []


async def test_a_taken_port_is_told_and_another_one_used(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with server:
        taken = server.sockets[0].getsockname()[1]
        demo = await start_demo(tmp_path, "--minutes", "5", "--json", "--port", str(taken))
        assert demo.stderr is not None
        told = (await demo.stderr.readline()).decode()
        await wait_running(tmp_path, 6)
        demo.send_signal(signal.SIGINT)
        await demo.communicate()
    assert told.startswith(f"Port {taken} is taken; the page is at http://127.0.0.1:")
    assert not told.rstrip().endswith(f":{taken}")


async def test_what_is_asked_wrongly_is_usage(tmp_path: Path) -> None:
    for wrong in (["--minutes", "0"], ["--port", "70000"], ["--broker", "amqtt"], ["--keep", str(tmp_path)]):
        demo = await start_demo(tmp_path, *wrong)
        out, err = await demo.communicate()
        assert demo.returncode == 2, err.decode()
        assert out == b""


@pytest.mark.parametrize(
    "broker", [pytest.param("mosquitto", marks=pytest.mark.needs_mosquitto), pytest.param("iotcore")]
)
async def test_the_books_balance_after_a_day_of_trouble(days: dict[str, Day], broker: BrokerKind) -> None:
    day = days[broker]
    if broker == STAYS_UP:
        await look_at_the_shop_after(day, PORTS[broker])
        day.process.send_signal(signal.SIGINT)
    await asyncio.to_thread(day.process.wait, ENDS_WITHIN_S)
    told = day.told.read_text()
    report: dict[str, Any] = json.loads(day.said.read_text())
    assert report["balanced"], (report.get("failure"), told)
    assert day.process.returncode == 0
    assert {line["station"] for line in report["stations"]} == STATIONS
    for line in report["stations"]:
        assert line["scanned"] == line["durable"] == line["committed"] == line["folded"] > 0
    assert len(report["stock"]) == 28
    for line in report["stock"]:
        assert line["tally_milli"] == line["hub_milli"] == line["hq_milli"]
    catalogue = report["catalogue"]
    assert {catalogue["hub"], *catalogue["stations"].values()} == {catalogue["hq"]}
    assert report["feed"]["entries"] == report["feed"]["expected"] > 0
    assert report["feed"]["journal"] == report["feed"]["journal_expected"] > 0
    assert (report["statement"]["figures"], report["statement"]["differing"]) == (28, 0)
    kinds = [event["kind"] for event in report["events"]]
    assert kinds.count("trouble") >= 4
    assert kinds.count("mended") == kinds.count("trouble")
    assert left_in(day.folder) == []
    assert processes_in(day.folder) == []
