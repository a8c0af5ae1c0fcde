"""`shelfwire hub` on the command line: imports, refusals, an orderly stop."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SHELFWIRE = (sys.executable, "-m", "shelfwire.cli")
DEADLINE_S = 30


def hub(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SHELFWIRE, "hub", *map(str, arguments)], capture_output=True, text=True, timeout=DEADLINE_S, check=False
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
    wrong = hub("run", "--config", config)
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
        second = hub("run", "--config", config)
        assert second.returncode == 1
        assert second.stderr.strip()
        running.send_signal(signal.SIGTERM)
        assert running.wait(DEADLINE_S) == 0
