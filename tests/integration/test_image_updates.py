"""A machine in a folder that was updated: its health check keeps the new version, or leaves it and says why."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from image.layout import AUTOBOOT_FILE, RELEASE_FILE, SLOTS, TWO_SLOTS, Slot
from image.slots.autoboot import read_autoboot, write_autoboot
from tests.integration.image_commands import done, process, shelfwire


class Agent:
    """Answers `GET /v1/health` as a station's agent does."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] | None = None
        self.path = "/v1/health"
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps(outer.answer).encode()
                self.send_response(200 if self.path == outer.path and outer.answer is not None else 503)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def is_well(self, **devices: str) -> None:
        told = [{"device": name, "kind": "x", "status": status, "note": ""} for name, status in devices.items()]
        self.answer = {
            "version": "1",
            "status": {"devices": told},
            "stock": {"sync_p50_us": 900, "written_bytes": 4096},
        }


class Folder:
    """A machine in a folder, whose firmware is this."""

    def __init__(self, root: Path, agent: Agent) -> None:
        self.root, self.agent = root, agent
        for part in ("proc", "boot/config", "data/slots", "usr/lib/shelfwire", "dev/disk/by-partuuid"):
            (root / part).mkdir(parents=True)
        self.tryboot = root / "tryboot"
        told = [
            f"writable = []\nreadonly = []\nagent = {agent.url!r}\n",
            f"tryboot = ['touch', {str(self.tryboot)!r}]\n",
        ]
        (root / "data/slots/slots.toml").write_text("".join(told))
        (root / AUTOBOOT_FILE[1:]).write_bytes(write_autoboot("a"))
        for slot in SLOTS:
            for partition in (TWO_SLOTS.boot(slot), TWO_SLOTS.root(slot)):
                (root / partition.device[1:]).write_bytes(b"\xeb" * 1024)
        self.power_on()

    def power_on(self) -> Slot:
        """Start what the firmware would."""
        slot = read_autoboot((self.root / AUTOBOOT_FILE[1:]).read_bytes())
        assert slot is not None
        if self.tryboot.exists():
            self.tryboot.unlink()
            slot = "b" if slot == "a" else "a"
        (self.root / "proc/cmdline").write_text(f"ro shelfwire.slot={slot} quiet\n")
        (self.root / RELEASE_FILE[1:]).write_text(json.dumps({"version": f"0.{slot}"}))
        return slot

    def slots(self, *words: object) -> str:
        return done("slots", *words, "--root", self.root)

    def health(self, within: float = 60) -> subprocess.CompletedProcess[str]:
        return shelfwire("health", "--root", self.root, "--within", within)

    def told(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.slots("show", "--json"))
        return said


@pytest.fixture
def agent() -> Iterator[Agent]:
    made = Agent()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def machine(tmp_path: Path, agent: Agent) -> Folder:
    made = Folder(tmp_path / "machine", agent)
    agent.is_well(scanner="ready", scale="absent")
    assert made.health().returncode == 0
    return made


def installed(machine: Folder) -> None:
    """Ask the backend in the order in which RAUC does."""
    assert machine.slots("get-primary") == "a\n"
    machine.slots("set-state", "b", "bad")
    assert machine.slots("get-state", "b") == "bad\n"
    (machine.root / TWO_SLOTS.boot("b").device[1:]).write_bytes(b"\xeb" * 1024)
    machine.slots("set-primary", "b")
    assert machine.slots("get-primary") == "b\n"
    assert machine.slots("get-current") == "a\n"
    assert shelfwire("slots", "set-state", "b", "bad", "--root", machine.root).returncode == 1, "it waits to be tried"
    machine.slots("try")


def test_a_good_version_is_committed_by_its_health_check(machine: Folder) -> None:
    installed(machine)
    assert machine.power_on() == "b"
    ended = process("health", "--root", machine.root, "--within", 60)
    assert ended.returncode == 0, ended.stdout
    assert "this slot is committed" in ended.stdout
    assert machine.power_on() == "b"
    assert machine.told()["record"]["versions"] == {"a": "0.a", "b": "0.b"}
    # And back by hand, which is a trial like any other.
    machine.slots("back")
    machine.slots("try")
    assert machine.power_on() == "a"
    assert machine.health().returncode == 0
    assert machine.power_on() == "a"


def test_a_version_that_loses_a_device_is_left_and_says_which(machine: Folder) -> None:
    installed(machine)
    assert machine.power_on() == "b"
    machine.agent.is_well(scanner="absent", scale="absent")
    ended = machine.health(within=0)
    assert ended.returncode == 1
    assert machine.power_on() == "a"
    machine.agent.is_well(scanner="ready", scale="absent")
    assert machine.health().returncode == 0
    fall = machine.told()["record"]["falls"][-1]
    assert (fall["slot"], fall["why"]) == ("b", "unhealthy")
    assert fall["detail"] == "devices that worked before do not: scanner (absent)"
    assert "scanner (absent)" in machine.slots()


def test_a_version_whose_agent_is_silent_is_left(machine: Folder) -> None:
    installed(machine)
    machine.power_on()
    machine.agent.answer = None
    assert machine.health(within=0).returncode == 1
    assert machine.power_on() == "a"
    assert machine.health(within=0).returncode == 4, "unwell, but there is nothing to go back to"
    assert "the agent answers 503" in machine.told()["record"]["falls"][-1]["detail"]


def test_a_version_that_never_came_up_is_told_of(machine: Folder) -> None:
    installed(machine)
    machine.tryboot.unlink()
    assert machine.power_on() == "a"
    machine.health()
    assert machine.told()["record"]["falls"][-1]["why"] == "silent"


def test_a_disk_that_takes_nothing_is_not_healthy(machine: Folder) -> None:
    installed(machine)
    machine.power_on()
    (machine.root / "data/slots/probe").mkdir()
    ended = machine.health(within=0)
    assert ended.returncode == 1
    assert "/data does not take a file" in ended.stdout


def test_a_hubs_machine_asks_its_hub(machine: Folder) -> None:
    installed(machine)
    machine.power_on()
    with (machine.root / "data/slots/slots.toml").open("a") as file:
        file.write(f"hub = {machine.agent.url!r}\n")
    ended = machine.health(within=0)
    assert (ended.returncode, "the hub answers 503" in ended.stdout) == (1, True)
    machine.agent.path = "/healthz"
    machine.power_on()
    assert machine.health().returncode == 0


def test_a_machine_with_one_slot_is_left_alone(machine: Folder) -> None:
    (machine.root / TWO_SLOTS.boot("b").device[1:]).unlink()
    before = (machine.root / AUTOBOOT_FILE[1:]).read_bytes()
    (machine.root / AUTOBOOT_FILE[1:]).write_bytes(b"[all]\nboot_partition=1\n")
    ended = machine.health()
    assert ended.returncode == 1
    assert "has one slot" in ended.stderr
    assert (machine.root / AUTOBOOT_FILE[1:]).read_bytes() != before
