"""`shelfwire edge probe PATH` and `edge replay`, with a simulated device at the other end."""

from __future__ import annotations

import asyncio
import json
import os
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from edge.codecs.layouts import LAYOUTS
from edge.drivers.fitting import TEST_TEXT
from edge.drivers.installed import installed_drivers
from shelfwire.cli import main
from shelfwire.probe_listening import scan_by_driver
from shelfwire.simulators.port import SimulatedPort
from shelfwire.simulators.scale import SimulatedScale8217
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.agent_process import AgentProcess
from tests.unit.edge_codecs.keys import ENTER, LEFT_CTRL, press, typing
from tests.unit.edge_hardware.machine import SCANNER_REPORT, Machine

DEADLINE_S = 60
EAN = "4006381333931"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Captures go into the folder one is in."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[SimulatedPort]:
    async with SimulatedPort(tmp_path / "port") as port:
        yield port


async def probe(*arguments: str) -> int:
    async with asyncio.timeout(DEADLINE_S):
        return await asyncio.to_thread(main, ["edge", "probe", *arguments])


async def until_open(port: SimulatedPort) -> None:
    assert await port.wait_for_reader(DEADLINE_S)


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


async def test_a_scale_that_is_asked_is_known_and_its_capture_reads_the_same(
    tmp_path: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with SimulatedScale8217(tmp_path / "port") as scale:
        scale.put(1250)
        assert await probe(str(scale.path), "--ask", "--json") == 0
    found = told(capsys)
    fits = {fit["driver"] for fit in found["fits"]}
    assert "scale-8217" in fits
    weighed = next(fit for fit in found["fits"] if fit["driver"] == "scale-8217" and fit["table"]["unit"] == "kg")
    assert [row["weight"] for row in weighed["readings"]] == [1250]
    assert weighed["experimental"]
    assert main(["edge", "replay", found["capture"]]) == 0
    assert json.loads(capsys.readouterr().out)["weight"] == 1250
    assert (here / found["capture"]).is_dir()


async def test_a_device_is_only_listened_to_unless_told_otherwise(
    port: SimulatedPort, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with asyncio.TaskGroup() as group:
        probing = group.create_task(probe(str(port.path), "--seconds", "0.1", "--json"))
        sent = b""
        while not probing.done():
            await asyncio.sleep(0.02)
            sent += port.receive_waiting()
    assert probing.result() == 1
    assert sent == b""
    assert told(capsys) == {"path": str(port.path), "baud": 0, "frame": "", "bytes": 0, "fits": [], "capture": None}
    assert os.listdir(here) == []


async def test_bytes_that_nobody_knows_are_kept_for_those_who_may(
    port: SimulatedPort, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = bytes(range(128, 200))

    async def talk() -> None:
        await until_open(port)
        await port.send(noise)

    async with asyncio.TaskGroup() as group:
        group.create_task(talk())
        probing = group.create_task(probe(str(port.path), "--seconds", "0.6", "--capture", "kept"))
    assert probing.result() == 1
    shown = capsys.readouterr().out
    assert "72 bytes" in shown
    assert "which make no sense to any driver" in shown
    assert "shelfwire edge replay kept" in shown
    assert main(["edge", "replay", "kept"]) == 1
    assert "no driver speaks 'unknown'" in capsys.readouterr().err
    assert main(["edge", "replay", "kept", "--codec", "serial-scanner", "--option", 'suffix="cr"']) == 0
    assert main(["edge", "replay", "kept", "--codec", "mt8217", "--option", 'unit="stone"']) == 1
    assert main(["edge", "replay", "kept", "--option", "unit"]) == 2


async def test_a_test_scan_settles_a_serial_scanner(port: SimulatedPort, capsys: pytest.CaptureFixture[str]) -> None:
    async def scan() -> None:
        await until_open(port)
        await port.send(f"%]C1{TEST_TEXT}\t".encode())

    async with asyncio.TaskGroup() as group:
        group.create_task(scan())
        probing = group.create_task(probe(str(port.path), "--scan", "test"))
    assert probing.result() == 0
    shown = capsys.readouterr().out
    assert "scan the code now" in shown
    table = tomllib.loads(shown.split("-" * 79 + "\n")[1])["devices"]["scanner"]
    assert table == {
        "driver": "serial-scanner",
        "port": str(port.path),
        "baud": 9600,
        "frame": "8N1",
        "suffix": "tab",
        "prefix": "%",
    }
    del table["driver"]
    installed_drivers()["serial-scanner"].load().make_from(table)


async def test_a_scanner_that_is_listened_to_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with SimulatedScanner(tmp_path / "port", aim="]E0") as scanner, asyncio.TaskGroup() as group:
        probing = group.create_task(probe(str(scanner.path), "--json"))
        await until_open(scanner.port)
        await scanner.scan(EAN)
    assert probing.result() == 0
    best = told(capsys)["fits"][0]
    assert (best["driver"], best["readings"][0]["scan"], best["readings"][0]["aim"]) == ("serial-scanner", EAN, "]E0")


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
async def test_a_test_scan_settles_the_layout_of_a_scanner_that_types(
    layout: Any, tmp_path: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "event0"
    os.mkfifo(path)
    before, _, after = TEST_TEXT.partition("\x1d")
    strokes = typing(layout, before) + press(27, LEFT_CTRL) + typing(layout, after) + press(ENTER)

    def scan() -> None:
        with path.open("wb") as end:
            end.write(strokes)

    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(scan))
        probing = group.create_task(probe(str(path), "--scan", TEST_TEXT.replace("\x1d", "<GS>"), "--json"))
    assert probing.result() == 0
    found = told(capsys)
    assert layout.name in {fit["table"]["layout"] for fit in found["fits"]}
    # What a keyboard typed is kept only if one asks for it.
    assert found["capture"] is None
    assert os.listdir(here) == []


async def test_a_hid_scanner_is_tried_through_its_driver(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    machine = Machine(tmp_path / "machine")
    node = machine.plug_hid(machine.usb("1-1", "0c2e", "0b61", "Xenon"), SCANNER_REPORT)
    where = ["--sys", str(machine.sys), "--dev", str(machine.dev)]
    # A plain file: found as a scanner, and then no HID device when its driver opens it.
    assert await probe(node, "--scan", EAN, *where) == 1
    assert "is no HID device" in capsys.readouterr().err


async def test_a_scan_through_a_driver_gives_its_code_or_nothing_in_time(tmp_path: Path) -> None:
    driver = installed_drivers()["serial-scanner"].load()
    async with SimulatedScanner(tmp_path / "port") as scanner:
        table = {"port": str(scanner.path)}
        await scanner.scan(EAN)
        read = await scan_by_driver(driver, table, DEADLINE_S)
        assert read is not None
        assert read.text == EAN
        assert await scan_by_driver(driver, table, 0.05) is None


def test_check_warns_of_paths_that_follow_the_order_of_plugging(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = {
        "one": {"driver": "serial-scanner", "port": "/dev/ttyUSB0"},
        "two": {"driver": "keyboard-wedge", "path": "/dev/input/event3"},
        "three": {"driver": "serial-scanner", "port": "/dev/serial/by-id/usb-x-if00"},
        "four": {"driver": "serial-scanner", "port": "/dev/ttyAMA0"},
    }
    agent = AgentProcess(tmp_path, tables)
    assert main(["edge", "check", "--config", str(agent.config)]) == 0
    warned = [line for line in capsys.readouterr().out.splitlines() if "after a restart" in line]
    assert [line.split(":")[0].strip() for line in warned] == ["one", "two"]


async def test_what_is_not_there_or_taken_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await probe(str(tmp_path / "none")) == 1
    assert "No such file" in capsys.readouterr().err
    assert await probe(str(tmp_path / "input" / "event0")) == 2
    assert "--scan TEXT is needed" in capsys.readouterr().err


def test_a_capture_that_reads_otherwise_than_written_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "c"
    folder.mkdir()
    (folder / "codec.toml").write_text('codec = "serial-scanner"\nsource = "field: x"\n[options]\nsuffix = "cr"\n')
    (folder / "input.hex").write_text("34 35 0d\n")
    right = '{"scan": "45", "aim": null, "raw": "3435"}\n'
    for expected, code, said in (
        (right, 0, ""),
        (right.replace("45", "46"), 1, "line 1 of readings.jsonl is"),
        ("", 1, "line 1 is one more"),
        (right + right, 1, "line 2 of readings.jsonl is"),
        ("{", 1, "readings.jsonl:1: "),
    ):
        (folder / "readings.jsonl").write_text(expected)
        assert main(["edge", "replay", str(folder)]) == code
        assert said in capsys.readouterr().err
    (folder / "codec.toml").write_text('codec = "serial-scanner"\nsource = "hearsay"\n')
    assert main(["edge", "replay", str(folder)]) == 1
    assert "'field: ' nor 'derived: '" in capsys.readouterr().err
    assert main(["edge", "replay", str(tmp_path / "none")]) == 1
    assert "No such file" in capsys.readouterr().err
