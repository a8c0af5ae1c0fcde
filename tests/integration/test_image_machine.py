"""The machine's own commands, on folders laid out as a machine's: settings read by the real readers, a real new hub."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from image.system.files import MAX_BYTES
from tests.integration.commands import shelfwire

ROOT = Path("image/root")


def machine(folder: Path, kind: str) -> Path:
    for each in ("boot/config", "data/network", "data/journal", "data/shelfwire/station", "data/shelfwire/hub", "run"):
        (folder / each).mkdir(parents=True)
    (folder / "run/shelfwire/technician").mkdir(parents=True)
    (folder / "usr/lib/systemd/system").mkdir(parents=True)
    (folder / "usr/share/shelfwire").mkdir(parents=True)
    if kind == "hub":
        (folder / "usr/lib/systemd/system/shelfwire-hub.service").touch()
    else:
        shared = (ROOT / "station/usr/share/shelfwire/edge.toml").read_bytes()
        (folder / "usr/share/shelfwire/edge.toml").write_bytes(shared)
    return folder


def run(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return shelfwire("image", *words, "--root", root)


def test_a_station_as_flashed_has_settings_that_its_agent_takes(tmp_path: Path) -> None:
    root = machine(tmp_path, "station")
    sample = Path("image/recipe/boot/shelfwire.toml")
    (root / "boot/config/shelfwire.toml").write_bytes(sample.read_bytes())
    assert run(root, "boot-file").returncode == 0
    config = root / "data/shelfwire/station/edge.toml"
    checked = shelfwire("edge", "check", "--config", config)
    assert checked.returncode == 0, checked.stderr


def test_what_the_sample_file_shows_can_be_written(tmp_path: Path) -> None:
    """The lines of the sample, without the # before them, but for what a person has to fill in."""
    root = machine(tmp_path, "station")
    lines = Path("image/recipe/boot/shelfwire.toml").read_text().splitlines()
    told = [line[1:] for line in lines if line[:1] == "#" and line[1:2] not in {" ", ""} and "…" not in line]
    assert len(told) > 5
    text = "\n".join(told).replace("[ssh]\nhours = 4", "").replace("[wifi]", '[wifi]\npassword = "12345678"')
    (root / "boot/config/shelfwire.toml").write_text(text)
    done = run(root, "boot-file")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("devices", "words"),
    [
        ('[devices."Bad Name"]\ndriver = "keyboard-wedge"\n', "a device is named with"),
        ('[devices.scanner]\ndriver = "keybord-wedge"\n', "did you mean 'keyboard-wedge'?"),
        ('[devices.scanner]\ndriver = "keyboard-wedge"\ndevice = "/dev/x"\n', "devices.scanner"),
    ],
)
def test_devices_that_the_agent_would_not_take_are_said_and_nothing_is_taken(
    tmp_path: Path, devices: str, words: str
) -> None:
    root = machine(tmp_path, "station")
    (root / "boot/config/shelfwire.toml").write_text(devices)
    done = run(root, "boot-file")
    assert done.returncode == 1
    assert "NOT taken over" in done.stdout
    assert words in (root / "boot/config/shelfwire-says.txt").read_text()


def test_a_reset_that_was_asked_for_is_done_at_the_next_start_and_can_be_called_off(tmp_path: Path) -> None:
    root = machine(tmp_path, "station")
    identity = root / "data/shelfwire/station/identity"
    for words, left in ((("--yes",), True), (("--yes", "--cancel"), True), (("--yes", "--with-unsent-log"), False)):
        identity.mkdir(exist_ok=True)
        (root / "data/shelfwire/station/stock.db").touch()
        assert run(root, "reset", *words).returncode == 0
        if words != ("--yes",):
            assert run(root, "boot-file").returncode == 0
            assert identity.exists() is left
            assert (root / "data/shelfwire/station/stock.db").exists() is left
    assert MAX_BYTES


HUB = (ROOT / "hub/usr/share/shelfwire/hub.toml").read_text()


def test_the_sample_of_a_hubs_settings_is_taken_and_its_page_is_nobody_elses(tmp_path: Path) -> None:
    root = machine(tmp_path, "hub")
    (root / "boot/config/hub.toml").write_text(HUB)
    done = run(root, "boot-file")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (root / "run/shelfwire/nftables.d/pages.nft").exists()
    (root / "boot/config/hub.toml").write_text(HUB.replace('host = "127.0.0.1"', 'host = "0.0.0.0"'))
    assert run(root, "boot-file").returncode == 0
    assert "{ 8080 }" in (root / "run/shelfwire/nftables.d/pages.nft").read_text()
    assert run(root, "reset", "--yes").returncode == 2, "its books are not kept by keeping a log"


@pytest.mark.parametrize(
    ("was", "becomes", "words"),
    [
        ('data_dir = "."', 'data_dir = "/var/lib/shelfwire-hub"', "all else is lost at a restart"),
        ('folder = "/data/shelfwire/broker"', 'folder = "/var/lib/broker"', "mosquitto.folder"),
        ('currency = "EUR"', 'curency = "EUR"', "curency"),
    ],
)
def test_settings_by_which_a_hub_would_lose_its_books_are_refused(
    tmp_path: Path, was: str, becomes: str, words: str
) -> None:
    root = machine(tmp_path, "hub")
    (root / "boot/config/hub.toml").write_text(HUB.replace(was, becomes))
    done = run(root, "boot-file")
    assert done.returncode == 1
    assert words in (root / "boot/config/shelfwire-says.txt").read_text()
    assert not (root / "data/shelfwire/hub/hub.toml").exists()


def test_a_new_hub_gets_its_authority_and_its_brokers_files_once(tmp_path: Path) -> None:
    folder, broker = tmp_path / "hub", tmp_path / "broker"
    folder.mkdir()
    broker.mkdir(mode=0o2750)
    config = folder / "hub.toml"
    config.write_text(HUB.replace("/data/shelfwire/broker", str(broker)))
    command = tmp_path / "shelfwire"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m shelfwire.cli "$@"\n')
    command.chmod(0o755)
    env = {**os.environ, "SHELFWIRE": str(command)}
    script = ["sh", str(ROOT / "hub/usr/lib/shelfwire/hub-setup"), str(config), str(broker)]
    done = subprocess.run(script, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert (folder / "authority").is_dir()
    written = {each.name: each.read_bytes() for each in broker.iterdir() if each.is_file()}
    assert "mosquitto.conf" in written
    again = subprocess.run(script, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert (again.returncode, again.stdout) == (0, "")
    assert {each.name: each.read_bytes() for each in broker.iterdir() if each.is_file()} == written
