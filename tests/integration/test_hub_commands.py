"""`shelfwire hub` on the command line: imports, refusals, an orderly stop."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.integration.commands import shelfwire

SHELFWIRE = (sys.executable, "-m", "shelfwire.cli")
DEADLINE_S = 60


def hub(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return shelfwire("hub", *arguments)


def run(config: Path) -> subprocess.CompletedProcess[str]:
    """Run a hub that is to end by itself."""
    return subprocess.run(
        [*SHELFWIRE, "hub", "run", "--config", str(config)],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "hub.toml"
    # Nobody listens on port 1: a hub without its broker still serves its page.
    path.write_text('store = "oak"\ndata_dir = "data"\n[broker]\nport = 1\n[web]\nport = 0\n')
    return path


def test_items_come_in_from_a_file_once_and_a_wrong_line_is_named(config: Path, tmp_path: Path) -> None:
    items = tmp_path / "items.csv"
    items.write_text("item,name,unit,code,price,currency\ntea,Tea,each,4006381333931,1.99,EUR\n")
    first = hub("import", "--config", config, items)
    assert (first.returncode, first.stdout) == (0, "1 items read, 3 catalogue rows changed, 0 lines refused\n")
    again = hub("import", "--config", config, items)
    assert (again.returncode, again.stdout) == (0, "1 items read, 0 catalogue rows changed, 0 lines refused\n")
    items.write_text("item,name,unit,code,price,currency\ntea,Tea,each,4006381333932,1.99,EUR\njam,Jam,each,,2,EUR\n")
    wrong = hub("import", "--config", config, items)
    assert wrong.returncode == 1
    assert "line 2, code" in wrong.stderr
    assert "1 items read, 2 catalogue rows changed, 1 lines refused" in wrong.stdout


def test_a_file_that_is_not_there_and_settings_that_are_wrong(config: Path, tmp_path: Path) -> None:
    missing = hub("import", "--config", config, tmp_path / "none.csv")
    assert (missing.returncode, "cannot read" in missing.stderr) == (1, True)
    config.write_text('store = "oak"\n')
    wrong = run(config)
    assert wrong.returncode == 2
    assert "data_dir" in wrong.stderr


def test_it_serves_its_page_without_a_broker_says_when_it_is_ready_and_stops_when_asked(config: Path) -> None:
    running = subprocess.Popen(
        [*SHELFWIRE, "hub", "run", "--config", str(config)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with running:
        assert running.stdout is not None
        ready = json.loads(running.stdout.readline())
        assert ready["event"] == "ready"
        assert ready["web"].startswith("http://127.0.0.1:")
        second = run(config)
        assert second.returncode == 1
        assert second.stderr.strip()
        running.send_signal(signal.SIGTERM)
        assert running.wait(DEADLINE_S) == 0


def test_a_token_made_while_the_hub_runs_is_asked_for_and_ends_when_it_is_revoked(config: Path) -> None:
    running = subprocess.Popen(
        [*SHELFWIRE, "hub", "run", "--config", str(config)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with running:
        assert running.stdout is not None
        stock = json.loads(running.stdout.readline())["web"] + "/api/v1/stock"
        try:
            assert httpx.get(stock).status_code == 200
            made = hub("token", "create", "--config", config, "--name", "ERP", "--scope", "stock:read", "--json")
            token = json.loads(made.stdout)
            header = {"authorization": f"Bearer {token['token']}"}
            assert came_to(stock, {}, 401)
            assert httpx.get(stock, headers=header).status_code == 200
            assert hub("token", "revoke", "--config", config, token["id"]).returncode == 0
            assert came_to(stock, header, 401)
            listed = hub("token", "list", "--config", config)
            assert listed.stdout.split()[:2] == [token["id"], "revoked"]
            assert token["token"].split("_", 2)[2] not in listed.stdout
        finally:
            running.send_signal(signal.SIGTERM)
            assert running.wait(DEADLINE_S) == 0


@pytest.mark.parametrize("wrong", [["--scope", "everything"], ["--scope", "hub", "--days", "0"], []])
def test_a_token_needs_a_scope_and_an_end_that_there_are(config: Path, wrong: list[str]) -> None:
    assert hub("token", "create", "--config", config, "--name", "x", *wrong).returncode == 2


def came_to(address: str, headers: dict[str, str], status: int) -> bool:
    """Ask until the answer has that status, or the deadline has passed."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if httpx.get(address, headers=headers).status_code == status:
            return True
    return False


def test_what_the_hub_knows_is_exported_while_it_runs_and_what_was_imported_comes_back(
    config: Path, tmp_path: Path
) -> None:
    items = tmp_path / "items.csv"
    items.write_text("item,name,unit,code,price,currency\ntea,Tea,each,4006381333931,1.99,EUR\n")
    out = tmp_path / "out"
    nowhere = hub("export", "--config", config, out)
    assert (nowhere.returncode, "there is no folder" in nowhere.stderr) == (1, True)
    out.mkdir()
    assert hub("export", "--config", config, out).returncode == 1, "there is no store yet"
    assert list(out.iterdir()) == []
    assert hub("import", "--config", config, items).returncode == 0
    running = subprocess.Popen(
        [*SHELFWIRE, "hub", "run", "--config", str(config)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with running:
        assert running.stdout is not None
        web = json.loads(running.stdout.readline())["web"]
        try:
            asked = {"item": "tea", "area": "store", "qty_milli": 7000, "reason": "receipt", "author": "a", "note": "b"}
            assert httpx.post(f"{web}/api/v1/adjustments", json=asked).status_code == 201
            until_s = time.monotonic() + DEADLINE_S
            while not (rows := httpx.get(f"{web}/api/v1/stock").json()["rows"]):
                assert time.monotonic() < until_s
                time.sleep(0.02)
            told = hub("export", "--config", config, "--json", out)
        finally:
            running.send_signal(signal.SIGTERM)
            assert running.wait(DEADLINE_S) == 0
    assert told.returncode == 0, told.stderr
    assert [(Path(each["file"]).name, each["rows"]) for each in json.loads(told.stdout)["files"]] == [
        ("stock.csv", 1),
        ("counts.csv", 0),
        ("movements.csv", 1),
        ("catalogue.csv", 1),
    ]
    heading, line = (out / "stock.csv").read_text().splitlines()
    shown = dict(zip(heading.split(","), line.split(","), strict=True))
    assert (shown["item"], int(shown["on_hand_milli"])) == ("tea", rows[0]["on_hand_milli"])
    again = hub("import", "--config", config, out / "catalogue.csv")
    assert (again.returncode, again.stdout) == (0, "1 items read, 0 catalogue rows changed, 0 lines refused\n")
    lines = hub("export", "--config", config, "--lines", "--only", "movements", out)
    assert lines.returncode == 0
    moved = json.loads((out / "movements.jsonl").read_text())
    assert (moved["item"], moved["qty_milli"], moved["reason"]) == ("tea", 7000, "receipt")
