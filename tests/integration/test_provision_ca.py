"""`shelfwire provision ca` as a person at a terminal uses it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from protocol.identity import StoreId
from provisioning.authority_folder import load_authority
from tests.integration.commands import shelfwire


@pytest.fixture
def config(tmp_path: Path) -> Path:
    config = tmp_path / "hub.toml"
    config.write_text('store = "oak-street"\ndata_dir = "data"\n')
    return config


def ca(*words: object) -> subprocess.CompletedProcess[str]:
    return shelfwire("provision", "ca", *words)


def test_it_is_made_shown_and_made_no_second_time(config: Path) -> None:
    made = ca("init", "--config", config)
    assert made.returncode == 0
    authority = load_authority(config.parent / "data", StoreId("oak-street"))
    assert authority.fingerprint.hex(" ", 4) in made.stdout
    assert "until 20" in made.stdout
    told = json.loads(ca("show", "--config", config, "--json").stdout)
    assert (told["fingerprint"], told["root_key_offline"]) == (authority.fingerprint.hex(), False)
    again = ca("init", "--config", config)
    assert (again.returncode, again.stdout) == (1, "")
    assert "is there already" in again.stderr
    pem = ca("show", "--config", config, "--pem").stdout
    assert x509.load_pem_x509_certificate(pem.encode()) == authority.root


def test_with_an_offline_root_no_key_of_it_stays_and_none_is_ever_printed(config: Path, tmp_path: Path) -> None:
    stick = tmp_path / "root.pem"
    told = [ca("init", "--config", config, "--offline-root", stick), ca("show", "--config", config)]
    secrets = [
        line
        for file in (stick, config.parent / "data" / "authority" / "issuing.key")
        for line in file.read_text().partition("-----END PRIVATE")[0].splitlines()[1:]
    ]
    assert secrets
    for each in told:
        assert each.returncode == 0
        assert not any(line in each.stdout + each.stderr for line in secrets)
    assert not (config.parent / "data" / "authority" / "root.key").exists()
    assert "its key offline" in told[1].stdout


def test_what_is_wrong_is_said_in_a_line(config: Path, tmp_path: Path) -> None:
    none = ca("show", "--config", config)
    assert (none.returncode, none.stderr.count("\n")) == (1, 1)
    assert "`shelfwire provision ca init` makes one" in none.stderr
    assert ca("show", "--config", tmp_path / "no.toml").returncode == 2
    assert ca("init", "--config", config).returncode == 0
    (tmp_path / "data" / "authority" / "issuing.key").chmod(0o644)
    assert "lies open to others" in ca("show", "--config", config).stderr
