"""Updates as processes: bundles that the real rauc makes and judges, and a machine in a folder that keeps or leaves."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from image.layout import AUTOBOOT_FILE, RELEASE_FILE, SLOTS, TWO_SLOTS, Slot
from image.slots.autoboot import read_autoboot, write_autoboot
from shelfwire.cli import main

REPOSITORY = Path(__file__).parents[2]
OVERLAY = REPOSITORY / "image/root"
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def shelfwire(*words: object) -> subprocess.CompletedProcess[str]:
    """Run a command in this process: to start one takes longer than what it does."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main(["image", *map(str, words)])
        except SystemExit as refused:
            code = int(refused.code or 0)
    return subprocess.CompletedProcess([], code, out.getvalue(), err.getvalue())


def process(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "shelfwire", "image", *map(str, words)]
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=120,
        env={**os.environ, "PATH": PATH},
    )


def done(*words: object) -> str:
    """Run a command that is to succeed."""
    ended = shelfwire(*words)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def squash(folder: Path, version: str = "1.5.0", kind: str = "station") -> Path:
    """Make a root as a build does, as small as can be."""
    tree, made = folder / f"tree-{version}", folder / f"root-{version}.squashfs"
    (tree / RELEASE_FILE[1:]).parent.mkdir(parents=True)
    (tree / RELEASE_FILE[1:]).write_text(json.dumps({"version": version, "kind": kind, "board": "rpi"}))
    (tree / "etc/rauc").mkdir(parents=True)
    shutil.copy(OVERLAY / kind / "etc/rauc/system.conf", tree / "etc/rauc")
    subprocess.run(["mksquashfs", tree, made, "-quiet"], check=True, capture_output=True, env={"PATH": PATH})
    return made


def fat(folder: Path) -> Path:
    """Make a boot partition, as small as can be."""
    made = folder / "boot.vfat"
    if not made.exists():
        made.write_bytes(bytes(1024 * 1024))
        subprocess.run(["mkfs.vfat", made], check=True, capture_output=True, env={"PATH": PATH})
    return made


def keys(folder: Path, name: str = "keys") -> Path:
    done("keys", folder / name)
    return folder / name


def bundle(folder: Path, signed: Path, version: str = "1.5.0", kind: str = "station") -> Path:
    made = folder / f"{kind}-{version}.raucb"
    done(
        *("bundle", made, "--root", squash(folder, version, kind), "--boot", fat(folder)),
        *("--key", signed / "signer.key", "--cert", signed / "signer.pem", "--version", version),
    )
    return made


def rauc_info(made: Path, keyring: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["rauc", f"--keyring={keyring}", "info", "--output-format=json", str(made)],
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.needs_image
def test_rauc_takes_a_bundle_for_what_it_is(tmp_path: Path) -> None:
    signed = keys(tmp_path)
    assert (signed / "signer.key").stat().st_mode & 0o077 == 0
    made = bundle(tmp_path, signed)
    told = rauc_info(made, signed / "keyring.pem")
    assert told.returncode == 0, told.stderr
    said = json.loads(told.stdout)
    assert (said["compatible"], said["version"]) == ("shelfwire-station-rpi-arm64", "1.5.0")
    assert [next(iter(image)) for image in said["images"]] == ["rootfs", "boot"], "the boot partition comes last"
    assert said["hooks"] == [] or "hooks" in said

    another = keys(tmp_path, "other")
    assert rauc_info(made, another / "keyring.pem").returncode != 0
    spoilt = bytearray(made.read_bytes())
    spoilt[-100] ^= 1
    made.write_bytes(spoilt)
    assert rauc_info(made, signed / "keyring.pem").returncode != 0


@pytest.mark.needs_image
def test_a_bundle_says_what_its_root_says(tmp_path: Path) -> None:
    signed = keys(tmp_path)
    root = squash(tmp_path)
    common = ("--boot", fat(tmp_path), "--key", signed / "signer.key", "--cert", signed / "signer.pem")
    refused = shelfwire("bundle", tmp_path / "x.raucb", "--root", root, "--version", "1.6.0", *common)
    assert refused.returncode == 1
    assert "is version 1.5.0, not 1.6.0" in refused.stderr
    refused = shelfwire("bundle", tmp_path / "x.raucb", "--root", tmp_path / "boot.vfat", *common)
    assert refused.returncode == 1
    assert not (tmp_path / "x.raucb").exists()


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    folder = keys(tmp_path)
    before = (folder / "signer.key").read_bytes()
    assert shelfwire("keys", folder).returncode == 1
    assert (folder / "signer.key").read_bytes() == before


@pytest.mark.parametrize("kind", ["station", "hub"])
def test_raucs_settings_and_the_layout_name_the_same_partitions(kind: str) -> None:
    text = (OVERLAY / kind / "etc/rauc/system.conf").read_text()
    for number, slot in enumerate(SLOTS):
        root, boot = TWO_SLOTS.root(slot).device, TWO_SLOTS.boot(slot).device
        assert f"[slot.rootfs.{number}]\ndevice={root}\ntype=raw\nbootname={slot}\n" in text
        assert f"[slot.boot.{number}]\ndevice={boot}\ntype=vfat\nparent=rootfs.{number}\n" in text


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
